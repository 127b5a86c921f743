/** Judges on odd input: they never throw, and quote little of it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anyCharacter } from '../../../conformance/generators/any-character.ts';
import type { RequirementId } from '../../../src/grade/catalogue.ts';
import { createGrader } from '../../../src/grade/grader.ts';
import type { Verdict } from '../../../src/grade/report.ts';
import { policies } from '../../../src/http/policy.ts';
import type { TracedExchange } from '../../../src/http/request-trace.ts';
import { selectProfile } from '../../../src/profile.ts';
import fc from '../../support/fast-check.ts';
import { ases, type ExchangeParts, start, traced } from '../traced.ts';
import {
  accessToken,
  alice,
  bob,
  continueUri,
  createIncomingPayment,
  createQuote,
  eur,
  grant,
  incomingPayment,
  interactiveGrant,
  list,
  manageUri,
  pay,
  quote,
  readIncomingPayment,
  rotation,
  usd,
  walletDocument,
} from './exchanges.ts';

function verdictsOf(exchanges: readonly TracedExchange[], output = ''): Verdict[] {
  const grader = createGrader({ profile: 'compat', switches: selectProfile('compat'), ases });
  for (const exchange of exchanges) grader.observe(exchange);
  return grader.finish({ at: start + 1e6, output, privateKeys: [] });
}

/** Longest text of a finding, in characters. */
const MAX_TEXT = 2000;

function checkVerdicts(verdicts: readonly Verdict[]): void {
  for (const { id, status, reason, findings } of verdicts) {
    assert.notEqual(status, 'inconclusive', `${id}: ${reason}`);
    for (const { detail = '', expected = '', actual = '' } of findings) {
      assert.equal(typeof detail, 'string', id);
      for (const text of [detail, expected, actual]) assert.ok(text.length <= MAX_TEXT, `${id}: ${text.length}`);
    }
  }
}

const statusOf = (verdicts: readonly Verdict[], id: RequirementId) => verdicts.find((each) => each.id === id)!.status;

/** Names that some judge reads, and names of `Object.prototype`. */
const names = `access access_token actions assetCode assetScale client completed constructor continue createdAt cursor d
  debitAmount endCursor expiresAt expires_in finish hash id identifier incomingAmount incomingPayment interact
  interact_ref interval jwk keys kid limits manage metadata method nonce pagination __proto__ quoteId receiveAmount
  receivedAmount receiver result start startCursor sub_ids subject toString type uri value wait walletAddress x`.split(
  /\s+/,
);
const texts = [
  accessToken,
  alice,
  incomingPayment,
  quote,
  manageUri,
  continueUri,
  'create',
  'quote',
  'outgoing-payment',
];

const oddText = fc.oneof(
  fc.constantFrom(
    ...texts,
    '',
    '%',
    '%zz',
    '$',
    '$granite.example',
    'https://',
    'http://[',
    '9'.repeat(400),
    'R/P',
    '\u0000',
  ),
  fc.string({ unit: anyCharacter, maxLength: 20 }),
);

/** JSON as text, because only the parser makes a member named `__proto__`. */
const { json } = fc.letrec<{ json: string; object: string; array: string }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    oddText.map((text) => JSON.stringify(text)),
    fc.constantFrom('null', 'true', '0', '-1', '1e400', '2.5', '600', '{}', '[]'),
    tie('object'),
    tie('array'),
  ),
  object: fc
    .array(fc.tuple(fc.constantFrom(...names), tie('json')), { maxLength: 6 })
    .map((members) => `{${members.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join()}}`),
  array: fc.array(tie('json'), { maxLength: 4 }).map((items) => `[${items.join()}]`),
}));

const headerNames = [
  'Authorization',
  'Accept',
  'Content-Type',
  'Host',
  'Signature',
  'Signature-Input',
  'Content-Digest',
];
const headerValue = fc.oneof(
  oddText,
  fc.constantFrom(`GNAP ${accessToken}`, 'GNAP', 'Bearer x', '*/*;q=', 'sig1=("@method");created=1', 'sig1=:AA==:'),
);
const header = fc.tuple(fc.constantFrom(...headerNames), headerValue);

const path = fc.oneof(
  fc.constantFrom('/', '//', '/quotes', '/alicejwks.json', '/incoming-payments/1//complete', '*'),
  oddText.map((text) => `/${encodeURI(text.toWellFormed())}`),
);
const query = fc
  .array(fc.tuple(fc.constantFrom('wallet-address', 'cursor', 'first', 'last'), oddText), { maxLength: 3 })
  .map((pairs) => pairs.map(([name, value]) => `${name}=${value.toWellFormed()}`).join('&'));

const oddExchange = fc
  .record({
    ase: fc.constantFrom('granite', 'basalt', 'unknown'),
    operation: fc.constantFrom(...Object.keys(policies), 'unknown', 'preflight', 'constructor'),
    method: fc.constantFrom('GET', 'POST', 'DELETE', 'PATCH', 'QUERY'),
    path,
    query,
    headers: fc.array(header, { maxLength: 8 }),
    body: fc.oneof(json, oddText),
    answer: fc.oneof(json, oddText),
    answerHeaders: fc.dictionary(
      fc.constantFrom('Retry-After', 'Location', 'Cache-Control', 'WWW-Authenticate'),
      oddText,
    ),
    status: fc.constantFrom(200, 201, 204, 302, 400, 401, 403, 429, 500, null),
    at: fc.integer({ min: -1000, max: 10_000 }),
  })
  .map(({ path: target, query: search, headers, answer, answerHeaders, ...parts }) => {
    const exchange = traced({ key: null, ...parts, url: `https://granite.example${target}?${search}` });
    const reply = parts.status === null ? undefined : { headers: answerHeaders, content: answer };
    return { ...exchange, reply, request: { ...exchange.request, rawHeaders: headers } };
  });

/** Exchanges of a good client. */
const good: readonly ExchangeParts[] = [
  grant(),
  interactiveGrant({ nonce: 'e1f3c5d7-9b2a-4c6e' }),
  rotation(),
  walletDocument(),
  createIncomingPayment({ walletAddress: bob, incomingAmount: eur(), expiresAt: '2027-02-01T00:00:00Z' }),
  createQuote({ debitAmount: usd() }),
  pay(),
  list(''),
  readIncomingPayment(),
];

type Path = readonly string[];

/** All values inside a value. */
function listPaths(value: unknown, path: Path = []): Path[] {
  const members = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return [path, ...members.flatMap(([name, member]) => listPaths(member, [...path, name]))];
}

function replaceAt(value: unknown, [name, ...rest]: Path, by: unknown): unknown {
  if (name === undefined) return by;
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<string, unknown>;
  copy[name] = replaceAt(copy[name], rest, by);
  return copy;
}

const oddValues = [
  'null',
  '7',
  '-1',
  '""',
  '"%"',
  '{}',
  '[]',
  '[null]',
  '{"toString":1,"length":-1}',
  '{"__proto__":[]}',
];

/** All exchanges in which one value inside a good one is replaced. */
const spoiledExchanges: readonly TracedExchange[] = good.flatMap((parts) =>
  (['body', 'answer'] as const).flatMap((side) =>
    listPaths(parts[side]).flatMap((path) =>
      oddValues.map((value) =>
        traced({ key: null, ...parts, [side]: replaceAt(parts[side], path, JSON.parse(value)) }),
      ),
    ),
  ),
);

const numbered = (exchanges: readonly TracedExchange[]): TracedExchange[] =>
  exchanges.map((exchange, i) => ({ ...exchange, summary: { ...exchange.summary, id: i + 1 } }));

test('any value in the place of another is judged', () => {
  assert.ok(spoiledExchanges.length > 500);
  checkVerdicts(verdictsOf(numbered(spoiledExchanges)));
});

test('no judge throws, and none quotes much of what it got', () => {
  const before = good.map((parts) => traced({ key: null, ...parts }));
  fc.assert(
    fc.property(fc.array(oddExchange, { minLength: 1, maxLength: 10 }), oddText, (odd, output) => {
      checkVerdicts(verdictsOf(numbered([...before, ...odd]), output));
    }),
    { numRuns: 150 },
  );
});

test('content that is nested deeper than the stack allows is judged like any other', () => {
  const deep = ['['.repeat(50_000) + ']'.repeat(50_000), `${'{"a":'.repeat(16_000)}1${'}'.repeat(16_000)}`];
  const operations = ['post-request', 'post-continue', 'create-quote', 'create-incoming-payment', 'unknown'];
  const exchanges = operations.flatMap((operation) =>
    deep.map((body) => {
      const exchange = traced({ key: null, operation, body });
      return { ...exchange, reply: { headers: {}, content: body } };
    }),
  );
  const verdicts = verdictsOf(exchanges);
  checkVerdicts(verdicts);
  assert.equal(statusOf(verdicts, 'CL-Q-01'), 'fail');
});

test('huge and malformed content is judged in little time', () => {
  const huge = 'x'.repeat(100_000);
  const bodies = [
    huge,
    JSON.stringify(huge),
    JSON.stringify({
      walletAddress: huge,
      receiver: huge,
      method: huge,
      [huge]: 1,
      debitAmount: { value: '9'.repeat(99_000) },
    }),
    JSON.stringify({
      access_token: { access: Array.from({ length: 5000 }, () => ({ limits: { interval: huge.slice(0, 9) } })) },
    }),
    JSON.stringify(Object.fromEntries(Array.from({ length: 9000 }, (_, i) => [`m${i}`, '$a']))),
    '%'.repeat(100_000),
    '$a'.repeat(50_000),
    `{"interact":{"finish":{"uri":"${'a@'.repeat(45_000)}","nonce":"${'0'.repeat(9000)}"}}}`,
  ];
  const exchanges = ['post-request', 'create-quote', 'create-outgoing-payment'].flatMap((operation) =>
    bodies.map((body) => traced({ key: null, operation, body, headers: { Accept: huge.slice(0, 8000) } })),
  );
  const before = process.threadCpuUsage();
  checkVerdicts(verdictsOf(exchanges, '$a'.repeat(1_000_000)));
  // Linear work takes about a tenth of this.
  const { user, system } = process.threadCpuUsage(before);
  assert.ok(user + system < 10_000_000);
});
