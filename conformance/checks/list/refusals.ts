/** Queries that both lists of payments refuse. Open Payments resource-server GET /incoming-payments, GET /outgoing-payments. */
import type { Check } from '../../runner/check.ts';
import { expectResourceError, expectStatus } from '../../steps/expect.ts';
import { collections, fivePayments, listPayments } from '../../steps/payment-lists.ts';

/** Pages refused with 400; `CURSOR` stands for a cursor of the list. */
const refusals: readonly {
  readonly ids: Readonly<Record<'incoming' | 'outgoing', string>>;
  readonly rows: readonly string[];
  readonly queries: readonly string[];
}[] = [
  {
    ids: { incoming: 'list.refuses-first-zero', outgoing: 'list.outgoing-refuses-first-zero' },
    rows: ['RS-L-04'],
    queries: ['&first=0'],
  },
  {
    ids: { incoming: 'list.refuses-first-101', outgoing: 'list.outgoing-refuses-first-101' },
    rows: ['RS-L-04'],
    queries: ['&first=101'],
  },
  {
    ids: { incoming: 'list.refuses-first-word', outgoing: 'list.outgoing-refuses-first-word' },
    rows: ['RS-L-04'],
    queries: ['&first=abc'],
  },
  {
    ids: { incoming: 'list.refuses-first-fraction', outgoing: 'list.outgoing-refuses-first-fraction' },
    rows: ['RS-L-17'],
    queries: ['&first=10.0'],
  },
  {
    ids: { incoming: 'list.refuses-first-plus', outgoing: 'list.outgoing-refuses-first-plus' },
    rows: ['RS-L-17'],
    queries: ['&first=%2B5'],
  },
  {
    ids: { incoming: 'list.refuses-first-empty', outgoing: 'list.outgoing-refuses-first-empty' },
    rows: ['RS-L-17'],
    queries: ['&first='],
  },
  {
    ids: { incoming: 'list.refuses-first-twice', outgoing: 'list.outgoing-refuses-first-twice' },
    rows: ['RS-L-17'],
    queries: ['&first=1&first=2'],
  },
  {
    ids: { incoming: 'list.refuses-last-zero', outgoing: 'list.outgoing-refuses-last-zero' },
    rows: ['RS-L-04'],
    queries: ['&last=0&cursor=CURSOR'],
  },
  {
    ids: { incoming: 'list.refuses-last-without-cursor', outgoing: 'list.outgoing-refuses-last-without-cursor' },
    rows: ['RS-L-07'],
    queries: ['&last=1'],
  },
  {
    ids: { incoming: 'list.refuses-cursor-empty', outgoing: 'list.outgoing-refuses-cursor-empty' },
    rows: ['RS-L-05', 'RS-L-17'],
    queries: ['&cursor='],
  },
  {
    ids: { incoming: 'list.refuses-cursor-malformed', outgoing: 'list.outgoing-refuses-cursor-malformed' },
    rows: ['RS-L-11'],
    queries: ['&cursor=nonsense'],
  },
  {
    ids: { incoming: 'list.refuses-cursor-unknown', outgoing: 'list.outgoing-refuses-cursor-unknown' },
    rows: ['RS-L-11'],
    queries: ['&cursor=00000000-0000-4000-8000-000000000000'],
  },
  {
    ids: { incoming: 'list.refuses-first-and-last', outgoing: 'list.outgoing-refuses-first-and-last' },
    rows: ['RS-L-06'],
    queries: ['&first=1&last=1', '&first=1&last=1&cursor=CURSOR'],
  },
];

const withoutWalletAddress = {
  incoming: 'list.incoming-without-wallet-address',
  outgoing: 'list.outgoing-without-wallet-address',
} as const;

export const checks: readonly Check[] = collections.flatMap((collection): Check[] => [
  {
    id: withoutWalletAddress[collection.kind],
    rows: ['RS-L-01'],
    title: `the list of ${collection.kind} payments needs a wallet address`,
    run: async (context) => {
      const { kind, party } = collection;
      const token = await collection.token(context);
      for (const query of ['', '?first=10']) {
        const url = `${party(context).resourceServer}/${kind}-payments${query}`;
        expectResourceError(await context.call({ operation: `list-${kind}-payments`, url, token }), 400);
      }
    },
  },
  ...refusals.map(
    ({ ids, rows, queries }): Check => ({
      id: ids[collection.kind],
      rows: [...rows, 'RS-02', ...(collection.kind === 'outgoing' ? ['RS-OP-20'] : [])],
      title: `the list of ${collection.kind} payments refuses ${queries.map((query) => query.slice(1)).join(' and ')} with 400`,
      run: async (context) => {
        await fivePayments(context, collection);
        const page = expectStatus(await listPayments(context, collection, '&first=1'), 200);
        const cursor = encodeURIComponent(page.body.pagination.endCursor);
        for (const query of queries) {
          expectResourceError(await listPayments(context, collection, query.replace('CURSOR', cursor)), 400);
        }
      },
    }),
  ),
]);
