/** Conclusions of runs: exit codes, baselines, frozen sets, coverage, probes. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ConfigError } from '../../src/errors.ts';
import { type RequirementId, requirementIds, requirements } from '../../src/grade/catalogue.ts';
import { type ConclusionOptions, concludeRun, coveragePercent, type RunFacts } from '../../src/grade/conclusion.ts';
import { createCoverageCounter } from '../../src/grade/coverage.ts';
import type { Finding } from '../../src/grade/judge.ts';
import type { ProbeVerdict, Verdict } from '../../src/grade/report.ts';
import { findRequirementSet, selectRequirements, setNames } from '../../src/grade/requirement-sets.ts';
import { statusOf } from '../../src/grade/status.ts';

const violation: Finding = { outcome: 'violation', detail: 'wrong' };

function verdict(id: RequirementId, findings: readonly Finding[] = [], applied = 1): Verdict {
  const { level } = requirements[id];
  const status = statusOf(level, findings, applied);
  return { id, level, status, applied, violations: findings.length, findings, probes: [] };
}

const facts = (changed: Partial<RunFacts> = {}): RunFacts => ({
  version: '0.1.0',
  spec: '1.3.0',
  profile: 'strict',
  seed: null,
  startedAt: '2026-01-01T00:00:00Z',
  milliseconds: 1000,
  command: { command: ['true'], exitCode: 0, signal: null, timedOut: false },
  coverage: {
    requests: 20,
    operations: { seen: 9, declared: 18 },
    statuses: { seen: 10, declared: 40 },
    missing: [],
  },
  verdicts: [verdict('CL-SIG-01'), verdict('CL-SIG-12'), verdict('CL-SIG-07')],
  probes: [],
  exchanges: [],
  broken: [],
  ...changed,
});

const conclude = (changed: Partial<RunFacts> = {}, options: Partial<ConclusionOptions> = {}) =>
  concludeRun(facts(changed), { set: findRequirementSet('current'), ...options });

/** Exit code and reasons. */
const outcome = (...args: Parameters<typeof conclude>) => {
  const { exitCode, result, reasons } = conclude(...args);
  assert.equal(result, ['passed', 'failed', 'broken'][exitCode]);
  return [exitCode, ...reasons];
};

test('a violation of a must fails, of a should only with --should, of a note never', () => {
  assert.deepEqual(outcome(), [0]);
  const must = { verdicts: [verdict('CL-SIG-01', [violation])] };
  assert.deepEqual(outcome(must), [1, '1 requirement is not met: CL-SIG-01']);
  const should = { verdicts: [verdict('CL-SIG-12', [violation])] };
  assert.deepEqual(outcome(should), [0]);
  assert.deepEqual(outcome(should, { should: true }), [1, '1 requirement is not met: CL-SIG-12']);
  assert.equal(conclude(should, { should: true }).verdicts[0]!.status, 'fail');
  const note = { verdicts: [verdict('CL-SIG-07', [violation])] };
  assert.deepEqual(outcome(note, { should: true }), [0]);
  // A must that is only weakly violated warns; --should does not change that.
  const weak = { verdicts: [verdict('CL-SIG-01', [{ outcome: 'weak' }])] };
  assert.deepEqual(outcome(weak, { should: true }), [0]);
});

test('many violations are counted, and the first ten named', () => {
  const verdicts = requirementIds
    .filter((id) => requirements[id].level === 'must')
    .slice(0, 12)
    .map((id) => verdict(id, [violation]));
  const [, reason] = outcome({ verdicts });
  assert.match(String(reason), /^12 requirements are not met: CL-SIG-01, .* and 2 more$/);
});

test('a run in which nothing was exercised fails', () => {
  const none = { ...facts().coverage, operations: { seen: 0, declared: 18 } };
  assert.match(String(outcome({ coverage: none })[1]), /^nothing was exercised: no operation/);
  const idle = requirementIds.map((id) => verdict(id, [], 0));
  assert.match(String(outcome({ verdicts: idle })[1]), /^nothing was exercised: no request concerned/);
  // Nor is it enough that requirements were met which are not selected.
  const verdicts = [verdict('CL-SIG-01'), verdict('CL-SIG-02', [], 0)];
  assert.equal(outcome({ verdicts }, { only: ['CL-SIG-02'] })[0], 1);
  assert.equal(outcome({ verdicts }, { only: ['CL-SIG-01'] })[0], 0);
});

test('what broke the run takes precedence, and the violations are listed as well', () => {
  const verdicts = [verdict('CL-SIG-01', [violation])];
  assert.deepEqual(outcome({ broken: ['the command ended with exit code 3'], verdicts }), [
    2,
    'the command ended with exit code 3',
    '1 requirement is not met: CL-SIG-01',
  ]);
});

test('a violation in the baseline is expected; one that no longer occurs is stale, unless it was not exercised', () => {
  const baseline = [{ id: 'CL-SIG-01', reason: 'issue 7' }] as const;
  const expected = conclude({ verdicts: [verdict('CL-SIG-01', [violation])] }, { baseline });
  assert.deepEqual(
    [expected.exitCode, expected.verdicts[0]!.status, expected.verdicts[0]!.expected],
    [0, 'fail', 'issue 7'],
  );
  const stale = conclude({ verdicts: [verdict('CL-SIG-01')] }, { baseline });
  assert.deepEqual([stale.exitCode, stale.stale], [1, ['CL-SIG-01']]);
  assert.match(stale.reasons[0]!, /the baseline lists CL-SIG-01, which is met now/);
  const idle = conclude({ verdicts: [verdict('CL-SIG-01', [], 0), verdict('CL-SIG-02')] }, { baseline });
  assert.deepEqual([idle.exitCode, idle.stale], [0, []]);
  const should = { verdicts: [verdict('CL-SIG-12', [violation])] };
  const ofShould = { baseline: [{ id: 'CL-SIG-12', reason: 'later' }] } as const;
  assert.equal(conclude(should, ofShould).verdicts[0]!.expected, 'later');
  assert.equal(conclude(should, { ...ofShould, should: true }).exitCode, 0);
});

test('an entry that a probe caused is stale only in a run of that probe', () => {
  const id = 'CL-GNAP-17';
  const baseline = [{ id, reason: 'known', probes: ['P04'] }] as const;
  const verdicts = [verdict(id)];
  assert.deepEqual(conclude({ verdicts }, { baseline }).stale, []);
  assert.deepEqual(conclude({ verdicts, probes: [probe({ id: 'P04' })] }, { baseline }).stale, [id]);
});

const probe = (changed: Partial<ProbeVerdict>): ProbeVerdict => ({
  id: 'P01',
  result: 'pass',
  detail: 'the client stopped',
  exchanges: [1, 2],
  milliseconds: 10,
  runs: [],
  facts: {
    controlPassed: true,
    armed: true,
    reached: true,
    forbiddenSeen: false,
    requiredSeen: false,
    killed: false,
    serverFault: false,
  },
  ...changed,
});

test('probes add to the verdicts about the requirements that they judge', () => {
  const id = 'CL-GNAP-17';
  const idle = { verdicts: [verdict(id, [], 0), verdict('CL-SIG-01')] };
  const after = (changed: Partial<ProbeVerdict>) => conclude({ ...idle, probes: [probe({ id: 'P04', ...changed })] });
  const passed = after({});
  assert.deepEqual([passed.exitCode, passed.verdicts[0]!.status], [0, 'pass']);
  assert.deepEqual(passed.verdicts[0]!.probes, [{ id: 'P04', result: 'pass' }]);
  const failed = after({ result: 'fail', detail: 'it went on' });
  assert.deepEqual([failed.exitCode, failed.verdicts[0]!.status], [1, 'fail']);
  assert.equal(failed.verdicts[1]!.status, 'pass');
  assert.equal(after({ result: 'fail', weak: true }).verdicts[0]!.status, 'warning');
  assert.deepEqual(after({ result: 'not-exercised' }).verdicts[0]!.status, 'not-exercised');
  const inconclusive = after({ result: 'inconclusive', detail: 'a port was lost' });
  assert.deepEqual(
    [inconclusive.exitCode, inconclusive.reasons[0], inconclusive.verdicts[0]!.status],
    [2, 'probe P04 was inconclusive: a port was lost', 'inconclusive'],
  );
});

test('too little coverage fails; general errors of HTTP and operations of other documents do not count', () => {
  assert.deepEqual(outcome({}, { minCoverage: 25 }), [0]);
  assert.deepEqual(outcome({}, { minCoverage: 26 }), [
    1,
    'the client saw 25 % of the declared statuses, which is less than 26 %',
  ]);
  const counter = createCoverageCounter();
  const { operations, statuses, missing } = counter.read();
  assert.deepEqual([operations.seen, operations.declared, statuses.seen, missing.length], [0, 18, 0, 18]);
  counter.observe({ operation: 'create-quote', status: 201 });
  counter.observe({ operation: 'create-quote', status: 201 });
  counter.observe({ operation: 'create-quote', status: 503 });
  counter.observe({ operation: 'get-quote', status: null });
  counter.observe({ operation: 'get-discovery', status: 200 });
  counter.observe({ operation: 'start-interaction', status: 302 });
  const seen = counter.read();
  assert.deepEqual([seen.operations.seen, seen.statuses.seen, seen.missing.length], [1, 1, 17]);
  assert.equal(coveragePercent({ ...seen, statuses: { seen: 1, declared: 3 } }), 33);
});

/** Later versions add sets. A set that exists never changes, or a client that passes could fail. */
const fingerprints: Readonly<Record<string, string>> = {
  '1.3.0': 'f682003c1da4e1edd173bb97f4544f8a0101a0a9d146c3efeb01faf8783142bd',
};

test('frozen sets never change, and contain only requirements of the catalogue', () => {
  const directory = join(import.meta.dirname, '..', '..', 'src', 'grade', 'sets');
  const files = readdirSync(directory).map((file) => file.replace(/\.json$/, ''));
  assert.deepEqual(files.sort(), [...setNames].sort());
  assert.deepEqual(Object.keys(fingerprints).sort(), [...setNames].sort());
  for (const name of setNames) {
    const text = readFileSync(join(directory, `${name}.json`), 'utf8');
    assert.equal(createHash('sha256').update(text).digest('hex'), fingerprints[name], `${name} has changed`);
    const ids = Object.keys(JSON.parse(text));
    assert.ok(ids.length > 100);
    assert.deepEqual(
      ids.filter((id) => !(requirementIds as readonly string[]).includes(id)),
      [],
      'a requirement of a frozen set was removed',
    );
  }
});

test('a set decides which requirements count, and at which level', () => {
  const set = {
    name: 'other',
    levelOf: (id: RequirementId) => (id === 'CL-SIG-01' ? ('note' as const) : undefined),
  };
  const {
    verdicts,
    exitCode,
    requirements: name,
  } = conclude({ verdicts: [verdict('CL-SIG-01', [violation]), verdict('CL-SIG-02', [violation])] }, { set });
  assert.deepEqual([exitCode, name], [0, 'other']);
  assert.deepEqual(
    verdicts.map(({ id, level, status }) => [id, level, status]),
    [['CL-SIG-01', 'note', 'note']],
  );
  assert.equal(findRequirementSet('1.3.0').levelOf('CL-SIG-10', 'strict'), 'must');
  assert.equal(findRequirementSet('1.3.0').levelOf('CL-SIG-10', 'compat'), 'note');
  assert.throws(
    () => findRequirementSet('1.2.9'),
    new ConfigError('--requirements: no set has the name 1.2.9; did you mean 1.3.0?'),
  );
  assert.throws(() => findRequirementSet('latest'), /; the sets are 1\.3\.0, current$/);
});

test('--only takes ids, areas and beginnings; another word is an error with the nearest id', () => {
  assert.deepEqual(selectRequirements('cl-gnap-17'), ['CL-GNAP-17']);
  assert.equal(selectRequirements('CL-SIG').length, 18);
  assert.deepEqual(selectRequirements('CL-SIG-0*, CL-SIG-18').length, 10);
  assert.throws(
    () => selectRequirements('CL-SIG,CL-SIK-01'),
    /no requirement matches 'CL-SIK-01'; did you mean CL-SIG-01\?$/,
  );
  assert.throws(() => selectRequirements(''), /no requirement matches ''/);
});
