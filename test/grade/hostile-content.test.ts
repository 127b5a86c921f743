/** Content that a stranger wrote costs bounded work when it is graded, shown or explained, and spoils no report. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { describeExchange } from '../../src/grade/describe-exchange.ts';
import { explainDigest } from '../../src/grade/explain-digest.ts';
import { createGrader } from '../../src/grade/grader.ts';
import { createMasker } from '../../src/grade/mask-secrets.ts';
import { createTextFinder, replaceRegions } from '../../src/grade/text-finder.ts';
import { strict } from '../../src/profile.ts';
import { ases, start, traced } from './traced.ts';

const describe = (body: string, headers: Record<string, string> = {}) =>
  describeExchange(traced({ body, headers, key: null }), [], strict);

/** CPU time of this thread in milliseconds. */
function cpuTimeOf(work: () => void): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}

const list = (length: number, secret: (index: number) => string): string =>
  JSON.stringify(Array.from({ length }, (_, index) => ({ nonce: secret(index) })));

test('thousands of secrets in one request are hidden in time linear in its length', () => {
  const contents = {
    different: list(6000, (index) => createHash('sha256').update(`${index}`).digest('hex').slice(0, 7)),
    short: list(9000, (index) => index.toString(36)),
    alike: list(5000, (index) => `secret${index}`),
    'beginnings of a long text': list(30, (index) => 'a'.repeat(3200 + index)),
  };
  for (const [name, body] of Object.entries(contents)) {
    const time = cpuTimeOf(() => {
      const shown = describe(body).request.body ?? '';
      assert.doesNotMatch(shown, /"nonce":"(?!.{0,4}…\()/, name);
    });
    // It took 2 to 5 s when each secret was looked for in the whole text.
    assert.ok(time < 1000, `${name}: ${Math.round(time)} ms`);
  }
});

test('a secret that is not Unicode text spoils neither the exchange nor the report', () => {
  const body = '{"client": {}, "interact": {"finish": {"nonce": "\\ud800 and something"}}}';
  assert.equal(describe(body).request.body, null);
  const grader = createGrader({ profile: 'strict', switches: strict, ases });
  grader.observe(traced({ operation: 'post-request', method: 'POST', body, key: null, status: 400 }));
  const verdicts = grader.finish({ at: start, output: '', privateKeys: [] });
  assert.deepEqual(
    verdicts.flatMap(({ reason }) => reason ?? []),
    [],
  );
});

test('deep JSON is not content: it is neither shown nor searched, and no judge fails', () => {
  const nest = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
  for (const body of [nest(5000), `{"interact":${nest(20_000)}}`]) {
    assert.equal(describe(body, { 'content-digest': 'sha-512=:AAAA:' }).request.body, null);
    const grader = createGrader({ profile: 'strict', switches: strict, ases });
    grader.observe(traced({ operation: 'post-request', method: 'POST', body, key: null, status: 400 }));
    const verdicts = grader.finish({ at: start, output: '', privateKeys: [] });
    assert.deepEqual(
      verdicts.flatMap(({ reason }) => reason ?? []),
      [],
    );
  }
});

test('a long or deep body is not serialised anew to explain its digest', () => {
  const explain = (value: unknown) => {
    const digest = createHash('sha512')
      .update(JSON.stringify(value, null, 2))
      .digest('base64');
    const request = { ...traced({ body: JSON.stringify(value) }).request };
    const headers = request.rawHeaders.filter(([name]) => name.toLowerCase() !== 'content-digest');
    return explainDigest({ ...request, rawHeaders: [...headers, ['Content-Digest', `sha-512=:${digest}:`]] })?.mistake;
  };
  const nest = (depth: number): unknown => (depth === 0 ? [] : [nest(depth - 1)]);
  assert.equal(explain(nest(50)), 'digest-of-pretty-printed-json');
  assert.equal(explain(nest(100)), undefined);
  assert.equal(explain(Array(9000).fill(1)), 'digest-of-pretty-printed-json');
  assert.equal(explain(Array(11_000).fill(1)), undefined);
});

test('secrets that begin too much alike hide the whole text', () => {
  const body = list(100, (index) => `secret-${index}-of-many`);
  const rawTarget = '/path/secret-99-of-many';
  const masker = createMasker({ request: { ...traced({ body }).request, rawTarget } });
  assert.equal(masker.text(rawTarget), '/pat…(23)');
});

test('the finder finds overlapping texts, and takes a longer text that begins alike for the known one', () => {
  const finder = createTextFinder<string>(4);
  assert.ok(finder.add('abcdef', 'first') && finder.add('cdefgh', 'second') && finder.add('x'.repeat(80), 'long'));
  assert.ok(!finder.add('abc', 'short') && !finder.add('abcdef', 'again'));
  const text = `abcdefgh abcdef ${'x'.repeat(70)}`;
  assert.deepEqual(
    [...finder.find(text)].slice(0, 4).map(({ value, start: at, end }) => [value, at, end]),
    [
      ['first', 0, 6],
      ['second', 2, 8],
      ['first', 9, 15],
      ['long', 16, 86],
    ],
  );
  assert.equal(
    replaceRegions(text, finder.find(text), (part) => `<${part.length}>`),
    '<8> <6> <70>',
  );
});
