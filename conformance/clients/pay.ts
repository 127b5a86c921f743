/** An application of the client: it asks for money, quotes, obtains consent, pays, and cleans up. */
import type { Client, Token, Wallet } from './client.ts';
import { type Request, Stop } from './message-client.ts';

// biome-ignore lint/suspicious/noExplicitAny: resources as JSON
type Json = any;

export interface Addresses {
  readonly sender: string;
  readonly receiver: string;
}

const INCOMING = { type: 'incoming-payment', actions: ['create', 'read', 'list', 'complete'] };
const QUOTE = { type: 'quote', actions: ['create', 'read'] };
const outgoing = (sender: Wallet, limits: Json) => ({
  type: 'outgoing-payment',
  actions: ['create', 'read', 'list'],
  identifier: sender.id,
  limits,
});
const DAY_MS = 86_400_000;

/** Each step of the application. A broken client replaces one. */
export const createSteps = (client: Client) => ({
  incomingAccess: (): Json[] => [INCOMING],
  quoteAccess: (): Json[] => [QUOTE],
  outgoingAccess: (sender: Wallet, limits: Json): Json[] => [outgoing(sender, limits)],
  /** `value` is in minor units of the receiver's asset. */
  incomingBody: (receiver: Wallet, value: string): Json => ({
    walletAddress: receiver.id,
    incomingAmount: { value, assetCode: receiver.assetCode, assetScale: receiver.assetScale },
    expiresAt: new Date(Date.now() + DAY_MS).toISOString(),
    metadata: { description: 'Order 1' },
  }),
  quoteBody: (sender: Wallet, incoming: Json): Json => ({
    walletAddress: sender.id,
    receiver: incoming.id,
    method: 'ilp',
  }),
  limits: (quote: Json): Json => ({ debitAmount: quote.debitAmount }),
  /** Quotes anew if the quote is about to expire. */
  async refresh(token: Token, sender: Wallet, incoming: Json, quote: Json): Promise<Json> {
    if (quote.expiresAt === undefined || Date.parse(quote.expiresAt) > Date.now() + 1000) return quote;
    return client.create(token, sender, 'quotes', this.quoteBody(sender, incoming));
  },
  paymentBody: (sender: Wallet, quote: Json): Json => ({ walletAddress: sender.id, quoteId: quote.id }),
  async readPublic(incoming: Json): Promise<void> {
    client.expect(await client.send({ method: 'GET', url: incoming.id } satisfies Request), 200);
  },
  /** The right of a token to spend is the granted amount, which can be smaller than the requested one. */
  checkGranted(token: Token, quote: Json): void {
    const granted = token.access.find(({ type }) => type === 'outgoing-payment');
    const limit = granted?.limits?.debitAmount?.value;
    if (!granted?.actions?.includes('create')) throw new Stop('no payment was granted');
    if (limit !== undefined && BigInt(limit) < BigInt(quote.debitAmount.value))
      throw new Stop('the limit is too small');
  },
  async cleanUp(token: Token): Promise<void> {
    await client.revoke(token);
    if (token.continuation) await client.cancelGrant(token.authServer, token.continuation);
  },
});

export type Steps = ReturnType<typeof createSteps>;

export async function payTwice(client: Client, steps: Steps, addresses: Addresses): Promise<void> {
  const sender = await client.readWallet(addresses.sender);
  const receiver = await client.readWallet(addresses.receiver);
  await client.readKeys(receiver.id);

  const incomingToken = await client.requestToken(receiver.authServer, steps.incomingAccess());
  const ask = (value: string): Promise<Json> =>
    client.create(incomingToken, receiver, 'incoming-payments', steps.incomingBody(receiver, value));
  const first = await ask('500');
  const second = await ask('300');
  await steps.readPublic(first);

  const quoteToken = await client.requestToken(sender.authServer, steps.quoteAccess());
  const quote = await client.create(quoteToken, sender, 'quotes', steps.quoteBody(sender, first));
  await client.read(quoteToken, quote.id);

  const consent = (limits: Json) => client.requestConsent(sender.authServer, steps.outgoingAccess(sender, limits));
  const [once, monthly] = await bothOf([
    consent(steps.limits(quote)),
    consent({ ...steps.limits(quote), interval: `R3/${new Date().toISOString()}/P1M` }),
  ]);

  for (const [token, incoming] of [
    [once, first],
    [monthly, second],
  ] as const) {
    const fresh = await steps.refresh(
      quoteToken,
      sender,
      incoming,
      incoming === first ? quote : await requote(incoming),
    );
    steps.checkGranted(token, fresh);
    const payment = await client.create(token, sender, 'outgoing-payments', steps.paymentBody(sender, fresh));
    const received = await client.readUntil(incomingToken, incoming.id, ({ completed }) => completed === true);
    const sent = await client.read(token, payment.id);
    if (sent.failed || BigInt(received.receivedAmount.value) <= 0n) throw new Stop('the payment failed');
  }
  function requote(incoming: Json): Promise<Json> {
    return client.create(quoteToken, sender, 'quotes', steps.quoteBody(sender, incoming));
  }

  await client.rotate(once);
  await client.list(once, sender, 'outgoing-payments');
  const third = await ask('100');
  await client.complete(incomingToken, third.id);
  await client.list(incomingToken, receiver, 'incoming-payments');
  for (const token of [incomingToken, quoteToken, once, monthly]) await steps.cleanUp(token);
}

/** Both results. If one fails, the other is awaited before the failure is thrown, so that it can be cleaned up. */
async function bothOf(promises: readonly [Promise<Token>, Promise<Token>]): Promise<[Token, Token]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
