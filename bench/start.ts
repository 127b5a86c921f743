/**
 * Start-up time by phase, and the first request of a process: medians of several starts of the compiled program (run
 * `make build` first), on the embedded database and on a PostgreSQL server. Fails above the targets, which are those of a
 * machine that does nothing else. `node bench/start.ts [--starts N]`
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { parseTarget, type Target } from '../conformance/runner/target.ts';
import { findFreePort } from '../test/support/free-port.ts';
import { cpuOfProcess } from './support/cpu.ts';
import { type Call, createDriver, median, sendOk } from './support/driver.ts';
import { incomingAccess, requestGrant } from './support/party.ts';
import { startPostgresql } from './support/processes.ts';

/** Milliseconds. */
const MAX_START = { embedded: 800, PostgreSQL: 350 };
const MAX_FIRST_REQUEST = 50;

const program = join(import.meta.dirname, '..', 'dist', 'src', 'main.js');
if (!existsSync(program)) throw new Error('dist/ is missing: run `make build`');

/** Loaded before the program: records the CPU time (ms) at each mark and prints all marks at exit. */
const preload = `
const marks = [];
const note = (name) => {
  const { user, system } = process.cpuUsage();
  marks.push([name, performance.now(), (user + system) / 1000]);
};
note('Node.js started');
const mark = performance.mark.bind(performance);
performance.mark = (name, options) => { note(name); return mark(name, options); };
const write = process.stdout.write.bind(process.stdout);
process.stdout.write = (...args) => { note('ready line printed'); return write(...args); };
process.on('exit', () => process.stderr.write(JSON.stringify(marks)));
`;

/** A database belongs to the port of its first start. */
const port = await findFreePort(100, 900);

type Mark = readonly [name: string, clock: number, cpu: number];

/** Milliseconds, and those of the server's CPU time. */
type Time = readonly [clock: number, cpu: number];

interface Ready {
  readonly env: Record<string, string>;
  readonly ases: readonly { readonly authServer: string }[];
}

/** The request that is the first of a process. */
const firsts: Record<string, (target: Target, ready: Ready) => Call> = {
  'first GET': ({ walletAddress }) => ({ method: 'GET', url: walletAddress, headers: {} }),
  'first grant POST': (target, { ases }) =>
    requestGrant({ target, payer: undefined, receiver: undefined }, ases[0]!.authServer, incomingAccess),
};

interface Run {
  readonly marks: readonly Mark[];
  readonly request: Time;
}

/** Starts the program, sends it one request and stops it. */
async function start(args: readonly string[], first: string): Promise<Run> {
  const preloaded = ['--import', `data:text/javascript,${encodeURIComponent(preload)}`];
  const child = spawn(process.execPath, [...preloaded, program, 'start', '--json', '--port', String(port), ...args]);
  const marks = text(child.stderr);
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const ready = JSON.parse(line) as Ready;
  const call = firsts[first]!(parseTarget(ready.env), ready);
  const driver = createDriver(1);
  const [cpu, started] = [cpuOfProcess(child.pid!), performance.now()];
  await sendOk(driver.send, call);
  const request: Time = [performance.now() - started, cpuOfProcess(child.pid!) - cpu];
  driver.close();
  child.kill('SIGTERM');
  return { marks: JSON.parse(await marks), request };
}

const print = (name: string, [clock, cpu]: Time): void =>
  console.log(`  ${name.padEnd(34)} ${clock.toFixed(0).padStart(6)} ms ${cpu.toFixed(0).padStart(8)} ms of CPU`);

const medianOf = (times: readonly Time[]): Time => [
  median(times.map(([clock]) => clock)),
  median(times.map(([, cpu]) => cpu)),
];

/** Returns what is above its target. */
async function report(title: keyof typeof MAX_START, starts: number, args: readonly string[]): Promise<string[]> {
  // The first starts fill the compile cache and migrate, so they are not measured.
  for (const first of Object.keys(firsts)) await start(args, first);
  const runs: Run[] = [];
  const requests = new Map(Object.keys(firsts).map((first) => [first, [] as Time[]]));
  for (let count = 0; count < starts; count += 1) {
    for (const [first, times] of requests) {
      const run = await start(args, first);
      runs.push(run);
      times.push(run.request);
    }
  }
  console.log(`${title}, median of ${starts}`);
  const marks = runs.map((run) => run.marks);
  marks[0]!.forEach(([name], index) => {
    const since = (run: readonly Mark[]): Time => {
      const before = run[index - 1];
      return [run[index]![1] - (before?.[1] ?? 0), run[index]![2] - (before?.[2] ?? 0)];
    };
    print(name.replace('touchstone: ', ''), medianOf(marks.map(since)));
  });
  const whole = medianOf(marks.map((run): Time => [run.at(-1)![1], run.at(-1)![2]]));
  print('in all', whole);
  const firstRequests = [...requests].map(([name, times]) => [name, medianOf(times)] as const);
  for (const [name, time] of firstRequests) print(name, time);
  return [
    ...(whole[0] > MAX_START[title] ? [`${title}: a start takes more than ${MAX_START[title]} ms`] : []),
    ...firstRequests
      .filter(([, [clock]]) => clock > MAX_FIRST_REQUEST)
      .map(([name]) => `${title}: the ${name} takes more than ${MAX_FIRST_REQUEST} ms`),
  ];
}

const { values } = parseArgs({ options: { starts: { type: 'string', default: '5' } } });
const starts = Number(values.starts);
const problems = await report('embedded', starts, []);
await using postgresql = await startPostgresql();
const url = `${postgresql.url}/touchstone_bench_start`;
problems.push(...(await report('PostgreSQL', starts, ['--database-url', url])));
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
