/** The grader: levels, failures of judges, and secrets. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RequirementId, requirementIds } from '../../src/grade/catalogue.ts';
import { createGrader, type GraderOptions, levelOf } from '../../src/grade/grader.ts';
import type { Finding, Judge } from '../../src/grade/judge.ts';
import { serverUserAgent } from '../../src/net/outbound.ts';
import { compat, strict } from '../../src/profile.ts';
import { ases, start, traced } from './traced.ts';

const end = { at: start, output: '', privateKeys: [] };

/** A grader with judges for some requirements only. */
const graderWith = (some: Partial<Record<RequirementId, Judge>>, options: Partial<GraderOptions> = {}) => {
  const judges = Object.fromEntries(requirementIds.map((id) => [id, some[id] ?? {}])) as Record<RequirementId, Judge>;
  return createGrader({ profile: 'strict', switches: strict, ases, judges, ...options });
};

/** The verdict about CL-SIG-01 if its judge has these findings. */
const verdictOf = (
  findings: readonly Finding[],
  id: RequirementId = 'CL-SIG-01',
  options: Partial<GraderOptions> = {},
) => {
  const grader = graderWith({ [id]: { exchange: () => findings } }, options);
  grader.observe(traced());
  return grader.finish(end).find((verdict) => verdict.id === id)!;
};

test('there is one verdict for each requirement, and nothing is exercised without exchanges', () => {
  const verdicts = createGrader({ profile: 'strict', switches: strict, ases }).finish(end);
  assert.deepEqual(
    verdicts.map(({ id }) => id),
    requirementIds,
  );
  assert.deepEqual([...new Set(verdicts.map(({ status }) => status))], ['not-exercised']);
});

test('a run without some of its exchanges is inconclusive except for violations', () => {
  const grader = graderWith({
    'CL-SIG-01': { exchange: () => ({ outcome: 'pass' }) },
    'CL-SIG-02': { exchange: () => ({ outcome: 'violation', detail: 'unsigned' }) },
  });
  grader.observe(traced());
  const statuses = Object.groupBy(grader.finish(end, 'three were lost'), ({ status }) => status);
  assert.deepEqual(Object.keys(statuses).sort(), ['fail', 'inconclusive']);
  assert.equal(statuses.fail!.length, 1);
  assert.equal(statuses.inconclusive![0]!.reason, 'three were lost');
});

test('a run can be judged again after further exchanges', () => {
  const grader = graderWith({
    'CL-SIG-01': { exchange: () => ({ outcome: 'pass' }), end: () => ({ outcome: 'weak', detail: 'so far' }) },
  });
  const judged = () => {
    const [{ applied, violations } = { applied: 0, violations: 0 }] = grader.finish(end);
    return [applied, violations];
  };
  grader.observe(traced());
  assert.deepEqual(judged(), [2, 1]);
  grader.observe(traced({ id: 2 }));
  assert.deepEqual(judged(), [3, 1]);
});

test('a judge that throws makes its row inconclusive, and no other', () => {
  const broken: Judge = {
    exchange() {
      throw new Error('a bug');
    },
  };
  const grader = graderWith({ 'CL-SIG-01': broken, 'CL-SIG-02': { exchange: () => ({ outcome: 'pass' }) } });
  grader.observe(traced());
  const [first, second] = grader.finish(end);
  assert.deepEqual([first!.status, first!.reason], ['inconclusive', 'the judge of CL-SIG-01 failed: a bug']);
  assert.equal(second!.status, 'pass');
});

test('the worst finding decides, in the level of the profile', () => {
  const violation: Finding = { outcome: 'violation', detail: 'wrong' };
  const weak: Finding = { outcome: 'weak', detail: 'not quite' };
  const pass: Finding = { outcome: 'pass' };
  const status = (...args: Parameters<typeof verdictOf>) => verdictOf(...args).status;
  assert.equal(status([pass]), 'pass');
  assert.equal(status([]), 'not-exercised');
  assert.equal(status([pass, weak]), 'warning');
  assert.equal(status([weak, violation, pass]), 'fail');
  assert.equal(status([{ ...violation, tolerated: true }]), 'note');
  assert.equal(status([violation], 'CL-SIG-12'), 'warning');
  assert.equal(status([weak], 'CL-SIG-12'), 'note');
  assert.equal(status([violation], 'CL-SIG-07'), 'note');
  assert.equal(status([violation], 'CL-SIG-10'), 'fail');
  assert.equal(status([violation], 'CL-SIG-10', { profile: 'compat', switches: compat }), 'note');
  assert.deepEqual([levelOf('CL-SIG-10', 'strict'), levelOf('CL-SIG-10', 'compat')], ['must', 'note']);
});

test('at most ten findings are kept, the violations first; each names its exchange', () => {
  const violation: Finding = { outcome: 'violation', detail: 'wrong' };
  const weak: Finding = { outcome: 'weak', exchange: 99 };
  const verdict = verdictOf([
    ...Array<Finding>(12).fill(weak),
    ...Array<Finding>(4).fill(violation),
    { outcome: 'pass' },
  ]);
  assert.deepEqual([verdict.applied, verdict.violations, verdict.findings.length], [17, 16, 10]);
  assert.deepEqual(
    verdict.findings.map(({ exchange }) => exchange),
    [1, 1, 1, 1, 99, 99, 99, 99, 99, 99],
  );
});

test('requests of the ASEs themselves are not graded', () => {
  const seen: number[] = [];
  const grader = graderWith({ 'CL-SIG-01': { exchange: ({ id }) => void seen.push(id) } });
  grader.observe(traced({ id: 1, isFromServer: true }));
  grader.observe(traced({ id: 2, headers: { 'User-Agent': serverUserAgent } }));
  grader.observe(traced({ id: 3, operation: 'introspect-token' }));
  grader.observe(traced({ id: 4, operation: 'finish-interaction' }));
  grader.finish(end);
  assert.deepEqual(seen, [2, 4]);
});

test('no finding shows a secret of any exchange, or of the run', () => {
  const token = 'TOKEN-3f8a1c9e7b5d';
  const grader = graderWith(
    {
      'CL-SIG-01': {
        end: () => ({ outcome: 'violation', detail: `said ${token}`, expected: 'PEM-of-the-key', actual: 'plain' }),
      },
    },
    { secrets: ['PEM-of-the-key'] },
  );
  grader.observe(traced({ token }));
  grader.observe(traced({ id: 2 }));
  const [verdict] = grader.finish(end);
  assert.deepEqual(verdict!.findings, [
    { outcome: 'violation', detail: 'said TOKE…(18)', expected: 'PEM-…(14)', actual: 'plain' },
  ]);
});
