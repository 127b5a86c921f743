/** Properties of the verifier: nothing covered can be changed unseen, and no header can make it throw. */

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { anyCharacter } from '../../../conformance/generators/any-character.ts';
import { createTargetUri, type ReceivedRequest } from '../../../src/http/received-request.ts';
import { verifyContentDigest } from '../../../src/http/signatures/content-digest.ts';
import { signRequest } from '../../../src/http/signatures/sign.ts';
import { verifySignature } from '../../../src/http/signatures/verify.ts';
import { compat, strict } from '../../../src/profile.ts';
import fc from '../../support/fast-check.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const now = 1_700_000_000_000;
const origin = 'https://ase.example';
const runs = { numRuns: 200 };
const verify = (exchange: ReceivedRequest, switches = compat) =>
  verifySignature(exchange, { key: publicKey, switches, now });

function sign(method: string, target: string, token: string, body: Buffer): ReceivedRequest {
  const headers = { authorization: `GNAP ${token}`, 'content-type': 'application/json' };
  const signed = signRequest({ method, url: origin + target, headers, body }, { keyid: 'k', privateKey }, now);
  return { method, rawTarget: target, targetUri: origin + target, rawHeaders: Object.entries(signed), body };
}

const signedExchange = fc
  .record({
    method: fc.constantFrom('GET', 'POST', 'DELETE'),
    target: fc
      .stringMatching(/^\/[a-z0-9/]{0,12}(\?[a-z]=[a-z0-9%]{0,1}[a-z0-9]{0,5})?$/)
      .filter((t) => !/\/\/|%/.test(t)),
    token: fc.stringMatching(/^[A-Za-z0-9]{1,20}$/),
    body: fc.json().map((json) => Buffer.from(json)),
  })
  .map(({ method, target, token, body }) => sign(method, target, token, body));

test('signed requests are accepted', () => {
  fc.assert(
    fc.property(signedExchange, (exchange) => {
      for (const switches of [strict, compat]) assert.deepEqual(verify(exchange, switches), { ok: true, lenient: [] });
    }),
    runs,
  );
});

/** Replaces one character; the result always differs. */
const changeText = (text: string, at: number): string => {
  if (text === '') return 'x';
  const i = at % text.length;
  return text.slice(0, i) + (text[i] === 'x' ? 'y' : 'x') + text.slice(i + 1);
};

test('no request of which a covered part was changed is accepted', () => {
  const part = fc.constantFrom(
    'method',
    'target',
    'body',
    'authorization',
    'content-type',
    'content-digest',
    'content-length',
    'signature-input',
  );
  fc.assert(
    fc.property(signedExchange, part, fc.nat(), (exchange, what, at) => {
      let changed: ReceivedRequest;
      if (what === 'method') changed = { ...exchange, method: changeText(exchange.method, at) };
      else if (what === 'target') {
        const rawTarget = '/' + changeText(exchange.rawTarget.slice(1), at);
        changed = { ...exchange, rawTarget, targetUri: createTargetUri(origin, rawTarget) };
      } else if (what === 'body') {
        const body = Buffer.from(exchange.body);
        body[at % body.length]! ^= 1 + (at % 255);
        changed = { ...exchange, body };
      } else {
        const rawHeaders = exchange.rawHeaders.map(
          ([name, value]) => [name, name === what ? changeText(value, at) : value] as const,
        );
        changed = { ...exchange, rawHeaders };
      }
      // Compat takes a digest of the compact JSON, so whitespace alone may change there; strict takes nothing.
      assert.equal(verify(changed, strict).ok, false);
      if (what !== 'body') assert.equal(verify(changed, compat).ok, false);
    }),
    runs,
  );
});

test('a covered field cannot be removed, doubled or reordered', () => {
  fc.assert(
    fc.property(
      signedExchange,
      fc.constantFrom('authorization', 'content-type', 'content-digest'),
      fc.boolean(),
      (exchange, name, double) => {
        const rawHeaders = exchange.rawHeaders.flatMap((line) =>
          line[0] !== name ? [line] : double ? [line, line] : [],
        );
        assert.equal(verify({ ...exchange, rawHeaders }).ok, false);
      },
    ),
    runs,
  );
});

const fieldText = fc.oneof(
  fc.string({ unit: anyCharacter, maxLength: 80 }),
  fc
    .array(
      fc.constantFrom(
        'sig1',
        'sig2',
        '=',
        '(',
        ')',
        '"',
        '"@method"',
        '"@target-uri"',
        ' ',
        ';',
        ',',
        ':',
        'created',
        'keyid',
        '"k"',
        '1700000000',
        '\\',
        '@method',
        'AAAA',
        '?1',
        '%"',
        '@5',
        'sha-512',
        '\t',
      ),
      { maxLength: 25 },
    )
    .map((pieces) => pieces.join('')),
);

test('any fields get a verdict, nothing throws, garbage is not accepted', () => {
  const rawHeaders = fc
    .tuple(fieldText, fieldText, fieldText, fc.option(fieldText))
    .map(([input, signature, digest, authorization]): [string, string][] => [
      ['Signature-Input', input],
      ['Signature', signature],
      ['Content-Digest', digest],
      ...(authorization === null ? [] : ([['Authorization', authorization]] as [string, string][])),
    ]);
  fc.assert(
    fc.property(
      fc.string({ unit: anyCharacter }),
      fieldText,
      rawHeaders,
      fc.uint8Array(),
      (method, rawTarget, lines, bytes) => {
        const targetUri = createTargetUri(origin, rawTarget);
        const exchange: ReceivedRequest = { method, rawTarget, targetUri, rawHeaders: lines, body: Buffer.from(bytes) };
        for (const switches of [strict, compat]) {
          const verdict = verify(exchange, switches);
          assert.ok(!verdict.ok && verdict.detail.length > 0);
          assert.equal(typeof verifyContentDigest(exchange, switches).ok, 'boolean');
        }
      },
    ),
    runs,
  );
});

test('garbage within a well-formed signature gets a verdict too', () => {
  const component = fc.oneof(
    fc.constantFrom('@method', '@target-uri', '@path', '@query', '@authority', '@query-param', '@status', 'date'),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(component, { maxLength: 6 }), fieldText, (components, rawTarget) => {
      const list = components.map((name) => JSON.stringify(name)).join(' ');
      const exchange: ReceivedRequest = {
        method: 'GET',
        rawTarget,
        targetUri: createTargetUri(origin, rawTarget),
        rawHeaders: [
          ['Signature-Input', `sig1=("@method" "@target-uri" ${list});created=1700000000;keyid="k"`],
          ['Signature', `sig1=:${Buffer.alloc(64).toString('base64')}:`],
        ],
        body: Buffer.alloc(0),
      };
      for (const switches of [strict, compat]) assert.equal(verify(exchange, switches).ok, false);
    }),
    runs,
  );
});
