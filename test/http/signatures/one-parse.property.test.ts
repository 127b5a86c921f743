/**
 * One parse: the text that goes into the signature base means, parsed alone and by another parser, exactly the values
 * that were checked; no other parameters can ride on a captured signature (RFC 9421 §7.4.2, §7.5.3; SIG-02).
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { type InnerList as OracleList, parseDictionary as parseByLibrary, Token } from 'structured-headers';
import { anyCharacter } from '../../../conformance/generators/any-character.ts';
import type { ReceivedRequest } from '../../../src/http/received-request.ts';
import { readSignature } from '../../../src/http/signatures/signature-input.ts';
import { type BareItem, parseDictionary } from '../../../src/http/signatures/structured-fields.ts';
import { verifySignature } from '../../../src/http/signatures/verify.ts';
import { compat, strict } from '../../../src/profile.ts';
import fc from '../../support/fast-check.ts';
import { now, publicKey, type SignedMessage, signedMessage } from './support/signed-messages.ts';

const pieces = [
  ...['sig1', 'a', '=', '(', ')', '"', '\\', '\\"', '%"', '%22', ';', ',', ' ', '\t', ':', ':AAAA:', '?1', '@5', '-1'],
  ...['1.5', 'tok', '"@method"', '("@method")', '("x");p=%"\\"', ', sig1=', 'created', '=1', 'keyid="k"', ';z=%"\\"'],
];
const item = fc.constantFrom(
  '"x"',
  '"\\""',
  '"\\\\"',
  '"a, b=(;c"',
  'tok',
  '-1',
  '1.5',
  '?0',
  ':AAAA:',
  ':AA:',
  '%"x"',
  '@1',
);
const parameters = fc
  .array(fc.tuple(fc.constantFrom(';', '; '), fc.constantFrom('p', 'q', 'tag'), fc.option(item)), { maxLength: 2 })
  .map((all) => all.map(([mark, name, value]) => `${mark}${name}${value === null ? '' : `=${value}`}`).join(''));
const list = fc
  .tuple(fc.constantFrom('', ' '), fc.array(fc.tuple(item, parameters), { maxLength: 3 }))
  .map(([space, items]) => `(${space}${items.map((parts) => parts.join('')).join(' ')}${space})`);
const wellFormed = fc
  .array(fc.tuple(fc.constantFrom('a', 'sig1', '*b'), fc.oneof(item, list), parameters), { minLength: 1, maxLength: 3 })
  .map((members) => members.map(([key, value, rest]) => `${key}=${value}${rest}`).join(', '));
const fieldText = fc.oneof(
  { weight: 4, arbitrary: wellFormed },
  { weight: 4, arbitrary: fc.array(fc.constantFrom(...pieces), { maxLength: 24 }).map((parts) => parts.join('')) },
  { weight: 1, arbitrary: fc.string({ unit: anyCharacter, maxLength: 60 }) },
);

/** A value in the form in which the library gives it. */
function toOracle(item: BareItem): unknown {
  if (item.type === 'token') return new Token(item.value);
  if (item.type === 'bytes') return Uint8Array.from(item.value).buffer;
  return item.value;
}

function assertMeansWhatItSays(text: string): boolean {
  const parsed = parseDictionary(text);
  if (!parsed.ok) return false;
  const keys = parsed.members.map(({ key }) => key);
  assert.equal(new Set(keys).size, keys.length);
  for (const { key, raw, value } of parsed.members) {
    assert.ok(text.includes(raw));
    if (raw === '' || raw.startsWith(';')) continue;
    const alone = parseByLibrary(`${key}=${raw}`);
    assert.deepEqual([...alone.keys()], [key]);
    const [oracle, parameters] = alone.get(key)!;
    assert.deepEqual(
      [...parameters],
      [...value.parameters].map(([name, item]) => [name, toOracle(item)]),
    );
    if ('bare' in value) assert.deepEqual(oracle, toOracle(value.bare));
    else {
      const items = value.items.map((item) => [
        toOracle(item.bare),
        new Map([...item.parameters].map(([name, bare]) => [name, toOracle(bare)])),
      ]);
      assert.deepEqual(oracle, items as unknown as OracleList[0]);
    }
  }
  return parsed.members.length > 0;
}

test('the raw text of each member parses alone to the same values', () => {
  let accepted = 0;
  fc.assert(
    fc.property(fieldText, (text) => {
      if (assertMeansWhatItSays(text)) accepted += 1;
    }),
    { numRuns: 3000 },
  );
  assert.ok(accepted > 100, `${accepted} accepted`);
});

test('a dictionary that is accepted is one for the library too, with the same keys', () => {
  fc.assert(
    fc.property(fieldText, (text) => {
      const parsed = parseDictionary(text);
      if (parsed.ok)
        assert.deepEqual(
          parsed.members.map(({ key }) => key),
          [...parseByLibrary(text).keys()],
        );
    }),
    { numRuns: 3000 },
  );
});

/** Ways to put fresh parameters next to a captured member. `label` and `text` are the captured ones. */
const fresh = (text: string): string => `${/^\([^)]*\)/.exec(text)![0]};created=${now / 1000};keyid="k"`;
const attacks: readonly ((label: string, text: string, filler: string) => string)[] = [
  (label, text) => `${label}=${text}, a=("x");p=%"\\", ${label}=${fresh(text)};z=%"\\"`,
  (label, text) => `${label}=${text}, a=("x");p="\\", ${label}=${fresh(text)};z="\\"`,
  (label, text) => `${label}=${text}, a=("x");p="\\\\", ${label}=${fresh(text)}`,
  (label, text) => `${label}=${text},${label}=${fresh(text)}`,
  (label, text) => `${label}=${fresh(text)},\t${label}=${text}`,
  (label, text) => `${label}=${text}, ${label.toUpperCase()}=${fresh(text)}`,
  (label, text) => `${label}=${text}, ${label} =${fresh(text)}`,
  (label, text) => `${label}=${text};created=${now / 1000}`,
  (label, text) => `${label}=${text}; created=${now / 1000};expires=${now / 1000 + 9}`,
  (label, text) => `${label}=${text}, b;${label}=${fresh(text).replace(/^\([^)]*\)/, '1')}`,
  (label, text) => `${label}=${text}\r\n , ${label}=${fresh(text)}`,
  (label, text, filler) => `${label}=${text}${filler}${label}=${fresh(text)}${filler}`,
  (label, text, filler) => `${filler}${label}=${fresh(text)}${filler}, ${label}=${text}`,
];

/** The message a day later, with its Signature-Input rewritten and perhaps another label in Signature. */
function replay(message: SignedMessage, input: string, alsoSigned: string): ReceivedRequest {
  const rawHeaders = message.exchange.rawHeaders.map(([name, text]) => {
    if (name === 'Signature-Input') return [name, input] as const;
    return [name, name === 'Signature' ? `${text}${alsoSigned}` : text] as const;
  });
  return { ...message.exchange, rawHeaders };
}

test('a captured signature is not accepted with other parameters, however they are written', () => {
  const dayLater = now + 86_400_000;
  fc.assert(
    fc.property(
      signedMessage,
      fc.constantFrom(...attacks),
      fieldText,
      fc.constantFrom('', ', a=:AAAA:', ', b=:AAAA:', ', sig1=:AAAA:'),
      (message, attack, filler, alsoSigned) => {
        const input = message.exchange.rawHeaders.find(([name]) => name === 'Signature-Input')![1];
        const at = input.indexOf(`${message.label}=`) + message.label.length + 1;
        const exchange = replay(message, attack(message.label, input.slice(at), filler), alsoSigned);
        for (const switches of [strict, compat]) {
          assert.equal(verifySignature(exchange, { key: publicKey, switches, now: dayLater }).ok, false);
          const read = readSignature(exchange, switches, now);
          if (!read.ok || message.form === 'rust') continue;
          // Whatever was checked is what the text in the signature base says.
          const alone = parseByLibrary(`x=${read.signatureParams}`).get('x')![1];
          for (const [name, value] of Object.entries(read.params)) assert.equal(value, alone.get(name));
        }
      },
    ),
    { numRuns: 1000 },
  );
});

test('the first of these properties notices a text that is not the checked one', {
  skip: process.env['TOUCHSTONE_MUTANT'] !== undefined,
}, () => {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { status } = spawnSync(
    process.execPath,
    ['--import', join(import.meta.dirname, '..', '..', 'mutants', 'register.ts'), import.meta.filename],
    { env: { ...env, TOUCHSTONE_MUTANT: 'signature.text-of-first-equal-key' } },
  );
  assert.equal(status, 1);
});
