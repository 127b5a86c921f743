/** Properties of wallet addresses, their key sets and DID documents. Open Payments wallet-address-server. */

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { anyCharacter } from '../generators/any-character.ts';
import type { Check, CheckContext } from '../runner/check.ts';
import { expectStatus } from '../steps/expect.ts';
import type { HeaderLine } from '../steps/http-exchange.ts';
import { forAll, property } from '../steps/property.ts';

/** Below the wallet address, with the operation that answers there. */
const documents = [
  { path: '', operation: 'get-wallet-address' },
  { path: '/jwks.json', operation: 'get-wallet-address-keys' },
] as const;

const visible = fc
  .string({ unit: fc.constantFrom(...'abcXYZ019 ;,=:"()@/\\%&?*_-'), maxLength: 40 })
  .map((text) => text.trim());

const readDocument = async ({ call }: CheckContext, address: string, { path, operation }: (typeof documents)[number]) =>
  expectStatus(await call({ operation, url: address + path, sign: false }), 200).body;

export const checks: readonly Check[] = [
  property({
    id: 'wallet-address.credentials',
    rows: ['WA-42'],
    title: 'whatever credentials, signatures and cookies are sent, the documents stay the same',
    prepare: async (context) => {
      const headers = fc.uniqueArray(
        fc.tuple(
          fc.constantFrom('authorization', 'signature', 'signature-input', 'content-digest', 'cookie', 'x-idp-secret'),
          visible,
        ),
        { selector: ([name]) => name, minLength: 1 },
      );
      return forAll({
        values: fc.record({ document: fc.constantFrom(...documents), headers }),
        holds: async ({ document, headers: lines }, current) => {
          const expected = await readDocument(current, context.target.client, document);
          const url = context.target.client + document.path;
          const { operation } = document;
          const answer = await current.call({ operation, url, sign: false, headers: lines as readonly HeaderLine[] });
          assert.deepEqual(expectStatus(answer, 200).body, expected);
        },
      });
    },
  }),
  property({
    id: 'wallet-address.accept',
    rows: ['WA-15', 'WA-17'],
    title: 'a list of media types with JSON in it brings the document, and one that rules JSON out is 406',
    prepare: async (context) => {
      const quality = fc.integer({ min: 1, max: 1000 }).map((thousandths) => (thousandths / 1000).toFixed(3));
      const others = fc.array(
        fc.tuple(fc.constantFrom('image/png', 'text/csv', 'application/xml', 'audio/*'), quality),
        {
          maxLength: 4,
        },
      );
      return forAll({
        values: fc.record({
          others,
          json: fc.option(fc.tuple(fc.constantFrom('application/json', '*/*', 'application/*'), quality), {
            nil: undefined,
          }),
          at: fc.nat(),
        }),
        holds: async ({ others: types, json, at }, current) => {
          const listed = types.map(([type, q]) => `${type};q=${q}`);
          if (json) listed.splice(at % (listed.length + 1), 0, `${json[0]};q=${json[1]}`);
          if (listed.length === 0) return;
          const { url } = context.sender;
          const answer = await current.call({
            operation: 'get-wallet-address',
            url,
            sign: false,
            accept: listed.join(', '),
          });
          if (json) assert.equal(expectStatus(answer, 200).body.id, url);
          else expectStatus(answer, 406);
        },
      });
    },
  }),
  property({
    id: 'wallet-address.unknown',
    rows: ['WA-12', 'WA-33', 'WA-39'],
    title: 'any path without a wallet address is refused as declared, and its key set with it',
    prepare: async (context) => {
      const { origin } = new URL(context.sender.url);
      const text = fc.oneof(
        fc.webSegment(),
        fc
          .string({ unit: anyCharacter, minLength: 1, maxLength: 12 })
          .map((part) => encodeURIComponent(part.toWellFormed())),
      );
      return forAll({
        values: fc.record({
          segments: fc.array(text, { minLength: 1, maxLength: 4 }),
          document: fc.constantFrom(...documents),
        }),
        holds: async ({ segments, document: { path, operation } }, current) => {
          const url = `${origin}/unknown-${segments.join('/')}${path}`;
          const { status } = await current.call({ operation, url, sign: false });
          assert.ok(status === 404 || status === 400, `expected 404, received ${status}`);
        },
      });
    },
  }),
  property({
    id: 'wallet-address.methods',
    rows: ['WA-41'],
    title: 'a method that the documents do not have is refused with 405, whatever its content',
    prepare: async (context) =>
      forAll({
        values: fc.record({
          method: fc.constantFrom('POST', 'PUT', 'PATCH', 'DELETE'),
          document: fc.constantFrom(...documents),
          content: fc.oneof(
            fc.json(),
            visible.filter((text) => text !== ''),
          ),
        }),
        holds: async ({ method, document: { path, operation }, content }, current) => {
          const url = context.sender.url + path;
          const answer = await current.call({ operation, method, url, sign: false, raw: content });
          assert.match(expectStatus(answer, 405).headers.get('allow') ?? '', /\bGET\b/);
        },
      }),
  }),
];
