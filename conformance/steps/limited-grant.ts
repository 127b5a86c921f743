/** A grant for outgoing payments in a separate world with a stopped clock, for checks of limits and spent amounts. */
import type { CheckContext, Party } from '../runner/check.ts';
import { expectStatus } from './expect.ts';
import {
  amountOf,
  createIncomingPayment,
  createQuote,
  grantOutgoing,
  incomingAccess,
  outgoingAccess,
  postOutgoingPayment,
  requestToken,
  rotateToken,
  waitUntilPartIsSent,
  waitUntilSettled,
} from './scenarios.ts';
import type { Answer, Json } from './signed-client.ts';
import { inNewWorld, type NewWorld } from './world.ts';

export interface LimitedGrant {
  readonly world: NewWorld;
  /** Value of the token that counts now. */
  token(): string;
  /** Moves the clock, forward or back, and rotates the token, which may have expired by then. */
  moveTo(instant: string): Promise<void>;
  /** A payment that debits `value`, to a new incoming payment of `receiver`. */
  pay(value: string, receiver?: Party): Promise<Answer>;
  /** The payment when a part of it is sent. */
  sendPart(payment: Json): Promise<Json>;
  /** The payment when it will not change any more. */
  settle(payment: Json): Promise<Json>;
  /** `GET /outgoing-payment-grant` with the grant's token. */
  readSpent(): Promise<{ spentDebitAmount: Json; spentReceiveAmount: Json }>;
}

/** @param limits of the grant @param begin time of the clock when the grant is requested */
export function withLimitedGrant(
  context: CheckContext,
  limits: (world: CheckContext) => Json,
  begin: string,
  work: (grant: LimitedGrant) => Promise<void>,
): Promise<void> {
  return inNewWorld(context, {}, async (world) => {
    await world.control.request('POST', '/clock', { freeze: true });
    await world.control.setClock(begin);
    await work(await openLimitedGrant(world, limits(world)));
  });
}

export async function openLimitedGrant(world: NewWorld, limits: Json): Promise<LimitedGrant> {
  const { sender, control } = world;
  let { access_token } = await grantOutgoing(world, outgoingAccess(sender, limits));
  return {
    world,
    token: () => access_token.value,
    async moveTo(instant) {
      await control.setClock(instant);
      access_token = expectStatus(await rotateToken(world, access_token), 200).body.access_token;
    },
    async pay(value, receiver = world.receiver) {
      const rights = await requestToken(world, receiver, [incomingAccess(receiver, ['create'])]);
      const { id } = await createIncomingPayment({ ...world, receiver }, { token: rights.access_token.value });
      const quote = await createQuote(world, id, { debitAmount: amountOf(sender, value) });
      return postOutgoingPayment(world, { walletAddress: sender.url, quoteId: quote.id }, access_token.value);
    },
    sendPart: ({ id }) => waitUntilPartIsSent(world, id, access_token.value),
    settle: ({ id }) => waitUntilSettled(world, id, access_token.value),
    async readSpent() {
      const url = `${sender.resourceServer}/outgoing-payment-grant`;
      const answer = await world.call({ operation: 'get-outgoing-payment-grant', url, token: access_token.value });
      return expectStatus(answer, 200).body;
    },
  };
}
