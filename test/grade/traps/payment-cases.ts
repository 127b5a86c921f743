/** Scripts of clients for the probes of quotes, amounts, payments and lists. */
import type { Answer } from '../../support/signed-fetch.ts';
import type { Cases, Script } from './cases.ts';
import type { Client, Grant } from './scripted-client.ts';

const stopsBefore = ['not-exercised', (client: Client) => client.wallet()] as const;

/** A quote of a new incoming payment, and a grant to pay it. */
async function quoted(client: Client, limit: (value: string) => string = (value) => value) {
  const receiver = await client.receiver();
  const { id } = (await client.receive(receiver)).body;
  const quote = await client.quote(id);
  return { quote: quote.body, grant: await client.mayPay(limit(quote.body.debitAmount.value)), receiver: id };
}

/** Pays by an expired quote so often. */
const paysLate =
  (times: number): Script =>
  async (client) => {
    const { quote, grant } = await quoted(client);
    const isExpired = Date.parse(quote.expiresAt) < client.clock.wallNow();
    for (let time = 0; time < (isExpired ? times : 1); time += 1) await client.pay(grant, quote.id);
  };

const paysTwice =
  (between: (client: Client, payment: Answer, grant: Grant) => Promise<unknown>): Script =>
  async (client) => {
    const { quote, grant, receiver } = await quoted(client);
    const payment = await client.pay(grant, quote.id);
    await between(client, payment, grant);
    const again = await client.quote(receiver);
    if (again.body?.id) await client.pay(grant, again.body.id);
  };

/** A list of incoming payments in pages of one, as far as `goesOn` says. */
const pages =
  (next: (cursor: string, url: string) => string | undefined, most = 2): Script =>
  async (client) => {
    const { wallet, grant } = await client.receiver();
    for (let count = 0; count < 3; count += 1) await client.receive({ wallet, grant });
    const first = `${wallet.resourceServer}/incoming-payments?wallet-address=${encodeURIComponent(wallet.id)}&first=1`;
    let answer = await client.call('GET', first, grant.token);
    for (let page = 1; page < most && answer.body?.pagination?.hasNextPage; page += 1) {
      const url = next(answer.body.pagination.endCursor, first);
      if (url === undefined) return;
      answer = await client.call('GET', url, grant.token);
    }
  };

const encoded = (cursor: string, url: string): string => `${url}&cursor=${encodeURIComponent(cursor)}`;

/** The whole flow, with the scale that `scaleOf` makes of that of the wallet. */
const receivesInScale =
  (scaleOf: (scale: number) => number): Script =>
  async (client) => {
    const { wallet, grant } = await client.receiver();
    const { body } = await client.receive({ wallet: { ...wallet, assetScale: scaleOf(wallet.assetScale) }, grant });
    await client.quote(body.id);
  };

export const paymentCases = {
  P42: {
    obeys: paysLate(0),
    falls: paysLate(2),
    others: { 'tries once': ['fail weakly', paysLate(1)], 'stops early': stopsBefore },
  },
  P43: {
    obeys: (client) => quoted(client),
    falls: (client) => quoted(client, (value) => `${BigInt(Number(value))}`),
    others: { 'stops early': stopsBefore },
  },
  P44: {
    obeys: receivesInScale((scale) => scale),
    falls: receivesInScale(() => 2),
    others: {
      'takes zero for no scale': ['fail', receivesInScale((scale) => scale || 2)],
      'stops early': ['fail', (client) => client.wallet()],
    },
  },
  P45: {
    obeys: paysTwice((client, { body }, grant) => client.call('GET', body.id, grant.token)),
    falls: paysTwice(async () => {}),
    others: {
      'does not read it': [
        'pass',
        async (client) => {
          const { quote, grant } = await quoted(client);
          await client.pay(grant, quote.id);
        },
      ],
      'stops early': stopsBefore,
    },
  },
  P46: {
    obeys: pages(encoded),
    falls: pages((cursor, url) => `${url}&cursor=${cursor.replaceAll(/[ #%]/g, '')}`),
    others: {
      'encodes as a form does': ['pass', pages((cursor, url) => `${url}&${new URLSearchParams({ cursor })}`)],
      'goes on to the third page': ['pass', pages(encoded, 3)],
      'encodes twice': ['fail', pages((cursor, url) => encoded(encodeURIComponent(cursor), url))],
      'stops after the first page': ['fail', pages(() => undefined)],
      'stops early': stopsBefore,
    },
  },
  P47: {
    obeys: pages(encoded, 4),
    falls: pages(encoded, 6),
    control: pages(encoded),
    others: { 'stops early': stopsBefore },
  },
} satisfies Record<string, Cases>;
