/** An incoming payment of the target and a peer that sends packets to it. */
import assert from 'node:assert/strict';
import type { CheckContext } from '../runner/check.ts';
import { expectStatus } from './expect.ts';
import { type Answered, type Credentials, type PeerAse, type PeerOptions, withPeer } from './peer-ase.ts';
import { createIncomingPayment, getIncomingPayment } from './scenarios.ts';
import type { Json } from './signed-client.ts';

export interface IncomingPackets {
  readonly peer: PeerAse;
  /** The document at creation. */
  readonly payment: Json;
  readonly credentials: Credentials;
  /** The received amount in the public view. */
  received(payment?: Json): Promise<bigint>;
}

export interface IncomingPacketsOptions extends Partial<PeerOptions> {
  /** The incoming amount; without it the payment is open. */
  readonly value?: bigint;
}

/** The one ILP method of an incoming payment that was read with a token. */
export const credentialsOf = (payment: Json): Credentials => {
  const { ilpAddress, sharedSecret } = payment.methods[0];
  return { ilpAddress, sharedSecret };
};

export async function readCredentials(context: CheckContext, payment: Json): Promise<Credentials> {
  return credentialsOf(expectStatus(await getIncomingPayment(context, payment.id), 200).body);
}

/** A payment at the receiver's ASE, and a peer of that ASE for as long as `work` takes. */
export async function withIncomingPackets(
  context: CheckContext,
  { value, ...options }: IncomingPacketsOptions,
  work: (arranged: IncomingPackets) => Promise<void>,
): Promise<void> {
  await withPeer(context, context.receiver, { asset: context.receiver, ...options }, async (peer) => {
    const payment = await createIncomingPayment(context, value === undefined ? {} : { value: String(value) });
    const received = async ({ id }: Json = payment): Promise<bigint> => {
      const answer = await context.call({ operation: 'get-incoming-payment', url: id, sign: false });
      return BigInt(expectStatus(answer, 200).body.receivedAmount.value);
    };
    await work({ peer, payment, credentials: credentialsOf(payment), received });
  });
}

/** `fulfill` or the error code. */
export const outcomeOf = (answer: Answered): string => (answer.kind === 'fulfill' ? 'fulfill' : answer.code);

/** The answer is a Reject with this code, made by the ASE whose address the credentials begin with. */
export function expectReject(answer: Answered, code: string | RegExp, { ilpAddress }: Credentials): void {
  const outcome = outcomeOf(answer);
  if (typeof code === 'string') assert.equal(outcome, code);
  else assert.match(outcome, code);
  if (answer.kind !== 'reject') return;
  assert.ok(`${ilpAddress}.`.startsWith(`${answer.triggeredBy}.`), 'the ASE of the receiver refuses in its own name');
}
