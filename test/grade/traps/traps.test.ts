/** Each probe catches a client that falls for it, passes one that does not, and passes none that stops before it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import pino from 'pino';
import type { FaultKind } from '../../../src/faults.ts';
import { type ProbeId, type ProbeResult, probeIds, probes } from '../../../src/grade/probes.ts';
import type { ProbeVerdict } from '../../../src/grade/report.ts';
import type { ReportedOutcome } from '../../../src/grade/reported-outcomes.ts';
import { type ProbeWorld, planProbes, runProbe } from '../../../src/grade/run-probe.ts';
import type { ControlExchange } from '../../../src/grade/traps/trap.ts';
import { createDeployment, type Deployment } from '../../../src/world/deployment.ts';
import { mainWorldId } from '../../../src/world/naming.ts';
import { changeForProbe, describeProbeWorld } from '../../../src/world/probe-world.ts';
import type { World } from '../../../src/world/world.ts';
import { createFastestDatabase } from '../../support/postgresql.ts';
import { openRaw } from '../../support/raw-connection.ts';
import { type ClientEnvironment, clientEnvironment } from '../../support/world.ts';
import { cases, type Script } from './cases.ts';
import { Client, ScriptClock } from './scripted-client.ts';

let deployment: Deployment;
let world: World;
let database: Awaited<ReturnType<typeof createFastestDatabase>>;
before(async () => {
  database = await createFastestDatabase();
  const log = pino({ level: 'silent' });
  deployment = await createDeployment({
    host: '127.0.0.1',
    controlPort: 0,
    database: database.options,
    insecure: false,
    log,
  });
  world = await deployment.addWorld(mainWorldId, { seed: 'traps', consent: 'auto' });
});
after(() => deployment.close().finally(database.drop));

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
    if (request.isFromServer) return;
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

/** The world as if it were new: each probe of the program gets another. */
function asNewWorld({ controls, secrets }: World): Parameters<typeof describeProbeWorld>[0] {
  const after = controls.listExchanges({ limit: 1 }).at(-1)?.id ?? 0;
  return {
    secrets,
    controls: { ...controls, listExchanges: (query) => controls.listExchanges({ after, ...query }) },
  };
}

async function probe(
  id: ProbeId,
  control: readonly ControlExchange[],
  script: Script,
  controlOutcomes: readonly ReportedOutcome[] = [],
): Promise<ProbeVerdict> {
  const clock = new ScriptClock();
  let env: ClientEnvironment = clientEnvironment(world);
  return runProbe({
    id,
    control,
    controlOutcomes,
    earlier,
    hasTls: false,
    onDemand: true,
    timeoutMs: 60_000,
    clock,
    async startWorld(changes): Promise<ProbeWorld> {
      if (Object.keys(changes).length === 0) return describeProbeWorld(asNewWorld(world), {}, async () => {});
      const definition = await changeForProbe(world.definition, changes);
      const changed = await deployment.addWorld('changed', { definition, consent: 'auto' });
      env = clientEnvironment(changed);
      return describeProbeWorld(changed, {}, async () => void (await deployment.removeWorld('changed')));
    },
    start() {
      const client = new Client(env, clock);
      const end = { exitCode: 0, signal: null, output: '', outcomes: client.outcomes };
      const ended = script(client)
        .catch(() => {})
        .then(() => {
          for (const close of client.closers) close();
          return end;
        });
      return { ended, kill: () => client.kill().then(() => end) };
    },
  });
}

const judged = ({ result, weak }: Pick<ProbeVerdict, 'result' | 'weak'>): string => result + (weak ? ' weakly' : '');

/** Their worlds need certificates: `tls-traps.test.ts`. */
const withTls: readonly ProbeId[] = ['P30', 'P49'];

test('each probe has scripts', () => {
  assert.deepEqual(
    probeIds.filter((id) => cases[id] === undefined),
    withTls,
  );
});

for (const id of probeIds) {
  const scripts = cases[id];
  if (!scripts) continue;
  test(`${id} ${probes[id].name}`, async () => {
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
  const { groups, runs, skipped } = planProbes(['P05', 'P02', 'P22', 'P26', 'P30', 'P35'], {
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
      ['P26', 'not-exercised', 'The client did not call post-token without the trap.'],
      ['P30', 'not-exercised', 'The probe needs a world with TLS.'],
      ['P35', 'not-exercised', 'The probe breaks the Open Payments documents and runs on demand only.'],
    ],
  );
  assert.deepEqual(planProbes(['P01'], { control: [], hasTls: false, onDemand: false }).groups, []);
});

test('a probe that is not reached says why, where it knows', async () => {
  const reasons = {
    P09: [cases.P09!.others!['does not listen']![1], 'No program on this machine answered at `finish.uri`.'],
    P24: [
      cases.P24!.others!['gives up before it rotates']![1],
      'The client did not rotate its token after the first refusal.',
    ],
    P37: [
      (client: Client) => client.get(client.env.receiver),
      'What the client made of the answer shows in an outcome file only, and it wrote none.',
    ],
  } satisfies Partial<Record<ProbeId, [Script, string]>>;
  for (const [id, [script, reason]] of Object.entries(reasons) as [ProbeId, [Script, string]][]) {
    const scripts = cases[id]!;
    const { result, detail } = await probe(id, await runControl(scripts.control ?? scripts.obeys), script);
    assert.equal(result, 'not-exercised', id);
    assert.ok(detail.endsWith(reason), `${id}: ${detail}`);
  }
});

const faults = () => world.controls.faults!;

test('a fault ends an answer in the middle, slows it down, empties it, or resets the connection', async () => {
  const url = world.walletUrl(world.definition.receiver);
  const strike = async (kind: FaultKind, read: (answer: Response) => unknown = (answer) => answer.text()) => {
    faults().replace({ operation: 'get-wallet-address', kind, nth: 1, times: 1, delayMs: 100 });
    return fetch(url).then(read);
  };
  try {
    const whole = await (await fetch(url)).text();
    assert.equal(await strike('slow'), whole);
    assert.equal(await strike('empty'), '');
    faults().replace({ operation: 'get-wallet-address', kind: 'abort', nth: 1, times: 1 });
    const { host, pathname } = new URL(url);
    const { socket } = openRaw(url, `GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    const [error] = await once(socket, 'error');
    assert.equal(error.code, 'ECONNRESET');
    const [status, length] = (await strike('cut', (answer) => {
      answer.text().catch(() => {});
      return [answer.status, answer.headers.get('content-length')];
    })) as [number, string];
    assert.deepEqual([status, Number(length)], [200, Buffer.byteLength(whole)], 'it announces all of its content');
    await assert.rejects(strike('cut'));
    assert.equal(await fetch(url).then((answer) => answer.text()), whole);
  } finally {
    faults().clear();
  }
});

test('a fault strikes only calls that name a wallet address, or prefer it', async () => {
  const [sender, receiver] = [world.walletUrl(world.definition.sender), world.walletUrl(world.definition.receiver)];
  const status = async (url: string, prefer?: string) =>
    (await fetch(url, { headers: prefer === undefined ? {} : { Prefer: prefer } })).status;
  const fault = { operation: 'get-wallet-address', kind: 'status', status: 418, nth: 1, times: 9 } as const;
  try {
    faults().add({ ...fault, walletAddress: receiver });
    assert.deepEqual([await status(sender), await status(receiver), await status(`${receiver}/`)], [200, 418, 418]);
    faults().replace({ ...fault, prefer: 'tea' });
    const found = [
      await status(sender),
      await status(sender, 'fault=tea'),
      await status(sender, 'wait=1, Fault="tea"'),
    ];
    assert.deepEqual(found, [200, 418, 418]);
    assert.equal(await status(sender, 'fault=tea-pot'), 200);
    faults().replace({ ...fault, operation: 'create-incoming-payment', walletAddress: receiver });
    const client = new Client(clientEnvironment(world), new ScriptClock());
    assert.equal((await client.receive(await client.receiver())).status, 418, 'its content names the wallet address');
    assert.equal((await client.receive(await client.receiver(sender))).status, 201);
  } finally {
    faults().clear();
  }
});

test('a trap is armed by its name, by a magic wallet address, and until the faults are removed', async () => {
  const client = new Client(clientEnvironment(world), new ScriptClock());
  const isDeceived = async () => {
    const grant = await client.askToPay();
    return !client.verifies(grant, await client.browse(grant));
  };
  const magic = `${new URL(client.env.receiver).origin}/trap/finish-hash-wrong`;
  try {
    assert.throws(() => faults().add({ kind: 'trap', trap: 'no-such-trap' }), /invalid_request/);
    assert.throws(
      () => faults().add({ kind: 'trap', trap: 'asset-scales' }),
      /invalid_request/,
      'it needs another world',
    );
    assert.equal((await client.get(`${new URL(magic).origin}/trap/no-such-trap`)).status, 404);
    assert.equal(await isDeceived(), false);

    const receiver = await client.receiver(magic);
    assert.equal(receiver.wallet.id, magic);
    const { body } = await client.receive(receiver);
    assert.equal(body.walletAddress, client.env.receiver);
    assert.equal((await client.quote(body.id)).status, 201);
    assert.equal(await isDeceived(), true);
    assert.deepEqual(faults().list(), [{ kind: 'trap', trap: 'finish-hash-wrong', struck: 1 }]);

    faults().clear();
    assert.equal(await isDeceived(), false);
    faults().add({ kind: 'trap', trap: 'finish-hash-missing.2' });
    const grant = await client.askToPay();
    assert.equal((await client.browse(grant)).get('hash'), '');
    faults().replace({ kind: 'trap', trap: 'redirect-loop' });
    assert.equal((await client.get(client.env.receiver)).status, 302);
    assert.equal(await isDeceived(), false);
  } finally {
    faults().clear();
  }
});

test('requests between servers do not meet a trap', async () => {
  const client = new Client(clientEnvironment(world), new ScriptClock());
  const incoming = (await client.receive(await client.receiver())).body.id;
  let seen = 0;
  const remove = world.controls.traps!.intercept({
    async answer(call, next) {
      if (call.operation === 'get-incoming-payment') seen += 1;
      return next();
    },
  });
  try {
    assert.equal((await client.quote(incoming)).status, 201, 'the server of the sender reads it');
    assert.equal(seen, 0);
    await client.get(incoming);
    assert.equal(seen, 1);
  } finally {
    remove();
  }
});

test('a probe that judges several requirements has a result for each', async () => {
  const resultsOf = async (id: ProbeId, script: Script) => {
    const { results = [] } = await probe(id, await runControl(cases[id]!.control ?? cases[id]!.obeys), script);
    return Object.fromEntries(results.map((each) => [each.id, judged(each)]));
  };
  const p38 = cases.P38!.others!['tries for a third time']![1];
  assert.deepEqual(await resultsOf('P38', p38), { 'CL-HTTP-14': 'pass', 'CL-HTTP-15': 'fail weakly' });
  const guesses = cases.P36!.others!['takes a scale of two for granted']![1];
  assert.deepEqual(await resultsOf('P36', guesses), {
    'CL-HTTP-09': 'pass',
    'CL-IP-06': 'pass',
    'CL-IP-07': 'pass',
    'CL-OP-08': 'pass',
    'CL-WA-11': 'fail',
  });
  const ofOutcomes = ['CL-HTTP-04', 'CL-HTTP-06', 'CL-WA-12', 'CL-GNAP-33'];
  const withOutcomes = (result: string) => Object.fromEntries(ofOutcomes.map((id) => [id, result]));
  const p37 = async (name: string) => {
    const { 'CL-HTTP-05': _, ...results } = await resultsOf('P37', cases.P37!.others![name]![1]);
    return results;
  };
  assert.equal((await resultsOf('P37', cases.P37!.obeys))['CL-HTTP-05'], 'pass');
  assert.deepEqual(await p37('writes no outcome file'), withOutcomes('not-exercised'));
  assert.deepEqual(await p37('loses the statuses'), withOutcomes('fail weakly'));
  assert.deepEqual(await p37('reports no error'), withOutcomes('fail'));
});

test('a fault of a trap is not the fault of the client', async () => {
  const control = await runControl(cases.P01!.obeys);
  const remove = world.controls.traps!.intercept({
    answer: async (call, next) => (call.operation === 'post-request' ? Promise.reject(new Error('broken')) : next()),
  });
  try {
    const { result, facts } = await probe('P01', control, cases.P01!.falls);
    assert.deepEqual([result, facts.serverFault], ['inconclusive', true]);
  } finally {
    remove();
  }
});
