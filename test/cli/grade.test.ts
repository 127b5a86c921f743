/** `touchstone grade`: commands in fresh worlds, running worlds, baselines, report files and their secrecy. */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, before, test } from 'node:test';
import { baselineReader, printBaseline } from '../../src/cli/grade/baseline-file.ts';
import { type GradeContext, grade } from '../../src/cli/grade/grade.ts';
import { parseConfig } from '../../src/cli/parse-config.ts';
import { ConfigError } from '../../src/errors.ts';
import type { Report, Verdict } from '../../src/grade/report.ts';
import { parseBaseline } from '../../src/report/baseline.ts';
import { createFastestDatabase } from '../support/postgresql.ts';
import { prepareResources } from '../support/prepared-resources.ts';
import { clientEnvironment, startWorld, type TestWorld } from '../support/world.ts';

const examples = join(import.meta.dirname, '..', '..', 'examples', 'node');

let directory: string;
let database: Awaited<ReturnType<typeof createFastestDatabase>>;
let reports = 0;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'touchstone-grade-'));
  database = await createFastestDatabase();
});
after(async () => {
  await database.drop();
  await rm(directory, { recursive: true });
});

interface Graded {
  readonly report: Report;
  readonly directory: string;
  readonly printed: string;
}

/** Runs `touchstone grade` in this process. All worlds share a database, and each is deleted at its end. */
async function run(args: readonly string[], context: Partial<GradeContext> = {}): Promise<Graded> {
  reports += 1;
  const into = join(directory, `report-${reports}`);
  const { options } = database;
  const at = options.kind === 'postgresql' && !args.includes('--attach') ? ['--database-url', options.url] : [];
  const config = parseConfig('grade', ['--report', into, ...at, ...args], {});
  const output = new PassThrough();
  let printed = '';
  output.on('data', (chunk) => {
    printed += chunk;
  });
  const streams = { stdout: output, stderr: output };
  const { env } = process;
  const report = await grade(config, { env, signals: new EventEmitter(), ...streams, ...context });
  return { report, directory: into, printed };
}

const readJson = async (graded: Graded): Promise<Report> =>
  JSON.parse(await readFile(join(graded.directory, 'report.json'), 'utf8'));

test('a command that sends nothing fails the run', async () => {
  const graded = await run(['--', 'true']);
  assert.deepEqual([graded.report.exitCode, graded.report.result], [1, 'failed']);
  assert.match(graded.report.reasons[0]!, /^nothing was exercised/);
  assert.match(graded.printed, /nothing was exercised/);
});

test('a command that fails breaks the run, and the report is written, for this user only', async () => {
  const removed = join(directory, `report-${reports + 1}`);
  const graded = await run(['--', 'sh', '-c', `echo oops > "$TOUCHSTONE_OUTCOME"; rm -r "${removed}"; exit 3`]);
  assert.equal(graded.directory, removed);
  assert.match(graded.printed, /^touchstone: line 1 of the outcome file is not like/m);
  const written = await readJson(graded);
  assert.deepEqual([written.exitCode, written.result, written.command!.exitCode], [2, 'broken', 3]);
  assert.equal(written.reasons[0], 'the command ended with exit code 3');
  assert.equal((await stat(graded.directory)).mode & 0o777, 0o700);
  for (const name of await readdir(graded.directory)) {
    assert.equal((await stat(join(graded.directory, name))).mode & 0o777, 0o600, name);
  }
});

test('the options decide about consent and published names; a port in use is reported', async () => {
  const file = join(directory, 'world.yaml');
  const rest = 'sender: bank/ann, receiver: bank/ann, client: { wallet: bank/ann, keyId: key-1 }';
  const writeWorld = (ase: string) =>
    writeFile(file, `{ ases: [{ name: bank, wallets: [{ path: /ann, asset: USD/2 }], ${ase} }], ${rest} }`);
  const script = `
const { TOUCHSTONE_CONTROL: control, TOUCHSTONE_CONTROL_TOKEN: token, TOUCHSTONE_CLIENT: client } = process.env;
const state = await (await fetch(control, { headers: { authorization: 'Bearer ' + token } })).json();
console.log(client, state.consent.mode);`;
  const command = ['--world', file, '--', process.execPath, '--input-type=module', '-e', script];
  await writeWorld('servers: { walletAddressServer: { url: https://bank.example } }');
  const { printed } = await run(['--consent', 'manual', '--insecure', ...command]);
  assert.match(printed, /^https:\/\/bank\.example\/ann manual$/m);
  await assert.rejects(run(command), /--consent auto or deny.* on bank\.example, .*--insecure/);
  await assert.rejects(run(['--attach', '--consent', 'auto']), /leave out --consent/);
  await using busy = createServer().listen(0, '127.0.0.1');
  await once(busy, 'listening');
  await writeWorld(`port: ${(busy.address() as AddressInfo).port}`);
  await assert.rejects(run(command), /^Error: port \d+ .* for bank, is in use, .*change the port in the world file$/);
});

test('Ctrl-C ends the command, and the report is written', async () => {
  const signals = new EventEmitter();
  const stdout = new PassThrough();
  void once(stdout, 'data').then(() => signals.emit('SIGINT'));
  const graded = await run(['--', 'sh', '-c', 'echo started; exec sleep 1000'], { signals, stdout });
  const written = await readJson(graded);
  assert.deepEqual([written.exitCode, written.command!.signal], [2, 'SIGINT']);
  assert.equal(written.reasons[0], 'the run was interrupted by SIGINT');
  assert.equal(signals.listenerCount('SIGINT'), 0);
});

test('the official client pays in a fresh world; no file shows a secret that it was given', async () => {
  const script = `env; exec "${process.execPath}" "${join(examples, 'pay.mjs')}"`;
  const baseline = join(directory, 'written.yaml');
  const graded = await run(['--write-baseline', baseline, '--', 'sh', '-c', script]);
  const { report } = graded;
  assert.equal(report.exitCode, 0, report.reasons.join('\n'));
  const passed = report.verdicts.filter(({ level, status }) => level === 'must' && status === 'pass');
  assert.ok(passed.length >= 50, `${passed.length}`);
  // No client sends a nonce with its signatures.
  assert.equal(report.verdicts.find(({ id }) => id === 'CL-SIG-12')!.status, 'warning');
  assert.equal(report.coverage.operations.seen, 9);
  const operations = report.exchanges.map(({ operation }) => operation);
  assert.ok(operations.includes('create-outgoing-payment'));
  assert.ok(!operations.includes('get-wallet-address-keys'), 'requests of the servers are left out');

  // The command has printed its variables.
  const secrets = Object.entries(readVariables(graded.printed)).filter(([name]) =>
    /(TOKEN|SECRET|PRIVATE_KEY|PRIVATE_KEY_BASE64)$/.test(name),
  );
  assert.equal(secrets.length, 5);
  for (const name of await readdir(graded.directory)) {
    const text = await readFile(join(graded.directory, name), 'utf8');
    for (const [variable, secret] of secrets) {
      for (const part of secret.split('\n').filter(({ length }) => length > 0)) {
        if (!part.startsWith('-----')) assert.ok(!text.includes(part), `${name} contains ${variable}`);
      }
    }
  }
  const failed = report.verdicts.filter(({ status }) => status === 'fail').map(({ id }) => id);
  const listed = parseBaseline(await readFile(baseline, 'utf8'), baseline, baselineReader).map(({ id }) => id);
  assert.deepEqual(listed, failed);
});

test('probes run the command again, and only those which the plain run makes possible', async () => {
  const args = [
    '--probes',
    'finish-hash-wrong,P19,P25',
    '--jobs',
    '2',
    '--',
    'sh',
    '-c',
    `env; exec "${process.execPath}" "${join(examples, 'pay.mjs')}"`,
  ];
  const { report, printed, directory: reports } = await run(args, { env: { REGISTRY_TOKEN: 'of-this-machine' } });
  assert.match(
    printed,
    /^touchstone: 2 probes with 2 runs of the command, at most 2 at a time: about \d+ s, at most \d+ s; 1 others? cannot judge this client$/m,
  );
  assert.deepEqual(
    report.probes.map(({ id, result }) => [id, result]),
    [
      ['P01', 'pass'],
      ['P19', 'fail'],
      ['P25', 'not-exercised'],
    ],
  );
  const statusOf = (wanted: string) => report.verdicts.find(({ id }) => id === wanted)!.status;
  assert.deepEqual([statusOf('CL-GNAP-14'), statusOf('CL-WA-05')], ['pass', 'note']);
  assert.equal(report.exitCode, 0, report.reasons.join('\n'));
  // Each run left its exchanges and its output, without the secrets of its world and of this machine.
  const { runs } = report.probes.find(({ id }) => id === 'P19')!;
  assert.deepEqual(
    runs.map(({ round, result }) => [round, result]),
    [['', 'fail']],
  );
  const [{ exchanges, decisive, output } = runs[0]!] = runs;
  assert.ok(decisive.length > 0 && decisive.every((number) => exchanges.some(({ id }) => id === number)));
  assert.match(output, /^REGISTRY_TOKEN=…\(15\)$/m);
  assert.match(output, /^TOUCHSTONE_CONTROL_TOKEN=…\(\d+\)$/m);
  for (const name of await readdir(reports)) {
    const text = await readFile(join(reports, name), 'utf8');
    assert.doesNotMatch(text, /of-this-machine|MC4CAQAwBQYDK2Vw|TUM0Q0FRQXdCUVlESzJWd/, name);
  }
  // The output of the plain run only.
  assert.equal(printed.match(/^quoted /gm)!.length, 1);
});

test('a signal ends the probes, and the report is written', async () => {
  const signals = new EventEmitter();
  const stderr = new PassThrough();
  stderr.on('data', (text) => {
    if (String(text).includes('of the command')) setImmediate(() => signals.emit('SIGTERM'));
  });
  const graded = await run(['--probes', '--', process.execPath, join(examples, 'pay.mjs')], { signals, stderr });
  const written = await readJson(graded);
  assert.deepEqual([written.exitCode, written.reasons[0]], [2, 'the probes were interrupted by SIGTERM']);
  assert.ok(written.verdicts.some(({ status }) => status === 'pass'));
});

/** Tokens, references, nonces, hashes and signatures as the recorded exchanges have them. */
function secretsOnTheWire({ controls }: TestWorld): string[] {
  const names = 'interact_ref|hash|nonce';
  return controls.listExchanges({ limit: 1000 }).flatMap(({ id }) => {
    const { request, reply } = controls.findExchange(id)!;
    const header = (name: string) => request.rawHeaders.find(([each]) => each.toLowerCase() === name)?.[1] ?? '';
    const answer = reply?.content ?? '';
    const location = reply?.headers['Location'] ?? '';
    const all = (text: string, form: RegExp): string[] => [...text.matchAll(form)].map(([, secret]) => secret!);
    return [
      header('authorization').replace(/^GNAP /, ''),
      ...all(header('signature'), /:([^:]+):/g),
      ...all(answer, /"access_token":\{[^}]*?"value":"([^"]+)"/g),
      ...all(answer, /"redirect":"[^"]*\/([^"/?]+)/g),
      ...all(request.body.toString() + answer, new RegExp(`"(?:${names})":"([^"]+)"`, 'g')),
      ...all(`${request.rawTarget} ${location}`, new RegExp(`[?&](?:${names})=([^&\\s]+)`, 'g')),
    ];
  });
}

/** Variables as `env` prints them; a value can have several lines. */
function readVariables(text: string): Record<string, string> {
  const parts = text.split(/^(?=[A-Za-z_][A-Za-z0-9_]*=)/m);
  return Object.fromEntries(
    parts
      .filter((part) => part.startsWith('TOUCHSTONE_'))
      .map((part) => {
        const at = part.indexOf('=');
        return [part.slice(0, at), part.slice(at + 1).trim()];
      }),
  );
}

test('a running world is judged by what it has seen, again and again, and forgets at a reset', async () => {
  await using world = await startWorld({ seed: 'attached' });
  const control = { TOUCHSTONE_CONTROL: world.controlUrl };
  const attach = ['--attach', '--control-token', world.controlToken];
  const idle = await run(attach, { env: control });
  assert.deepEqual([idle.report.exitCode, idle.report.command], [1, null]);
  assert.match(idle.report.reasons[0]!, /^nothing was exercised/);
  await prepareResources(world, clientEnvironment(world));
  const first = await run([...attach, '--min-coverage', '5'], { env: control });
  assert.equal(first.report.seed, 'attached');
  assert.equal(first.report.coverage.operations.seen, 6);
  assert.equal(first.report.verdicts.find(({ id }) => id === 'CL-SIG-16')!.status, 'pass');
  const secrets = [...world.secrets, ...secretsOnTheWire(world)].filter(({ length }) => length > 6);
  assert.ok(secrets.length > 30, `${secrets.length}`);
  for (const name of await readdir(first.directory)) {
    const text = await readFile(join(first.directory, name), 'utf8');
    const shown = secrets.filter((secret) => text.includes(secret));
    assert.deepEqual(shown, [], name);
  }
  const second = await run([...attach, '--only', 'CL-SIG', '--min-coverage', '99'], { env: control });
  assert.ok(second.report.verdicts.every(({ id }) => id.startsWith('CL-SIG-')));
  assert.equal(second.report.exitCode, 1);
  assert.match(second.report.reasons.at(-1)!, /of the declared statuses, which is less than 99 %$/);
  await world.controls.reset();
  assert.equal((await run(attach, { env: control })).report.coverage.operations.seen, 0);
});

test('a world that records nothing cannot be judged', async () => {
  await using world = await startWorld({ recordExchanges: 0 });
  const running = run(['--attach', '--control-token', world.controlToken], {
    env: { TOUCHSTONE_CONTROL: world.controlUrl },
  });
  await assert.rejects(running, /records no exchanges: start it with --record-exchanges$/);
});

test('mistakes end the program before a world is started', async () => {
  const file = join(directory, 'file');
  await writeFile(file, 'not a list: of entries');
  const mistakes: [readonly string[], RegExp][] = [
    [[], /needs the command of a client after a --: touchstone grade -- npm test$/],
    [['--attach', '--', 'true'], /--attach runs no command/],
    [['--attach', '--seed', '1'], /leave out --seed$/],
    [['--attach', '--probes'], /leave out --probes$/],
    [['--probes', 'P50', '--', 'true'], /no probe matches 'p50'; did you mean P\d\d\?$/],
    [['--attach'], /grade --attach needs --control-token/],
    [['--requirements', '1.3', '--', 'true'], /no set has the name 1\.3/],
    [['--only', 'CL-XYZ-99', '--', 'true'], /no requirement matches 'CL-XYZ-99'/],
    [['--baseline', join(directory, 'none'), '--', 'true'], /--baseline cannot read .* \(ENOENT\)/],
    [['--baseline', file, '--', 'true'], /is not a list of entries/],
    [['--report', file, '--', 'true'], /--report cannot use .* \(ENOTDIR\)/],
  ];
  for (const [args, message] of mistakes) {
    await assert.rejects(run(args), (error: Error) => error instanceof ConfigError && message.test(error.message));
  }
  assert.throws(
    () => parseConfig('grade', ['npm', 'test'], {}),
    /unexpected argument 'npm'; .* touchstone grade -- npm$/,
  );
  assert.deepEqual(parseConfig('grade', ['--', 'npm', 'test', '--', '--help'], {}).operands, [
    'npm',
    'test',
    '--',
    '--help',
  ]);
});

test('a baseline is YAML or JSON; each mistake names its entry', () => {
  const entry = { id: 'CL-SIG-01', reason: 'issue 7' };
  assert.deepEqual(parseBaseline(JSON.stringify([entry]), 'b', baselineReader), [entry]);
  assert.deepEqual(parseBaseline('- id: CL-SIG-01\n  reason: issue 7\n', 'b', baselineReader), [entry]);
  assert.deepEqual(parseBaseline('', 'b', baselineReader), []);
  const mistakes: [string, string][] = [
    ['- id: CL-SIG-91\n  reason: x', 'b: entry 1 has the unknown id CL-SIG-91; did you mean CL-SIG-01?'],
    ['- id: CL-SIG-01', 'b: entry 1 has no reason: say why the violation is expected'],
    ['- id: CL-SIG-01\n  reason: " "', 'b: entry 1 has no reason: say why the violation is expected'],
    ['- id: CL-SIG-01\n  reason: x\n  resaon: y', 'b: entry 1 has a member resaon; did you mean reason?'],
    ['- CL-SIG-01', 'b: entry 1 has no id and reason'],
    [JSON.stringify([entry, entry]), 'b lists CL-SIG-01 twice: merge the entries'],
    [JSON.stringify([{ ...entry, probes: ['P99'] }]), 'b: entry 1 has the unknown id P99; did you mean P09?'],
  ];
  for (const [text, message] of mistakes)
    assert.throws(() => parseBaseline(text, 'b', baselineReader), new ConfigError(message));
  assert.throws(() => parseBaseline('- [', 'b', baselineReader), /^Error: b is not YAML: /);
});

test('a written baseline lists the violations, with the reasons of the earlier one and the probes that showed them', () => {
  const failed = (id: Verdict['id'], more: Partial<Verdict> = {}): Verdict => ({
    id,
    level: 'must',
    status: 'fail',
    applied: 1,
    violations: 1,
    findings: [{ outcome: 'violation', detail: `no: "colons" and # signs` }],
    probes: [],
    ...more,
  });
  const verdicts = [
    failed('CL-SIG-01'),
    failed('CL-SIG-02'),
    failed('CL-SIG-03', { status: 'pass' }),
    failed('CL-GNAP-17', {
      probes: [
        { id: 'P04', result: 'fail' },
        { id: 'P05', result: 'pass' },
      ],
    }),
  ];
  const reportOf = (some: readonly Verdict[]) => ({ verdicts: some, probes: [] }) as unknown as Report;
  const text = printBaseline(reportOf(verdicts), [{ id: 'CL-SIG-02', reason: 'issue 7' }]);
  assert.deepEqual(parseBaseline(text, 'b', baselineReader), [
    { id: 'CL-SIG-01', reason: 'no: "colons" and # signs' },
    { id: 'CL-SIG-02', reason: 'issue 7' },
    { id: 'CL-GNAP-17', reason: 'no: "colons" and # signs', probes: ['P04'] },
  ]);
  assert.deepEqual(parseBaseline(printBaseline(reportOf([]), []), 'b', baselineReader), []);
});
