/** Grading while a world runs: never while an answer is sent, bounded, repeatable. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { requirementIds } from '../../src/grade/catalogue.ts';
import { createGrading, type GradingOptions } from '../../src/grade/grading.ts';
import type { Judge } from '../../src/grade/judge.ts';
import { sizeOfExchange } from '../../src/http/recorded-exchange.ts';
import { strict } from '../../src/profile.ts';
import { ases, start, traced } from './traced.ts';

const end = { at: start, output: '', privateKeys: [] };

/** A grading whose only judge notes the exchanges. */
function noting(options: Partial<GradingOptions> = {}) {
  const seen: number[] = [];
  const note: Judge = {
    exchange({ id }) {
      seen.push(id);
      return { outcome: 'pass' };
    },
  };
  const judges = Object.fromEntries(requirementIds.map((id) => [id, id === 'CL-SIG-01' ? note : {}]));
  const grading = createGrading({
    profile: 'strict',
    switches: strict,
    ases,
    judges: judges as GradingOptions['judges'] & {},
    origins: [],
    secrets: () => [],
    wallNow: () => start,
    trace: { list: () => [], find: () => undefined },
    isComplete: false,
    ...options,
  });
  const observe = (count: number) => {
    for (let id = 1; id <= count; id += 1) grading.observe(traced({ id }));
  };
  return { seen, grading, observe };
}

test('exchanges are judged in order, in a quiet moment, once there are a hundred', (t: TestContext) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setImmediate'] });
  const { seen, grading, observe } = noting({ now: () => 0 });
  observe(99);
  t.mock.timers.tick(1000);
  assert.deepEqual(seen, []);
  grading.observe(traced({ id: 100 }));
  assert.deepEqual(seen, []);
  t.mock.timers.tick(99);
  assert.deepEqual(seen, []);
  t.mock.timers.tick(1000);
  assert.deepEqual(
    seen,
    Array.from({ length: 100 }, (_, index) => index + 1),
  );
});

test('in a world that is never quiet some are judged in between, and the rest when the report is read', async (t: TestContext) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let time = 0;
  const { seen, grading, observe } = noting({ now: () => time });
  observe(2);
  await turn();
  assert.deepEqual(seen, [], 'it may become quiet');
  time = 300;
  observe(497);
  await turn();
  assert.deepEqual(seen, [], 'there is room in the queue');
  observe(1);
  assert.deepEqual(seen, [], 'not while an answer is sent');
  await turn();
  assert.equal(seen.length, 500);
  observe(2);
  assert.equal((await grading.read(end)).verdicts[0]!.applied, 502);
  assert.deepEqual(seen.slice(497), [496, 497, 1, 1, 2]);
  observe(1);
  assert.equal((await grading.read(end)).verdicts[0]!.applied, 503);
});

test('a queue that is full ends the grading, so that what was met so far proves nothing', async () => {
  const { seen, grading, observe } = noting();
  observe(1001);
  const { stopped, verdicts } = await grading.read(end);
  assert.match(stopped!, /^requests came too fast: only the first 0 were graded; POST \/reset begins anew$/);
  assert.deepEqual([verdicts[0]!.status, verdicts[0]!.reason], ['inconclusive', stopped]);
  assert.deepEqual(seen, []);
  grading.clear();
  observe(2);
  const anew = await grading.read(end);
  assert.deepEqual([anew.stopped, anew.verdicts[0]!.status], [undefined, 'pass']);
});

test('a reset forgets everything, but in a world that runs only to be graded the state of the world alone', async () => {
  const unsigned = traced({ id: 1, body: 'first' });
  const records = new Map([[1, unsigned]]);
  const trace = {
    list: () => [...records.values()].map(({ summary }) => summary),
    find: (id: number) => records.get(id),
  };
  /** Violated by the first exchange of a state, and by the output at the end. */
  const judged = new WeakMap<object, number>();
  const judge: Judge = {
    exchange({ id }, { state }) {
      judged.set(state, (judged.get(state) ?? 0) + 1);
      return { outcome: judged.get(state) === 1 ? 'violation' : 'pass', detail: `exchange ${id}` };
    },
    end: (_run, { output }) => (output === 'printed' ? { outcome: 'violation', detail: 'it printed' } : undefined),
  };
  const judges = Object.fromEntries(requirementIds.map((id) => [id, id === 'CL-SIG-01' ? judge : {}]));
  const results = async (isComplete: boolean) => {
    const { grading } = noting({ trace, isComplete, judges: judges as GradingOptions['judges'] & {} });
    records.clear();
    records.set(1, unsigned);
    grading.observe(unsigned);
    grading.clear();
    records.clear();
    grading.observe(traced({ id: 2 }));
    grading.observe(traced({ id: 3 }));
    const { verdicts, coverage, exchanges } = await grading.read({ ...end, output: 'printed' });
    const details = verdicts[0]!.findings.map(({ detail }) => detail);
    return { details, requests: coverage.requests, exchanges: exchanges.map(({ id }) => id) };
  };
  assert.deepEqual(await results(false), { details: ['exchange 2', 'it printed'], requests: 2, exchanges: [] });
  assert.deepEqual(await results(true), {
    ...{ details: ['exchange 1', 'exchange 2', 'it printed'], requests: 3 },
    exchanges: [1],
  });
});

test('a world that runs only to be graded waits for the judges instead, up to a limit', async () => {
  const { seen, grading, observe } = noting({ isComplete: true, maxJudged: 1100 });
  observe(1001);
  assert.equal(seen.length, 1001);
  observe(100);
  assert.match((await grading.read(end)).stopped!, /^there were too many requests: only the first \d+ were graded/);
  assert.ok(seen.length <= 1100);
});

test('large requests end the grading too, because facts about them are kept', async () => {
  const { grading } = noting({ isComplete: true, maxBytes: 50_000 });
  grading.observe(traced({ id: 1, body: 'x'.repeat(40_000) }));
  assert.equal((await grading.read(end)).stopped, undefined);
  grading.observe(traced({ id: 2, body: 'x'.repeat(40_000) }));
  assert.match((await grading.read(end)).stopped!, /^the requests were too large: only the first 1 were graded/);
});

test('the report and the verdicts of a page are made in turns: other work goes on, and what comes meanwhile is left', async () => {
  let time = 0;
  // Each exchange takes longer than a slice.
  const { seen, grading, observe } = noting({ now: () => (time += 20) });
  observe(5);
  const turns: number[] = [];
  const other = async () => {
    for (let turned = 0; turned < 6; turned += 1) {
      await turn();
      turns.push(seen.length);
      if (turned === 1) grading.observe(traced({ id: 6 }));
    }
  };
  const [{ verdicts }] = await Promise.all([grading.read(end), other()]);
  assert.ok(new Set(turns).size >= 4, `${turns}`);
  assert.equal(verdicts[0]!.applied, 5);
  assert.deepEqual(seen, [1, 2, 3, 4, 5]);
  grading.observe(traced({ id: 7 }));
  await grading.catchUp(0);
  assert.equal(grading.verdictsOf(7), undefined);
  await grading.catchUp(1000);
  assert.equal(grading.verdictsOf(7)?.length, 1);
});

test('exchanges are described in turns, and those that decided before the newest, up to a number of bytes', async () => {
  const body = 'x'.repeat(1000);
  const all = Array.from({ length: 40 }, (_, index) => traced({ id: index + 1, body }));
  const trace = { list: () => all.map(({ summary }) => summary), find: (id: number) => all[id - 1] };
  const { grading } = noting({ trace, isComplete: true, maxDescribedBytes: 20_000 });
  let isDone = false;
  let turns = 0;
  const other = async () => {
    for (; !isDone; turns += 1) await turn();
  };
  const read = grading.read(end).finally(() => (isDone = true));
  const [{ exchanges }] = await Promise.all([read, other()]);
  assert.ok(turns >= exchanges.length, `${turns} turns`);
  assert.deepEqual(
    exchanges.map(({ id }) => id),
    all.slice(-Math.floor(20_000 / sizeOfExchange(all.at(-1)!))).map(({ summary }) => summary.id),
  );
});
