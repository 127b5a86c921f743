/** Each probe catches a client that falls for it, passes one that does not, and passes none that stops before it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ProbeId, type ProbeResult, probeIds } from '../../../src/grade/probes.ts';
import type { ProbeVerdict } from '../../../src/grade/report.ts';
import { type ProbeWorld, planProbes, runProbe } from '../../../src/grade/run-probe.ts';
import type { ControlExchange } from '../../../src/grade/traps/trap.ts';
import { changeForProbe, describeProbeWorld } from '../../../src/world/probe-world.ts';
import {
  type ClientEnvironment,
  clientEnvironment,
  embedded,
  startWorld,
  type TestWorld,
} from '../../support/world.ts';
import { cases, type Script } from './cases.ts';
import { Client, ScriptClock } from './scripted-client.ts';

let world: TestWorld;
before(async () => {
  world = await startWorld({ database: embedded, seed: 'traps' });
});
after(() => world.close());

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Runs a script without a trap. */
async function runControl(script: Script): Promise<ControlExchange[]> {
  const control: ControlExchange[] = [];
  const unsubscribe = world.controls.subscribeToExchanges(({ summary, request, reply, receivedAt, answeredAt }) => {
    const { ase, operation, status } = summary;
    const isServer = request.rawHeaders.some(([name, value]) => /^user-agent$/i.test(name) && value === 'touchstone');
    if (isServer) return;
    const body = parse(request.body.toString());
    control.push({
      ase,
      operation,
      status,
      request,
      body,
      answer: parse(reply?.content ?? ''),
      receivedAt,
      answeredAt,
    });
  });
  const client = new Client(clientEnvironment(world), new ScriptClock());
  await script(client).catch(() => {});
  for (const close of client.closers) close();
  unsubscribe();
  return control;
}

const passed = { result: 'pass' } as ProbeVerdict;
const earlier = new Map<ProbeId, ProbeVerdict>([
  ['P01', passed],
  ['P12', passed],
  ['P22', passed],
]);

async function probe(id: ProbeId, control: readonly ControlExchange[], script: Script): Promise<ProbeVerdict> {
  const clock = new ScriptClock();
  let env: ClientEnvironment = clientEnvironment(world);
  return runProbe({
    id,
    control,
    earlier,
    hasTls: false,
    onDemand: true,
    timeoutMs: 60_000,
    clock,
    async startWorld(changes): Promise<ProbeWorld> {
      if (Object.keys(changes).length === 0) return describeProbeWorld(world, {}, async () => {});
      const definition = await changeForProbe(world.definition, changes);
      const changed = await startWorld({ database: embedded, definition });
      env = clientEnvironment(changed);
      return describeProbeWorld(changed, {}, changed.close);
    },
    start() {
      const client = new Client(env, clock);
      const ended = script(client)
        .catch(() => {})
        .then(() => {
          for (const close of client.closers) close();
        });
      return { ended, kill: async () => client.kill() };
    },
  });
}

const judged = ({ result, weak }: ProbeVerdict): string => result + (weak ? ' weakly' : '');

for (const id of probeIds) {
  const scripts = cases[id];
  if (!scripts) continue;
  test(`${id}`, async () => {
    const control = await runControl(scripts.control ?? scripts.obeys);
    const expected: Record<string, string> = { 'never starts': 'not-exercised' satisfies ProbeResult };
    const found: Record<string, string> = {};
    const details: string[] = [];
    const run = async (name: string, script: Script) => {
      const verdict = await probe(id, control, script);
      found[name] = judged(verdict);
      details.push(`${name}: ${judged(verdict)}: ${verdict.detail} ${JSON.stringify(verdict.facts)}`);
    };
    await run('never starts', async () => {});
    expected['obeys'] = 'pass';
    await run('obeys', scripts.obeys);
    expected['falls'] = 'fail';
    await run('falls', scripts.falls);
    for (const [name, [result, script]] of Object.entries(scripts.others ?? {})) {
      expected[name] = result;
      await run(name, script);
    }
    assert.deepEqual(found, expected, details.join('\n'));
  });
}

test('the plan has the probes that suit the control run, after those that they need', async () => {
  const control = await runControl(cases.P01!.obeys);
  const { groups, runs, skipped } = planProbes(['P05', 'P02', 'P22', 'P30', 'P35'], {
    control,
    hasTls: false,
    onDemand: false,
  });
  assert.deepEqual(groups, [['P01', 'P02'], ['P05']]);
  assert.equal(runs, 4, 'two rounds of P02');
  assert.deepEqual(
    skipped.map(({ id, result, detail }) => [id, result, detail]),
    [
      ['P22', 'not-exercised', 'The client did not come to the step of the trap without it.'],
      ['P30', 'not-exercised', 'The probe needs a world with TLS.'],
      ['P35', 'not-exercised', 'The probe breaks the Open Payments documents and runs on demand only.'],
    ],
  );
  assert.deepEqual(planProbes(['P01'], { control: [], hasTls: false, onDemand: false }).groups, []);
});
