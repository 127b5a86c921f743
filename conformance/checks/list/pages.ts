/**
 * Pages of both lists of payments, and their cursors. Open Payments resource-server GET /incoming-payments,
 * GET /outgoing-payments.
 */
import assert from 'node:assert/strict';
import type { Check } from '../../runner/check.ts';
import { expectStatus } from '../../steps/expect.ts';
import { collections, fivePayments, idsOf, listOfFour, listPayments, rowsFor } from '../../steps/payment-lists.ts';
import type { Answer, Json } from '../../steps/signed-client.ts';

const ids = {
  items: { incoming: 'list.items', outgoing: 'list.outgoing-items' },
  pages: { incoming: 'list.pages', outgoing: 'list.outgoing-pages' },
  lastPageFull: { incoming: 'list.last-page-full', outgoing: 'list.outgoing-last-page-full' },
  backwardFlags: { incoming: 'list.backward-flags', outgoing: 'list.outgoing-backward-flags' },
} as const;

const flagsOf = ({ body }: Answer) => [body.pagination.hasPreviousPage, body.pagination.hasNextPage];
const endOf = ({ body }: Answer) => `&cursor=${encodeURIComponent(body.pagination.endCursor)}`;
const startOf = ({ body }: Answer) => `&cursor=${encodeURIComponent(body.pagination.startCursor)}`;

export const checks: readonly Check[] = collections.flatMap((collection): Check[] => [
  {
    id: ids.items[collection.kind],
    rows: ['RS-L-01', 'RS-L-02', 'RS-L-03', 'RS-18', 'RS-20', 'ILP-10', ...rowsFor(collection)],
    title: `the list of ${collection.kind} payments shows those of that wallet address, as a read does but without methods`,
    run: async (context) => {
      const { kind, party } = collection;
      const made = await fivePayments(context, collection);
      const answer = expectStatus(await listPayments(context, collection, '&first=10'), 200);
      assert.deepEqual(Object.keys(answer.body).sort(), ['pagination', 'result']);
      for (const item of answer.body.result as Json[]) {
        assert.ok(!('methods' in item) && !('updatedAt' in item), 'neither methods nor updatedAt');
        assert.equal(item.walletAddress, party(context).url);
      }
      assert.ok(!answer.text.includes('sharedSecret'));
      const token = await collection.token(context);
      for (const id of made) {
        const item = answer.body.result.find((one: Json) => one.id === id);
        const read = await context.call({ operation: `get-${kind}-payment`, url: id, token });
        const { methods: _, ...expected } = expectStatus(read, 200).body;
        // The amount of a payment on its way may have changed between the list and the read.
        assert.deepEqual({ ...item, sentAmount: null }, { ...expected, sentAmount: null });
      }
    },
  },
  {
    id: ids.pages[collection.kind],
    rows: ['RS-L-05', 'RS-L-08', 'RS-L-09', 'RS-L-10', 'RS-L-12', ...rowsFor(collection)],
    title: `pages of ${collection.kind} payments follow each other newest first, once each, and back again in the same order`,
    run: async (context) => {
      const made = await fivePayments(context, collection);
      const list = async (query: string) => expectStatus(await listPayments(context, collection, query), 200);
      const whole = idsOf(await list('&first=100'));
      const positions = made.map((id) => whole.indexOf(id));
      assert.ok(!positions.includes(-1), 'all five are listed');
      assert.deepEqual(
        positions,
        [...positions].sort((a, b) => b - a),
        'newest first',
      );
      const first = await list('&first=2');
      assert.deepEqual(idsOf(first), whole.slice(0, 2));
      assert.equal(typeof first.body.pagination.startCursor, 'string');
      assert.deepEqual(flagsOf(first), [false, true]);
      // A new payment appears while the client turns pages.
      await collection.create(context, { token: await collection.token(context) });
      const second = await list(`&first=2${endOf(first)}`);
      assert.deepEqual(idsOf(second), whole.slice(2, 4));
      assert.equal(second.body.pagination.hasPreviousPage, true);
      assert.deepEqual(idsOf(await list(`&last=2${startOf(second)}`)), whole.slice(0, 2));
      assert.deepEqual(idsOf(await list(endOf(first))), whole.slice(2, 22), 'twenty items without a size');
    },
  },
  {
    id: ids.lastPageFull[collection.kind],
    rows: ['RS-L-10', 'RS-L-12', ...rowsFor(collection)],
    title: `a last page of ${collection.kind} payments that is exactly full has no next page`,
    run: async (context) => {
      const { holder, made } = await listOfFour(context, collection);
      const list = async (query: string) => expectStatus(await listPayments(context, collection, query, holder), 200);
      const newestFirst = made.toReversed();
      const whole = await list('&first=4');
      assert.deepEqual([idsOf(whole), flagsOf(whole)], [newestFirst, [false, false]]);
      const first = await list('&first=2');
      assert.deepEqual([idsOf(first), flagsOf(first)], [newestFirst.slice(0, 2), [false, true]]);
      const second = await list(`&first=2${endOf(first)}`);
      assert.deepEqual([idsOf(second), flagsOf(second)], [newestFirst.slice(2), [true, false]]);
      const third = await list(`&first=2${endOf(second)}`);
      assert.deepEqual(third.body, { pagination: { hasPreviousPage: true, hasNextPage: false }, result: [] });
    },
  },
  {
    id: ids.backwardFlags[collection.kind],
    rows: ['RS-L-05', 'RS-L-09', 'RS-L-10', ...rowsFor(collection)],
    title: `a page of ${collection.kind} payments read backwards says what precedes and what follows it`,
    run: async (context) => {
      const { holder, made } = await listOfFour(context, collection);
      const list = async (query: string) => expectStatus(await listPayments(context, collection, query, holder), 200);
      const newestFirst = made.toReversed();
      const second = await list(`&first=2${endOf(await list('&first=2'))}`);
      const middle = await list(`&last=1${startOf(second)}`);
      assert.deepEqual([idsOf(middle), flagsOf(middle)], [newestFirst.slice(1, 2), [true, true]]);
      const front = await list(`&last=2${startOf(second)}`);
      assert.deepEqual([idsOf(front), flagsOf(front)], [newestFirst.slice(0, 2), [false, true]]);
    },
  },
]);
