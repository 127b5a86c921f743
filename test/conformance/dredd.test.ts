/** Dredd's verdicts as results of a run: one for each declared answer, and none is taken for granted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DreddResult } from '../../conformance/dredd/dredd.ts';
import { dredd, judge } from '../../conformance/dredd/transactions.ts';
import { renderFiles } from '../../conformance/runner/check-view.ts';
import { concludeRun } from '../../conformance/runner/conclusion.ts';
import { parseOptions } from '../../conformance/runner/options.ts';
import { createRedaction } from '../../conformance/runner/redaction.ts';
import { describeReach } from '../../conformance/runner/report.ts';
import { readRequirements } from '../../conformance/runner/requirements.ts';
import { selectChecks } from '../../conformance/runner/selection.ts';
import { loadOperations } from '../../conformance/runner/validation.ts';

const operations = await loadOperations();
const [transaction] = selectChecks(dredd.transactions, 'dredd.get-quote-200');
const valid: DreddResult = {
  ...{ name: 'get-quote > 200', operation: 'get-quote', expected: 200, status: 200, isValid: true },
};

test('there is a transaction for each declared answer, at level must', () => {
  const declared = [...operations.values()]
    .filter(({ document }) => ['auth-server', 'resource-server', 'wallet-address-server'].includes(document))
    .flatMap(({ id, responses }) => [...responses.keys()].map((status) => `dredd.${id}-${status}`));
  assert.deepEqual(dredd.transactions.map(({ id }) => id).sort(), declared.sort());
  const levels = new Map(readRequirements().map(({ id, level }) => [id, level]));
  for (const { rows } of dredd.transactions)
    assert.deepEqual(
      rows.map((row) => levels.get(row)),
      ['must'],
    );
});

test('an answer that Dredd refuses, and one that it did not try, is a failure', () => {
  assert.equal(judge(transaction!, [valid]).failure, undefined);
  const refused = judge(transaction!, [valid, { ...valid, isValid: false, status: 500, problem: 'expected 200' }]);
  assert.deepEqual(
    [refused.failure?.message, refused.failure?.actual, refused.requests],
    ['expected 200', 'status 500', 2],
  );
  const silent = judge(transaction!, [{ ...valid, isValid: false, status: null, problem: 'no answer came' }]);
  assert.equal(silent.failure?.actual, 'no answer');
  for (const others of [[], [{ ...valid, expected: 404 }], [{ ...valid, operation: 'create-quote' }]]) {
    assert.equal(judge(transaction!, others).failure?.message, 'Dredd did not try it');
  }
});

test('each transaction counts once, in an area of every format', () => {
  const results = [
    judge(transaction!, [valid]),
    judge({ ...transaction!, id: 'dredd.get-quote-404', status: 404 }, []),
  ];
  const report = concludeRun({
    ...{ version: '1.0.0', spec: '1.3.0', target: null, startedAt: '2026-11-26T09:30:00.000Z', milliseconds: 1 },
    ...{ results, requirements: readRequirements(), strictness: { own: true, strict: false }, operations },
    ...{ redaction: createRedaction(), leftovers: [], broken: [] },
  });
  assert.deepEqual(report.summary.areas, { dredd: { met: 1, judged: 2, total: 2 } });
  assert.equal(report.exitCode, 1);
  assert.equal(report.requests, 1);
  assert.match(describeReach(report), /1 of 174 declared answers.* · Dredd transactions 1\/2$/);
  const files = renderFiles(report, true);
  for (const name of ['report.html', 'report.json', 'junit.xml', 'report.sarif', 'summary.md']) {
    assert.match(files[name]!, /dredd\.get-quote-404/, name);
  }
  assert.match(files['junit.xml']!, /tests="2"/);
});

test('Dredd and a database need a world of the run', () => {
  assert.throws(() => parseOptions(['--dredd']), /--dredd needs --start/);
  assert.throws(() => parseOptions(['--database-url', 'postgresql://a/b']), /--database-url needs --start/);
  assert.equal(parseOptions(['--start', '--dredd']).dredd, true);
});
