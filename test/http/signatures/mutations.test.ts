/**
 * Changes to a signed request on its way: a covered part cannot change unseen, the rest may, and each message gets a
 * verdict at a cost that its size bounds. RFC 9421 §3.2, §7.
 */

import assert from 'node:assert/strict';
import { sign } from 'node:crypto';
import { test } from 'node:test';
import { anyCharacter } from '../../../conformance/generators/any-character.ts';
import type { ReceivedRequest } from '../../../src/http/received-request.ts';
import { readSignature } from '../../../src/http/signatures/signature-input.ts';
import { checkSignature, verifySignature } from '../../../src/http/signatures/verify.ts';
import { compat, type Switches, strict } from '../../../src/profile.ts';
import fc from '../../support/fast-check.ts';
import {
  baseOf,
  claimOf,
  digestsAreRight,
  exchangeOf,
  type Line,
  now,
  privateKey,
  publicKey,
  type SignedMessage,
  signedMessage,
} from './support/signed-messages.ts';

const runs = { numRuns: 200 };
const accepts = (exchange: ReceivedRequest, switches: Switches): boolean =>
  verifySignature(exchange, { key: publicKey, switches, now }).ok;
const nowhere = (exchange: ReceivedRequest): void => {
  for (const switches of [strict, compat]) assert.equal(accepts(exchange, switches), false);
};
const asBefore = (message: SignedMessage, exchange: ReceivedRequest): void => {
  assert.equal(accepts(exchange, compat), true);
  assert.equal(accepts(exchange, strict), message.form === 'rfc');
};

test('what was signed by the rules is accepted; what is loose in compat only', () => {
  fc.assert(
    fc.property(signedMessage, (message) => asBefore(message, message.exchange)),
    runs,
  );
});

const special = [...'"\\;,=:()? \t-.*@%#/&+'];
const character = fc.oneof(
  fc.constantFrom(...special),
  fc.stringMatching(/^[ -~]$/),
  fc.string({ unit: anyCharacter, minLength: 1, maxLength: 1 }),
);

interface Edit {
  readonly kind: 'insert' | 'delete' | 'replace' | 'repeat' | 'cut' | 'swap';
  readonly at: number;
  readonly length: number;
  readonly with: string;
}
const edit: fc.Arbitrary<Edit> = fc.record({
  kind: fc.constantFrom('insert', 'delete', 'replace', 'repeat', 'cut', 'swap'),
  at: fc.nat(),
  length: fc.integer({ min: 1, max: 12 }),
  with: character,
});

function applyEdit(text: string, { kind, at, length, with: other }: Edit): string {
  const i = text === '' ? 0 : at % text.length;
  const [before, rest] = [text.slice(0, i), text.slice(i)];
  switch (kind) {
    case 'insert':
      return before + other + rest;
    case 'delete':
      return before + rest.slice(1);
    case 'replace':
      return before + other + rest.slice(1);
    case 'repeat':
      return before + rest.slice(0, length) + rest;
    case 'cut':
      return before + rest.slice(length);
    case 'swap':
      return before + [...rest.slice(0, length)].reverse().join('') + rest.slice(length);
  }
}

type Change = (message: SignedMessage) => ReceivedRequest;
const lineEdit = fc.tuple(fc.nat(), fc.array(edit, { minLength: 1, maxLength: 3 }));

const addedLine = fc.constantFrom<Line>(
  ['Authorization', 'GNAP other'],
  ['authorization', ''],
  ['content-digest', ''],
  ['Content-Digest', 'sha-512=:AAAA:'],
  ['content-digest', 'md5=:AAAA:'],
  ['signature-input', 'more=("@method");created=1;keyid="p"'],
  ['signature', 'more=:AAAA:'],
  ['signature-input', ''],
  ['X-List', ''],
  ['accept', '*/*'],
);

function prettyPrint(body: Buffer): Buffer {
  try {
    return Buffer.from(JSON.stringify(JSON.parse(body.toString()), null, 1).replaceAll(':', ' :'));
  } catch {
    return body;
  }
}

const change: fc.Arbitrary<Change> = fc.oneof(
  lineEdit.map(
    ([at, edits]): Change =>
      ({ exchange }) => {
        const index = at % exchange.rawHeaders.length;
        const rawHeaders = exchange.rawHeaders.map(
          ([name, text], i): Line => [name, i === index ? edits.reduce(applyEdit, text) : text],
        );
        return { ...exchange, rawHeaders };
      },
  ),
  lineEdit.map(
    ([at, edits]): Change =>
      ({ exchange }) => {
        const signatureLines = exchange.rawHeaders.flatMap(([name], i) => (/^signature/i.test(name) ? [i] : []));
        const index = signatureLines[at % signatureLines.length];
        const rawHeaders = exchange.rawHeaders.map(
          ([name, text], i): Line => [name, i === index ? edits.reduce(applyEdit, text) : text],
        );
        return { ...exchange, rawHeaders };
      },
  ),
  edit.map(
    (one): Change =>
      ({ exchange }) =>
        exchangeOf(
          exchange.method,
          `/${applyEdit(exchange.rawTarget.slice(1), one)}`,
          exchange.rawHeaders as Line[],
          exchange.body,
        ),
  ),
  edit.map(
    (one): Change =>
      ({ exchange }) => ({ ...exchange, method: applyEdit(exchange.method, one) }),
  ),
  edit.map(
    (one): Change =>
      ({ exchange }) => ({
        ...exchange,
        body: Buffer.from(applyEdit(exchange.body.toString('latin1'), one), 'latin1'),
      }),
  ),
  fc.constant<Change>(({ exchange }) => ({ ...exchange, body: prettyPrint(exchange.body) })),
  fc.tuple(fc.nat(), addedLine).map(
    ([at, line]): Change =>
      ({ exchange }) => {
        const rawHeaders = [...exchange.rawHeaders];
        rawHeaders.splice(at % (rawHeaders.length + 1), 0, line);
        return { ...exchange, rawHeaders };
      },
  ),
  fc.tuple(fc.nat(), fc.nat(), fc.constantFrom('remove', 'repeat', 'swap')).map(
    ([from, to, how]): Change =>
      ({ exchange }) => {
        const rawHeaders = [...exchange.rawHeaders];
        const [a, b] = [from % rawHeaders.length, to % rawHeaders.length];
        if (how === 'remove') rawHeaders.splice(a, 1);
        else if (how === 'repeat') rawHeaders.splice(b, 0, rawHeaders[a]!);
        else [rawHeaders[a], rawHeaders[b]] = [rawHeaders[b]!, rawHeaders[a]!];
        return { ...exchange, rawHeaders };
      },
  ),
);

test('of changed messages only those are accepted that still say what was signed', () => {
  let [accepted, refused] = [0, 0];
  fc.assert(
    fc.property(signedMessage, change, (message, changed) => {
      const exchange = changed(message);
      for (const switches of [strict, compat]) {
        const read = readSignature(exchange, switches, now);
        const verdict = read.ok ? checkSignature(exchange, read, { key: publicKey, switches }) : read;
        if (!read.ok || !verdict.ok) {
          assert.ok(!verdict.ok && verdict.detail.length > 0);
          refused += 1;
          continue;
        }
        accepted += 1;
        // One text was signed with this key, so that nothing else can be accepted; read by other code it is the same.
        const claim = claimOf(exchange, read.label);
        assert.ok(claim, 'the label has one text');
        assert.equal(baseOf(exchange, claim.components, claim.parameters), message.base);
        assert.deepEqual(read.signature, message.signature);
        assert.ok(digestsAreRight(exchange, switches.digestOfCompactJson), 'the digest is of this body');
        const has = (wanted: string): boolean => exchange.rawHeaders.some(([name]) => name.toLowerCase() === wanted);
        assert.ok(!has('authorization') || claim.components.includes('authorization'));
        assert.ok(exchange.body.length === 0 || claim.components.includes('content-digest'));
      }
    }),
    { numRuns: 1500 },
  );
  // Were all refused, or all accepted, the property would say little.
  assert.ok(accepted > 50 && refused > 50, `${accepted} accepted, ${refused} refused`);
});

/** The message with another text of its Signature-Input parameters. */
function withParameters(message: SignedMessage, rewrite: (parameters: string) => string): ReceivedRequest {
  const { parameters } = claimOf(message.exchange, message.label)!;
  const rawHeaders = message.exchange.rawHeaders.map(
    ([name, text]): Line => [
      name,
      name === 'Signature-Input' ? text.replace(parameters, () => rewrite(parameters)) : text,
    ],
  );
  return { ...message.exchange, rawHeaders };
}

test('parameters that parse to the same but are written otherwise are another text than the signed one', () => {
  const rewritings: readonly ((parameters: string) => string)[] = [
    (text) => text.replace('(', '( '),
    (text) => text.replace(')', ' )'),
    (text) => text.replace(' ', '  '),
    (text) => text.replace(');', '); '),
    (text) => text.replace('created=', 'created=0'),
    (text) => `${text};unknown`,
    (text) => text.replace(/(;created=\d+)(.*)$/, '$2$1').concat(text.endsWith(';created=1699999998') ? ';x' : ''),
  ];
  fc.assert(
    fc.property(signedMessage, fc.constantFrom(...rewritings), (message, rewrite) => {
      const exchange = withParameters(message, rewrite);
      fc.pre(JSON.stringify(exchange) !== JSON.stringify(message.exchange));
      nowhere(exchange);
    }),
    runs,
  );
});

test('parameters count as they were written: a loose spelling is good if it was signed, its canonical one then is not', () => {
  const spellings: readonly ((parameters: string) => string)[] = [
    (text) => text.replace('(', '(  ').replace(')', ' )'),
    (text) => text.replaceAll(' "', '   "'),
    (text) => text.replaceAll(/\);|(?<=\d);/g, (mark) => `${mark} `),
    (text) => text.replace('created=', 'created=00'),
    (text) => `${text};unknown=?1`,
  ];
  fc.assert(
    fc.property(signedMessage, fc.constantFrom(...spellings), (message, spell) => {
      fc.pre(message.form === 'rfc');
      const { components, parameters } = claimOf(message.exchange, message.label)!;
      const loose = spell(parameters);
      fc.pre(loose !== parameters);
      const signature = sign(null, Buffer.from(baseOf(message.exchange, components, loose)), privateKey);
      const resigned = (text: string): ReceivedRequest => ({
        ...message.exchange,
        rawHeaders: withParameters(message, () => text).rawHeaders.map(
          ([name, value]): Line => [
            name,
            name === 'Signature'
              ? value.replace(message.signature.toString('base64'), () => signature.toString('base64'))
              : value,
          ],
        ),
      });
      asBefore(message, resigned(loose));
      nowhere(resigned(parameters));
    }),
    runs,
  );
});

test('what is not covered may change: other fields, names in any case, spaces around values, lines joined or split', () => {
  fc.assert(
    fc.property(signedMessage, fc.nat(), fc.stringMatching(/^[ -~]{0,10}$/), (message, at, text) => {
      const { exchange, components } = message;
      const change = (rawHeaders: readonly Line[]): void => asBefore(message, { ...exchange, rawHeaders });
      const lines = exchange.rawHeaders;
      change([...lines, ['X-Forwarded-Host', text], ['Forwarded', `host=${text}`], ['Via', text]]);
      change(lines.map(([name, value]) => [at % 2 ? name.toUpperCase() : name.toLowerCase(), value]));
      change(lines.map(([name, value]) => [name, ` \t${value}  `]));
      const listed = lines.filter(([name]) => /^x-list$/i.test(name)).map(([, value]) => value);
      change([...lines.filter(([name]) => !/^x-list$/i.test(name)), ['x-list', listed.join(', ')]]);
      for (const name of ['x-list', 'date', 'accept', 'host'].filter((field) => !components.includes(field))) {
        change(lines.filter(([field]) => field.toLowerCase() !== name));
        change([...lines, [name, text]]);
      }
    }),
    runs,
  );
});

test('each covered part alone: gone, doubled or with another value', () => {
  fc.assert(
    fc.property(signedMessage, fc.nat(), (message, at) => {
      const { exchange, components } = message;
      const name = components[at % components.length]!;
      if (name === '@method') return nowhere({ ...exchange, method: `${exchange.method}X` });
      if (name === '@authority')
        return nowhere({ ...exchange, targetUri: exchange.targetUri.replace(':8443', ':8444') });
      if (name === '@scheme') return nowhere({ ...exchange, targetUri: exchange.targetUri.replace('https', 'http') });
      if (name.startsWith('@')) {
        const rawTarget = `${exchange.rawTarget}${exchange.rawTarget.includes('?') ? '&' : '?'}x`;
        return nowhere(exchangeOf(exchange.method, rawTarget, exchange.rawHeaders as Line[], exchange.body));
      }
      const isIt = ([field]: Line): boolean => field.toLowerCase() === name;
      const lines = exchange.rawHeaders;
      nowhere({ ...exchange, rawHeaders: lines.filter((line) => !isIt(line)) });
      nowhere({ ...exchange, rawHeaders: lines.flatMap((line) => (isIt(line) ? [line, line] : [line])) });
      nowhere({ ...exchange, rawHeaders: lines.map((line) => (isIt(line) ? [line[0], `${line[1]}x`] : line)) });
    }),
    runs,
  );
});

test('a signature has one form of its bytes: no other S of the same residue, no bit more or less', () => {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  fc.assert(
    fc.property(signedMessage, fc.nat(511), (message, bit) => {
      const replace = (bytes: Buffer): ReceivedRequest => ({
        ...message.exchange,
        rawHeaders: message.exchange.rawHeaders.map(
          ([name, text]): Line => [
            name,
            name === 'Signature'
              ? text.replace(message.signature.toString('base64'), () => bytes.toString('base64'))
              : text,
          ],
        ),
      });
      const flipped = Buffer.from(message.signature);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      nowhere(replace(flipped));
      const s = BigInt(`0x${Buffer.from(message.signature.subarray(32)).reverse().toString('hex')}`) + order;
      const higher = Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse();
      nowhere(replace(Buffer.concat([message.signature.subarray(0, 32), higher])));
      for (const bytes of [message.signature.subarray(0, 63), Buffer.concat([message.signature, Buffer.alloc(1)])]) {
        nowhere(replace(bytes));
      }
    }),
    { numRuns: 100 },
  );
});

/** Header lines that count how often one of them is looked at. */
function counted(lines: readonly Line[]): { lines: readonly Line[]; looks: () => number } {
  let looks = 0;
  const proxy = new Proxy(lines as Line[], {
    get(target, key, receiver) {
      if (typeof key === 'string' && /^\d+$/.test(key)) looks += 1;
      return Reflect.get(target, key, receiver);
    },
  });
  return { lines: proxy, looks: () => looks };
}

test('the work is bounded: fields too long are not parsed, each line is looked at a fixed number of times', () => {
  const most = 32 + 10; // once for each component, and for the fields that are always read
  const long = fc
    .constantFrom('(', '"', '\\', ',', ';a', 'a=(),', '("a" ', ':AAAA', 'sig1=(', '%', 'a;', '?1,')
    .chain((piece) =>
      fc.integer({ min: 1, max: 20_000 }).map((length) => piece.repeat(Math.ceil(length / piece.length))),
    );
  fc.assert(
    fc.property(fc.option(signedMessage), long, long, long, fc.nat(200), (message, input, signature, digest, spare) => {
      const lines: Line[] = [
        ...(message?.exchange.rawHeaders ?? []),
        ...Array.from({ length: spare }, (_, i): Line => [`x-${i}`, 'y']),
        ['Signature-Input', input],
        ['Signature', signature],
        ['Content-Digest', digest],
      ];
      for (const switches of [strict, compat]) {
        const watched = counted(lines);
        const exchange = { ...exchangeOf('POST', '/', [], Buffer.from('{}')), rawHeaders: watched.lines };
        const read = readSignature(exchange, switches, now);
        const verdict = read.ok ? checkSignature(exchange, read, { key: publicKey, switches }) : read;
        assert.equal(verdict.ok, false);
        if (!verdict.ok && (input.length > 8192 || signature.length > 8192)) {
          assert.equal(verdict.reason, 'signature_input_too_large');
        }
        assert.ok(watched.looks() <= most * lines.length, `${watched.looks()} looks at ${lines.length} lines`);
      }
    }),
    runs,
  );
});
