/**
 * CPU time, latency and statements per operation, of the program and of the hand-written floor in one run, a slice of
 * the one after a slice of the other. Ratios can be compared between runs and machines, times cannot. With
 * `--wallet-address`, it measures the latencies of any account servicing entity instead. See docs/scale.md.
 */
import { parseArgs } from 'node:util';
import { parseTarget, TargetError } from '../conformance/runner/target.ts';
import { calibrate } from './support/calibration.ts';
import { runClosedLoop } from './support/driver.ts';
import { compareRatios, MARGIN, missedTargets } from './support/figures.ts';
import { compareRows, listStatements, resetStatements } from './support/measure.ts';
import { type Operation, operations, paymentsFrom } from './support/operations.ts';
import { isPinned, pinDriver, startPostgresql } from './support/processes.ts';
import { rafiki } from './support/rafiki.ts';
import { meet, type Opponent, type Summary, sample, summarize } from './support/run.ts';
import { startFloor, startProgram } from './support/sides.ts';

const usage = `usage: make bench ARGS='[options]'

  --only PATTERN          operations whose name matches this regular expression
  --slices N              slices of each side, of which the median counts; default 7
  --connections N         connections that are kept busy; default 16
  --requests SHARE        requests of a slice, as a share of the usual number; default 1
  --statements            list the statements of both sides by operation
  --markdown              print rows for bench/figures.md

Any account servicing entity instead of the program and the floor:
  --wallet-address URL    a wallet address with money
  --receiver URL          a wallet address that gets it
  --client URL            wallet address of the client
  --key-id ID             id of its key
  --private-key FILE      the key: Ed25519, PKCS #8, PEM
  --consent-command COMMAND   opens the URL in TOUCHSTONE_INTERACTION and prints where it ended
  --consent-hook URL      answers a POST of {"interaction": URL} with {"location": URL}`;

/** Values of options, by the names of the variables that name a target. */
const targetOptions = {
  'wallet-address': 'TOUCHSTONE_WALLET_ADDRESS',
  receiver: 'TOUCHSTONE_RECEIVER',
  client: 'TOUCHSTONE_CLIENT',
  'key-id': 'TOUCHSTONE_KEY_ID',
  'private-key': 'TOUCHSTONE_PRIVATE_KEY_FILE',
  'consent-command': 'TOUCHSTONE_CONSENT_COMMAND',
  'consent-hook': 'TOUCHSTONE_CONSENT_HOOK',
} as const;

const text = { type: 'string' } as const;
const flag = { type: 'boolean', default: false } as const;
const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    slices: { type: 'string', default: '7' },
    connections: { type: 'string', default: '16' },
    requests: { type: 'string', default: '1' },
    ...{ statements: flag, markdown: flag, help: flag },
    ...(Object.fromEntries(Object.keys(targetOptions).map((name) => [name, text])) as Record<
      keyof typeof targetOptions,
      typeof text
    >),
  },
});
const connections = Number(values.connections);
const options = { connections, slices: Number(values.slices), requests: Number(values.requests) };
const chosen = operations.filter(({ name }) => new RegExp(values.only).test(name));

/** Without a floor: the payment goes to the other ASE, which is in the same process, by ILP and STREAM. */
const stream = paymentsFrom('outgoing payment over STREAM, two ASEs');

const columns = ['req/s', 'p50 ms', 'p99 ms', 'server', 'database', 'CPU ms', 'stmts', 'ratio', 'Rafiki'];
const line = (name: string, side: string, cells: readonly string[]): string =>
  `${name.padEnd(40)} ${side.padEnd(8)} ${cells.map((cell) => cell.padStart(8)).join(' ')}`;

function row(operation: string, side: string, summary: Summary, ratio?: number): string {
  const { rate, p50, p99, server, database, cpu, statements } = summary;
  const measured = cpu > 0;
  const share = rafiki[operation] && ratio !== undefined ? `1/${(rafiki[operation][0] / cpu).toFixed(1)}` : '';
  return line(operation, side, [
    ...[rate.toFixed(0), p50.toFixed(1), p99.toFixed(1)],
    ...(measured ? [server, database, cpu].map((value) => value.toFixed(3)) : ['', '', '']),
    ...[measured ? statements.toFixed(1) : '', ratio?.toFixed(2) ?? '', share],
  ]);
}

/** A row of the table in `bench/figures.md`. */
function markdownRow(operation: string, ratio: number, floor: Summary, program: Summary): string {
  const cpu = ({ server, database, statements }: Summary) =>
    `${(server + database).toFixed(2)} (${server.toFixed(2)} + ${database.toFixed(2)}) | ${statements.toFixed(1)}`;
  const [lowest, highest] = rafiki[operation] ?? [];
  const times = lowest === undefined ? '' : (lowest / program.cpu).toFixed(1);
  const cells = [operation, ratio.toFixed(2), cpu(floor), cpu(program), program.p50.toFixed(1), program.p99.toFixed(1)];
  return `| ${[...cells, lowest === undefined ? '' : `${lowest}–${highest}`, times].join(' | ')} |`;
}

async function printStatements({ side, party, driver }: Opponent, operation: Operation): Promise<void> {
  const slice = await (await operation.prepare(driver.send, party))(100);
  await resetStatements(side);
  await runClosedLoop(driver, connections, slice.jobs);
  await slice.settled?.();
  console.log(`  ${side.name}:`);
  for (const { calls, pages, query } of await listStatements(side)) {
    if (calls >= 10) console.log(`  ${(calls / 100).toFixed(1)} × ${pages.toFixed(0)} pages: ${query}`);
  }
}

/** Any ASE: latencies only. */
async function measureForeign(): Promise<void> {
  const named = Object.entries(targetOptions).flatMap(([name, variable]) => {
    const value = values[name as keyof typeof targetOptions];
    return value === undefined ? [] : [[variable, value]];
  });
  const opponent = await meet(
    { name: 'target', serverPids: [] },
    parseTarget({ ...process.env, ...Object.fromEntries(named) }),
    connections,
  );
  console.log(line('operation', 'side', columns));
  for (const operation of chosen) {
    const [samples] = await sample(operation, [opponent], options);
    console.log(row(operation.name, 'target', summarize(samples!)));
  }
  opponent.driver.close();
}

/** The program and the floor. Returns the complaints about ratios. */
async function compareWithFloor(): Promise<string[]> {
  const calibration = calibrate();
  await using postgresql = await startPostgresql();
  await using floor = await startFloor(postgresql, 'floor');
  await using program = await startProgram(postgresql, 'program');
  pinDriver();
  const opponents = [await meet(floor, floor.target, connections), await meet(program, program.target, connections)];
  console.log(
    `calibration ${calibration.toFixed(0)} ms, ${connections} connections, medians of ${values.slices} slices`,
  );
  if (!isPinned) console.log('not pinned to cores: the figures are noisier');
  console.log(line('operation', 'side', columns));
  const ratios = new Map<string, number>();
  const rows: string[] = [];
  const missed: string[] = [];
  for (const operation of chosen) {
    const [ofFloor, ofProgram] = (await sample(operation, opponents, options)).map(summarize);
    const ratio = ofProgram!.cpu / ofFloor!.cpu;
    ratios.set(operation.name, ratio);
    missed.push(...missedTargets(operation.name, ratio, ofProgram!));
    if (values.markdown) rows.push(markdownRow(operation.name, ratio, ofFloor!, ofProgram!));
    console.log(row(operation.name, 'floor', ofFloor!));
    console.log(row(operation.name, 'program', ofProgram!, ratio));
    if (values.statements) for (const opponent of opponents) await printStatements(opponent, operation);
  }
  // Before the payments that only the program makes.
  const differences = await compareRows(floor, program);
  if (new RegExp(values.only).test(stream.name)) {
    const opponent = await meet(program, program.remoteTarget, connections);
    const [samples] = await sample(stream, [opponent], options);
    console.log(row(stream.name, 'both', summarize(samples!)));
    if (values.statements) await printStatements(opponent, stream);
    opponent.driver.close();
  }
  for (const { driver } of opponents) driver.close();
  for (const row of rows) console.log(row);
  for (const target of missed) console.log(`target missed: ${target}`);
  return [...compareRatios(ratios), ...differences];
}

if (values.help) console.log(usage);
else if (values['wallet-address'] !== undefined) {
  await measureForeign().catch((error: unknown) => {
    if (!(error instanceof TargetError)) throw error;
    console.error(error.message);
    process.exitCode = 2;
  });
} else {
  const complaints = await compareWithFloor();
  for (const complaint of complaints) console.error(complaint);
  if (complaints.length > 0) process.exitCode = 1;
  else console.log(`every ratio is at most ${MARGIN * 100} % above bench/figures.md`);
}
