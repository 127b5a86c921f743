/** The report of `touchstone check`: evidence of each failure, every format, baselines and the choice of checks. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import Ajv4 from 'ajv-draft-04';
import { XmlDocument, XsdValidator } from 'libxml2-wasm';
import { checks } from '../../conformance/checks/index.ts';
import { baselineReader, printFailures } from '../../conformance/runner/baseline.ts';
import type { CheckResult } from '../../conformance/runner/check.ts';
import { renderFiles, viewOf } from '../../conformance/runner/check-view.ts';
import { type CheckReport, concludeRun } from '../../conformance/runner/conclusion.ts';
import { toCurl } from '../../conformance/runner/curl.ts';
import { describeError, UnexpectedAnswer } from '../../conformance/runner/evidence.ts';
import { explainCheck, printExplanation } from '../../conformance/runner/explain.ts';
import { createRedaction } from '../../conformance/runner/redaction.ts';
import { readRequirements } from '../../conformance/runner/requirements.ts';
import { selectChecks } from '../../conformance/runner/selection.ts';
import { loadOperations } from '../../conformance/runner/validation.ts';
import { expectStatus } from '../../conformance/steps/expect.ts';
import { type Answer, createRecorder } from '../../conformance/steps/signed-client.ts';
import { parseBaseline } from '../../src/report/baseline.ts';
import { renderTerminal } from '../../src/report/terminal.ts';

const root = join(import.meta.dirname, '..', '..');
const read = (...path: string[]): string => readFileSync(join(root, ...path), 'utf8');
const operations = await loadOperations();
const requirements = readRequirements();

const body = Buffer.from(JSON.stringify({ client: "it's", token: 'secret-1', other: 'secret-2' }));
const sent = {
  method: 'POST',
  url: 'https://as.example/grant?x=[1]',
  headers: [
    ['accept', 'application/json'],
    ['authorization', 'GNAP secret-1'],
    ['signature', 'sig1=:c2VjcmV0LXNpZ25hdHVyZQ==:'],
    ['content-length', String(body.length)],
  ] as const,
  body,
};
const answer: Answer = {
  ...{ status: 500, headers: new Headers({ 'content-type': 'text/plain' }), bytes: Buffer.from('oops secret-1') },
  ...{ text: 'oops secret-1', body: undefined, sent, operation: 'create-quote', at: 0 },
};

/** One check of each outcome. */
function conclude(baseline: Parameters<typeof concludeRun>[1] = [], broken: string[] = []): CheckReport {
  const redaction = createRedaction();
  redaction.hide('secret-1', 'TOKEN');
  redaction.hide('secret-2', 'TOKEN');
  const run = { requests: 2, milliseconds: 5, seen: new Set(['create-quote 500']), profile: 'compat' as const };
  const failing = (id: string): CheckResult => {
    const { rows, title } = checks.find((check) => check.id === id)!;
    const failure = describeError(
      catchError(() => expectStatus(answer, 201)),
      createRecorder(),
    );
    return { ...run, id, rows, title, failure, answers: [answer] };
  };
  const results: CheckResult[] = [
    failing('quote.fixed-send'),
    failing('quote.too-little'),
    { ...run, id: 'quote.fixed-receive', rows: ['RS-Q-01'], title: 'passes' },
    { ...run, id: 'quote.expired', rows: ['RS-Q-01'], title: 'needs a clock', requests: 0, lacks: 'clock' },
  ];
  return concludeRun(
    {
      ...{ version: '1.0.0', spec: '1.3.0', startedAt: '2026-11-26T09:30:00.000Z', milliseconds: 1234, broken },
      target: { walletAddress: 'https://a.example/x', receiver: 'https://b.example/y' },
      ...{ results, requirements, strictness: { own: false, strict: false }, operations, redaction },
      leftovers: [{ kind: 'quote', url: 'https://a.example/quotes/1' }],
    },
    baseline,
  );
}

function catchError(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  assert.fail('an error was expected');
}

test('a failure shows what was expected, what came, a link, a command and a fix', () => {
  const text = renderTerminal(viewOf(conclude(), false), { colours: false, columns: 100 });
  assert.match(text, /^FAIL {2}quote\.fixed-send {2}must/m);
  assert.match(text, /expected status 201\n\s+actual {3}status 500\n/);
  assert.match(text, /https:\/\//);
  assert.match(text, /curl -i -g 'https:\/\/as\.example\/grant\?x=\[1\]' .*"\$TOKEN"/);
  assert.match(
    text.replaceAll(/\s+/g, ' '),
    /→ Answer `create-quote` with status 201 instead of status 500, to meet RS-Q-\d+: /,
  );
  assert.match(text, /^NOTE {2}quote\.too-little/m);
  assert.match(text, /^not applicable: without a clock/m);
  assert.match(text, /left behind: 1 quote/);
});

test('a command is what was sent, with variables for secrets', () => {
  const redaction = createRedaction();
  redaction.hide('secret-1', 'TOKEN');
  redaction.hide('secret-2', 'TOKEN');
  const environment = { TOKEN: 'secret-1', TOKEN_2: 'secret-2', SIGNATURE: 'sig1=:c2VjcmV0LXNpZ25hdHVyZQ==:' };
  const run = (command: string) =>
    execFileSync('bash', ['--norc', '-c', `curl() { printf '%s\\0' "$@"; }; ${command}`], {
      env: environment,
      encoding: 'utf8',
    })
      .split('\0')
      .slice(0, -1);
  const command = toCurl(sent, redaction);
  assert.doesNotMatch(command, /secret|c2Vj/);
  assert.deepEqual(run(command), [
    ...['-i', '-g', sent.url],
    ...sent.headers.slice(0, 3).flatMap(([name, value]) => ['-H', `${name}: ${value}`]),
    ...['--data-raw', body.toString()],
  ]);
  const hostile = {
    ...sent,
    method: 'PUT',
    url: 'https://a.example/../$HOME`id`',
    headers: [],
    body: Buffer.from("\u001b[2J\u202e\\'\n"),
  };
  const shown = toCurl(hostile, redaction);
  assert.doesNotMatch(shown, /[\p{Cc}\p{Cf}]/u);
  assert.deepEqual(run(shown), ['-i', '-X', 'PUT', '--path-as-is', hostile.url, '--data-raw', "\u001b[2J\u202e\\'\n"]);
});

test('expected and actual come from each kind of assertion', () => {
  const recorder = createRecorder();
  const describe = (work: () => unknown) => {
    const { expected, actual } = describeError(catchError(work), recorder);
    return [expected, actual];
  };
  assert.deepEqual(
    describe(() => assert.equal('1', '2')),
    ['"2"', '"1"'],
  );
  assert.deepEqual(
    describe(() => assert.deepEqual({ a: 1 }, { a: 2 })),
    ['{ a: 2 }', '{ a: 1 }'],
  );
  assert.deepEqual(
    describe(() => assert.match('ab', /c/)),
    ['text that matches /c/', '"ab"'],
  );
  assert.deepEqual(
    describe(() => assert.notEqual(1, 1)),
    ['anything but 1', '1'],
  );
  assert.deepEqual(
    describe(() => assert.ok(false, 'no')),
    [undefined, undefined],
  );
  assert.ok(catchError(() => expectStatus(answer, 200)) instanceof UnexpectedAnswer);
  recorder.unanswered = sent;
  assert.equal(describeError(new Error('reset'), recorder).unanswered, sent);
});

const validateJson = new Ajv({ allErrors: true, strict: false }).compile(
  JSON.parse(read('spec', 'ase', 'check-report.schema.json')),
);
const validateSarif = new Ajv4.default({ allErrors: true, strict: false, validateFormats: false }).compile(
  JSON.parse(read('test', 'fixtures', 'schemas', 'sarif-2.1.0.json')),
);

test('every format is valid, and none shows a secret', () => {
  const files = renderFiles(conclude(), false);
  const json: object = JSON.parse(files['report.json']!);
  assert.ok(validateJson(json), JSON.stringify(validateJson.errors?.slice(0, 3)));
  assert.equal(validateJson({ ...json, extra: 1 }), false);
  const sarif = JSON.parse(files['report.sarif']!);
  const isValid: boolean = validateSarif(sarif);
  assert.ok(isValid, JSON.stringify(validateSarif.errors?.slice(0, 3)));
  assert.deepEqual(
    sarif.runs[0].results.map(({ ruleId, level }: Record<string, string>) => [ruleId, level]),
    [
      ['quote.fixed-send', 'error'],
      ['quote.too-little', 'note'],
    ],
  );
  const junit = XmlDocument.fromString(files['junit.xml']!);
  XsdValidator.fromDoc(XmlDocument.fromString(read('test', 'fixtures', 'schemas', 'junit-10.xsd'))).validate(junit);
  junit.dispose();
  assert.match(files['summary.md']!, /\*\*quote\.fixed-send\*\*<br>must/);
  assert.match(files['report.html']!, /Open Payments server: failed/);
  assert.equal(JSON.parse(files['badge.json']!).message, 'must 0/5, should 0/1');
  assert.equal(files['exchanges.ndjson']!.trim().split('\n').length, 1);
  for (const [name, text] of Object.entries(files)) assert.doesNotMatch(text, /secret-\d|c2Vj/, name);
});

test('a baseline expects failures, and an entry that passes fails the run', () => {
  const first = conclude();
  assert.deepEqual([first.exitCode, first.reasons], [1, ['1 check failed: quote.fixed-send']]);
  const text = printFailures(first, []);
  const baseline = parseBaseline(text, 'b', baselineReader);
  assert.deepEqual(baseline, [{ id: 'quote.fixed-send', reason: 'expected status 201, received 500' }]);
  const second = conclude(baseline);
  assert.deepEqual([second.exitCode, second.result, second.reasons], [0, 'passed', []]);
  assert.equal(second.summary.checks.expected, 1);
  const stale = conclude([...baseline, { id: 'quote.fixed-receive', reason: 'known' }]);
  assert.equal(stale.exitCode, 1);
  assert.deepEqual(stale.stale, ['quote.fixed-receive']);
  assert.equal(printFailures(second, [{ id: 'quote.fixed-send', reason: 'mine' }]).includes('mine'), true);
  assert.throws(
    () => parseBaseline('- {id: quote.fixed-sent, reason: x}', 'b', baselineReader),
    /did you mean quote\.fixed-send/,
  );
});

test('a run that broke is neither passed nor failed', () => {
  const { exitCode, result, reasons } = conclude([], ['the wallet address cannot be reached']);
  assert.deepEqual([exitCode, result, reasons[0]], [2, 'broken', 'the wallet address cannot be reached']);
});

test('checks are chosen by id, by row or by pattern', () => {
  assert.deepEqual(
    selectChecks(checks, 'quote.expired').map(({ id }) => id),
    ['quote.expired'],
  );
  assert.ok(selectChecks(checks, 'RS-Q-01').every(({ rows }) => rows.includes('RS-Q-01')));
  assert.ok(selectChecks(checks, '^quote\\.').length > 20);
  assert.throws(
    () => selectChecks(checks, 'quote.expirde'),
    /no check matches quote\.expirde.*did you mean quote\.expired/,
  );
  assert.throws(() => selectChecks(checks, '['), /--only takes/);
});

test('an explanation names requirements, links, needs, mutants and the fix', async () => {
  const text = printExplanation(await explainCheck('quote.expired'));
  assert.match(text, /^quote\.expired {2}must/);
  assert.match(text, /why +RS-Q-\d+ \(must\): /);
  assert.match(text, /reference .*https:\/\//);
  assert.match(text, /needs +a clock that a check can move/);
  assert.match(text, /mutants +\S+/);
  const dredd = printExplanation(await explainCheck('dredd.post-request-401'));
  assert.match(dredd, /^ {2}requested post-request \(POST\), with a signature that does not verify$/m);
  assert.match(
    dredd,
    /^ {2}compared {2}Dredd, with a draft-07 form of the schema, compares the status 401, the media type$/m,
  );
  assert.match(dredd, /^ {2}reference .* https:\/\/openpayments\.dev\/apis\/auth-server\/operations\/post-request\/$/m);
  assert.match(printExplanation(await explainCheck('RS-Q-01')), /^quote\.\S+ {2}must/m);
  await assert.rejects(explainCheck('quote.expirde'), /did you mean quote\.expired/);
});
