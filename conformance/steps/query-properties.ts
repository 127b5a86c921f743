/** Properties of the parameters of both lists of payments. Open Payments resource-server, parameters first, last and cursor. */

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { anyCharacter } from '../generators/any-character.ts';
import { loadQuery } from '../generators/document.ts';
import type { Check } from '../runner/check.ts';
import { expectResourceError, expectStatus } from './expect.ts';
import { type Collection, fivePayments, idsOf, listPayments, rowsFor } from './payment-lists.ts';
import { forAll, property } from './property.ts';

const operationOf = ({ kind }: Collection): string => `list-${kind}-payments`;

export const queryProperties = (collection: Collection): Check[] => [
  property({
    id: `${collection.kind}-payment.pages`,
    rows: ['RS-L-04', ...rowsFor(collection)],
    title: `every page of the list of ${collection.kind} payments is the part of the list that was asked for`,
    prepare: async (context) => {
      const query = await loadQuery('resource-server', operationOf(collection));
      const { minimum, maximum } = query.get('first')!.node;
      const made = await fivePayments(context, collection);
      const all = idsOf(expectStatus(await listPayments(context, collection, '&first=100'), 200));
      const newestFirst = made.toReversed().filter((id) => all.includes(id));
      const listed = all.filter((id) => made.includes(id));
      assert.deepEqual(listed, newestFirst, 'the newest come first');
      const pages = fc.record({
        size: fc.option(fc.oneof(fc.integer({ min: minimum, max: 6 }), fc.constant(maximum)), { nil: undefined }),
        // Counted from the newest; its position is the cursor.
        after: fc.option(fc.nat({ max: 3 }), { nil: undefined }),
        isBackward: fc.boolean(),
      });
      return forAll({
        // The last page needs a cursor.
        values: pages.filter(
          ({ size, after, isBackward }) => !isBackward || (size !== undefined && after !== undefined),
        ),
        holds: async ({ size, after, isBackward }, current) => {
          const cursor = after === undefined ? '' : `&cursor=${await cursorAfter(after)}`;
          const limit = size === undefined ? '' : `&${isBackward ? 'last' : 'first'}=${size}`;
          const page = expectStatus(await listPayments(current, collection, limit + cursor), 200);
          const ids = idsOf(page);
          if (isBackward) {
            assert.deepEqual(ids, all.slice(Math.max(0, after! - size!), after));
            return;
          }
          const begin = after === undefined ? 0 : after + 1;
          const expected = all.slice(begin, size === undefined ? undefined : begin + size);
          // A list of more than a hundred is known in part, and without a size the server chooses one.
          assert.deepEqual(ids.slice(0, expected.length), expected.slice(0, ids.length));
          if (size !== undefined && all.length < 100) assert.equal(ids.length, expected.length);
        },
      });

      async function cursorAfter(index: number): Promise<string> {
        const page = expectStatus(await listPayments(context, collection, `&first=${index + 1}`), 200);
        return encodeURIComponent(page.body.pagination.endCursor);
      }
    },
  }),
  property({
    id: `${collection.kind}-payment.invalid-pages`,
    rows: ['RS-L-04', 'RS-L-17', 'RS-02', ...rowsFor(collection)],
    title: `parameters of the list of ${collection.kind} payments that the schema refuses are refused with 400`,
    prepare: async () => {
      const query = await loadQuery('resource-server', operationOf(collection));
      const { minimum, maximum } = query.get('first')!.node;
      const { maxLength } = query.get('cursor')!.node;
      const numbers = fc.oneof(
        fc.integer({ max: minimum - 1 }).map(String),
        fc.integer({ min: maximum + 1 }).map(String),
        fc.double({ noInteger: true, noNaN: true, noDefaultInfinity: true }).map(String),
        fc.string({ unit: anyCharacter, maxLength: 8 }).filter((text) => !/^\d+$/.test(text)),
      );
      const cursors = fc.string({ unit: 'grapheme', minLength: maxLength + 1, maxLength: maxLength + 40 });
      const named = (name: string) => (value: string) => `&${name}=${encodeURIComponent(value.toWellFormed())}`;
      return forAll({
        values: fc.oneof(numbers.map(named('first')), numbers.map(named('last')), cursors.map(named('cursor'))),
        examples: ['&first=', '&last=', '&cursor=', `&first=${minimum - 1}`, `&first=${maximum + 1}`],
        holds: async (text, current) => void expectResourceError(await listPayments(current, collection, text), 400),
      });
    },
  }),
];
