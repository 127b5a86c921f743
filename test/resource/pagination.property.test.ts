/**
 * Cursors compared with a model that keeps the payments in a list (RS-L-08…16). Between pages, read forward and
 * backward, random payments are added and removed anywhere in the order.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toMillis } from '../../src/database/columns.ts';
import { useTestDatabase } from '../database/support/open.ts';
import fc from '../support/fast-check.ts';
import {
  insertPayments,
  type Kind,
  kinds,
  type ListedWallet,
  listPage,
  openListedWallet,
} from './support/many-payments.ts';

const clients = ['https://client.example/one', 'https://client.example/two'] as const;
const start = Date.parse('2030-01-01T00:00:00Z');

const db = useTestDatabase();

interface ModelPayment {
  readonly id: string;
  readonly createdAt: number;
  readonly clientId: string;
}

/** Newest first; payments of the same instant by id. */
const compare = (a: Pick<ModelPayment, 'id' | 'createdAt'>, b: Pick<ModelPayment, 'id' | 'createdAt'>): number =>
  b.createdAt - a.createdAt || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);

type Change =
  | { readonly kind: 'add'; readonly at: number; readonly client: 0 | 1 }
  | { readonly kind: 'remove'; readonly which: number };

/** Uses few instants, so that many payments share one. */
const add: fc.Arbitrary<Change> = fc.record({
  kind: fc.constant('add' as const),
  at: fc.nat(6),
  client: fc.constantFrom(0 as const, 0 as const, 1 as const),
});
const remove: fc.Arbitrary<Change> = fc.record({ kind: fc.constant('remove' as const), which: fc.nat() });
const turn = fc.record({
  changes: fc.array(fc.oneof({ weight: 4, arbitrary: add }, { weight: 1, arbitrary: remove }), { maxLength: 3 }),
  direction: fc.constantFrom('forward' as const, 'forward' as const, 'backward' as const),
  size: fc.integer({ min: 1, max: 3 }),
});

async function change(kind: Kind, wallet: ListedWallet, model: ModelPayment[], change: Change): Promise<void> {
  if (change.kind === 'add') {
    const clientId = clients[change.client];
    const filling = { count: 1, clientId, from: start + change.at, stepMs: 0 };
    const [row] = await insertPayments(db.query, kind, wallet, filling);
    model.push({ id: row!.id, createdAt: toMillis(row!.created_at), clientId });
    model.sort(compare);
    return;
  }
  const [removed] = model.splice(change.which % (model.length || 1), 1);
  if (removed) await db.query.deleteFrom(`${kind}_payment`).where('id', '=', removed.id).execute();
}

for (const kind of kinds) {
  for (const ownClientId of [clients[0], undefined]) {
    const whose = ownClientId === undefined ? 'of all' : 'of one client';
    test(`${kind} payments ${whose}: each page follows its cursor, whatever was added or removed`, async () => {
      const property = fc.asyncProperty(
        fc.array(add, { maxLength: 8 }),
        fc.array(turn, { minLength: 1, maxLength: 10 }),
        async (first, turns) => {
          const wallet = await openListedWallet(db, 'granite');
          const model: ModelPayment[] = [];
          for (const one of first) await change(kind, wallet, model, one);
          let ends: { start: Cursor; end: Cursor } | undefined;
          for (const { changes, direction, size } of turns) {
            for (const one of changes) await change(kind, wallet, model, one);
            const visible = model.filter(({ clientId }) => ownClientId === undefined || clientId === ownClientId);
            const from = direction === 'forward' ? ends?.end : ends?.start;
            if (direction === 'backward' && !from) continue;
            const query = {
              [direction === 'forward' ? 'first' : 'last']: `${size}`,
              ...(from && { cursor: from.text }),
            };
            const { ids, pagination } = await listPage(db.query, { kind, wallet, ownClientId, query });

            const newer = from ? visible.filter((one) => compare(one, from) < 0) : [];
            const older = from ? visible.filter((one) => compare(one, from) > 0) : visible;
            // The payment at the cursor is on neither side. It counts as a rest unless it was removed.
            const atCursor = visible.some(({ id }) => id === from?.id);
            const expected = direction === 'forward' ? older.slice(0, size) : newer.slice(-size);
            assert.deepEqual(
              ids,
              expected.map(({ id }) => id),
            );
            const isRest = (rest: readonly ModelPayment[], edge: boolean) => rest.length > 0 || edge;
            assert.deepEqual(
              [pagination.hasNextPage, pagination.hasPreviousPage],
              direction === 'forward'
                ? [older.length > size, isRest(newer, atCursor)]
                : [isRest(older, atCursor), newer.length > size],
            );
            const [newest, oldest] = [expected[0], expected.at(-1)];
            if (newest && oldest) {
              ends = {
                start: { ...newest, text: pagination.startCursor! },
                end: { ...oldest, text: pagination.endCursor! },
              };
            } else {
              assert.deepEqual([pagination.startCursor, pagination.endCursor], [undefined, undefined]);
            }
          }
        },
      );
      await fc.assert(property, { numRuns: 40 });
    });
  }
}

interface Cursor {
  readonly text: string;
  readonly id: string;
  readonly createdAt: number;
}
