/** The operations of the table: each prepares its requests, signed, before anything is measured. */
import { setTimeout as wait } from 'node:timers/promises';
import { type Call, type Job, type Send, sendOk } from './driver.ts';
import {
  amountOf,
  incomingAccess,
  obtainConsent,
  obtainToken,
  type Party,
  quoteAccess,
  requestConsent,
  requestGrant,
  sign,
} from './party.ts';

export interface Slice {
  readonly jobs: readonly Job[];
  /** Resolves when what the jobs started has ended. */
  readonly settled?: () => Promise<void>;
}

export interface Operation {
  readonly name: string;
  /** Jobs in one slice: at least 200 ms of CPU time for the floor. */
  readonly requests: number;
  prepare(send: Send, party: Party): Promise<(count: number) => Promise<Slice>>;
}

/** More than all the payments of a run. */
const LIMIT = '1000000000';
const SETTLE_MS = 60_000;

const get = (url: string): Call => ({ method: 'GET', url, headers: {} });

/** An operation of one request that can be sent any number of times. */
export const simple = (
  name: string,
  requests: number,
  prepare: (send: Send, party: Party) => Promise<() => Call>,
): Operation => ({
  name,
  requests,
  async prepare(send, party) {
    const create = await prepare(send, party);
    return async (count) => {
      const calls = Array.from({ length: count }, create);
      return { jobs: calls.map((call) => (send) => sendOk(send, call)) };
    };
  },
});

export const createIncoming = (party: Party, token: string): Call => {
  const url = `${party.receiver.resourceServer}/incoming-payments`;
  return sign(party, { url, token, value: { walletAddress: party.receiver.id } });
};

/** An incoming payment without an amount, and its token. */
export async function openReceiver(send: Send, party: Party) {
  const token = await obtainToken(send, party, party.receiver.authServer, incomingAccess);
  const { id } = JSON.parse((await sendOk(send, createIncoming(party, token))).text);
  return { token, id: id as string };
}

const createQuote = (party: Party, token: string, receiver: string): Call => {
  const url = `${party.payer.resourceServer}/quotes`;
  const receiveAmount = amountOf(party.receiver, '1');
  return sign(party, { url, token, value: { walletAddress: party.payer.id, receiver, method: 'ilp', receiveAmount } });
};

const createOutgoing = (party: Party, token: string, quoteId: string): Call => {
  const url = `${party.payer.resourceServer}/outgoing-payments`;
  return sign(party, { url, token, value: { walletAddress: party.payer.id, quoteId } });
};

/** Waits until the receiver has got this much more; its public view says so. */
async function waitForReceipt(send: Send, receiver: string, expected: bigint): Promise<void> {
  const end = Date.now() + SETTLE_MS;
  while (Date.now() < end) {
    if ((await receivedBy(send, receiver)) >= expected) return;
    await wait(50);
  }
  throw new Error(`${receiver} has not received ${expected} within ${SETTLE_MS} ms`);
}

const receivedBy = async (send: Send, receiver: string): Promise<bigint> =>
  BigInt(JSON.parse((await sendOk(send, get(receiver))).text).receivedAmount.value);

/** Outgoing payments of prepared quotes, and what they pay. The token is of a grant for all of them. */
export const paymentsFrom = (
  name: string,
  obtain = (send: Send, party: Party) => obtainConsent(send, party, requestConsent(party, LIMIT)),
): Operation => ({
  name,
  requests: 200,
  async prepare(send, party) {
    const receiver = await openReceiver(send, party);
    const quoteToken = await obtainToken(send, party, party.payer.authServer, quoteAccess);
    const token = await obtain(send, party);
    return async (count) => {
      const quotes = Array.from({ length: count }, () => createQuote(party, quoteToken, receiver.id));
      const replies = await Promise.all(quotes.map((quote) => sendOk(send, quote)));
      const calls = replies.map(({ text }) => createOutgoing(party, token, JSON.parse(text).id));
      const expected = (await receivedBy(send, receiver.id)) + BigInt(count);
      return {
        jobs: calls.map((call) => (send) => sendOk(send, call)),
        settled: () => waitForReceipt(send, receiver.id, expected),
      };
    };
  },
});

/** The requests of a payment from the receiver's wallet address to the payment, and the payment itself. */
export const wholeFlow: Operation = {
  name: 'whole flow, 10 requests',
  requests: 64,
  async prepare(send, party) {
    return async (count) => {
      const receivers: string[] = [];
      const flow: Job = async (send) => {
        await sendOk(send, get(party.target.receiver));
        const receiver = await openReceiver(send, party);
        receivers.push(receiver.id);
        await sendOk(send, get(party.target.walletAddress));
        const quoteToken = await obtainToken(send, party, party.payer.authServer, quoteAccess);
        const quote = JSON.parse((await sendOk(send, createQuote(party, quoteToken, receiver.id))).text);
        const token = await obtainConsent(send, party, requestConsent(party, '1000'));
        await sendOk(send, createOutgoing(party, token, quote.id));
      };
      return {
        jobs: Array.from({ length: count }, () => flow),
        async settled() {
          // Payments are sent in the order of their creation, so the last ones show that all have ended.
          for (const receiver of receivers.slice(-16)) await waitForReceipt(send, receiver, 1n);
        },
      };
    };
  },
};

export const operations: readonly Operation[] = [
  simple('wallet address GET', 4000, async (_, party) => () => get(party.target.walletAddress)),
  simple('jwks.json GET', 4000, async (_, party) => () => get(`${party.target.client}/jwks.json`)),
  simple('public incoming payment GET', 4000, async (send, party) => {
    const receiver = await openReceiver(send, party);
    return () => get(receiver.id);
  }),
  simple(
    'grant POST, non-interactive',
    800,
    async (_, party) => () => requestGrant(party, party.payer.authServer, quoteAccess),
  ),
  simple('incoming payment POST', 400, async (send, party) => {
    const { token } = await openReceiver(send, party);
    return () => createIncoming(party, token);
  }),
  simple('incoming payment GET with token', 500, async (send, party) => {
    const { id, token } = await openReceiver(send, party);
    return () => sign(party, { url: id, token });
  }),
  simple('list of 10', 400, async (send, party) => {
    const { token } = await openReceiver(send, party);
    for (let i = 0; i < 10; i += 1) await sendOk(send, createIncoming(party, token));
    const query = new URLSearchParams({ 'wallet-address': party.receiver.id, first: '10' });
    return () => sign(party, { url: `${party.receiver.resourceServer}/incoming-payments?${query}`, token });
  }),
  simple('quote POST', 400, async (send, party) => {
    const receiver = await openReceiver(send, party);
    const token = await obtainToken(send, party, party.payer.authServer, quoteAccess);
    return () => createQuote(party, token, receiver.id);
  }),
  paymentsFrom('outgoing payment POST with its payment'),
  {
    name: 'interactive grant up to the token',
    requests: 150,
    async prepare(_, party) {
      return async (count) => {
        const calls = Array.from({ length: count }, () => requestConsent(party, '1000'));
        return { jobs: calls.map((call) => (send) => obtainConsent(send, party, call)) };
      };
    },
  },
  wholeFlow,
];
