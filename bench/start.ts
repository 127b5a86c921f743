/**
 * Start-up time by phase: the median wall and CPU time of several starts of the compiled program (run `make build`
 * first), on the embedded database and on the PostgreSQL server in TOUCHSTONE_TEST_POSTGRES. `node bench/start.ts [--starts N]`
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { findFreePort } from '../test/support/free-port.ts';

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
const port = await findFreePort(900);

type Mark = readonly [name: string, clock: number, cpu: number];

async function start(args: readonly string[]): Promise<Mark[]> {
  const preloaded = ['--import', `data:text/javascript,${encodeURIComponent(preload)}`];
  const child = spawn(process.execPath, [...preloaded, program, 'start', '--json', '--port', String(port), ...args]);
  child.stdout.once('data', () => child.kill('SIGTERM'));
  return JSON.parse(await text(child.stderr));
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

async function report(title: string, starts: number, args: readonly string[]): Promise<void> {
  // The first start fills the compile cache and migrates, so it is not measured.
  await start(args);
  const runs: Mark[][] = [];
  for (let i = 0; i < starts; i += 1) runs.push(await start(args));
  const row = (name: string, clock: number, cpu: number) =>
    console.log(`  ${name.padEnd(34)} ${clock.toFixed(0).padStart(6)} ms ${cpu.toFixed(0).padStart(8)} ms of CPU`);
  console.log(`${title}, median of ${starts}`);
  runs[0]!.forEach(([name], index) => {
    const since = (run: Mark[], column: 1 | 2) => run[index]![column] - (run[index - 1]?.[column] ?? 0);
    row(
      name.replace('touchstone: ', ''),
      median(runs.map((run) => since(run, 1))),
      median(runs.map((run) => since(run, 2))),
    );
  });
  row('in all', median(runs.map((run) => run.at(-1)![1])), median(runs.map((run) => run.at(-1)![2])));
}

const { values } = parseArgs({ options: { starts: { type: 'string', default: '5' } } });
await report('embedded', Number(values.starts), []);
const postgres = process.env['TOUCHSTONE_TEST_POSTGRES'];
if (postgres) {
  const url = new URL(postgres);
  url.pathname = `/touchstone_bench_start_${port}`;
  await report('PostgreSQL', Number(values.starts), ['--database-url', url.href]);
}
