/**
 * Where the time of the server goes, operation by operation: milliseconds per request in each folder of the sources,
 * package and module of Node.js, for the program and for the floor. See docs/scale.md.
 */
import { parseArgs } from 'node:util';
import { runClosedLoop } from './support/driver.ts';
import { operations } from './support/operations.ts';
import { pinDriver, startPostgresql } from './support/processes.ts';
import { connectProfiler, timeByPlace } from './support/profiler.ts';
import { meet, warmUp } from './support/run.ts';
import { type StartedSide, startFloor, startProgram } from './support/sides.ts';

const usage = `usage: make bench-profile ARGS='[options]'

  --only PATTERN    operations whose name matches this regular expression; default: quote POST
  --places N        how many places are shown; default 15`;

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '^quote POST' },
    places: { type: 'string', default: '15' },
    help: { type: 'boolean', default: false },
  },
});
const CONNECTIONS = 16;
const chosen = operations.filter(({ name }) => new RegExp(values.only).test(name));

/** Milliseconds per request, by operation and place. */
async function profile(side: StartedSide): Promise<Map<string, number>[]> {
  const opponent = await meet(side, side.target, CONNECTIONS);
  const profiler = await connectProfiler(side.server);
  const profiles: Map<string, number>[] = [];
  for (const operation of chosen) {
    const prepare = await operation.prepare(opponent.driver.send, opponent.party);
    await warmUp([[opponent]], async () => [{ ...opponent, slice: await prepare(operation.requests) }]);
    const { jobs, settled } = await prepare(operation.requests * 2);
    await profiler.start();
    await runClosedLoop(opponent.driver, CONNECTIONS, jobs);
    await settled?.();
    const times = timeByPlace(await profiler.stop());
    profiles.push(new Map([...times].map(([place, time]) => [place, time / jobs.length])));
  }
  profiler.close();
  opponent.driver.close();
  return profiles;
}

function print(name: string, floor: Map<string, number>, program: Map<string, number>): void {
  const line = (place: string, ...cells: readonly string[]) =>
    console.log(`${place.padEnd(44)} ${cells.map((cell) => cell.padStart(9)).join(' ')}`);
  const total = (times: Map<string, number>) => [...times.values()].reduce((sum, time) => sum + time, 0);
  const row = (place: string, ofFloor: number, ofProgram: number) =>
    line(place, ...[ofFloor, ofProgram, ofProgram - ofFloor].map((time) => time.toFixed(3)));
  line(name, 'floor', 'program', 'more');
  row('in all', total(floor), total(program));
  const places = [...new Set([...floor.keys(), ...program.keys()])]
    .map((place) => [place, floor.get(place) ?? 0, program.get(place) ?? 0] as const)
    .toSorted((a, b) => b[2] - a[2]);
  for (const each of places.slice(0, Number(values.places))) row(...each);
  console.log();
}

if (values.help) console.log(usage);
else {
  await using postgresql = await startPostgresql();
  await using floor = await startFloor(postgresql, 'floor');
  await using program = await startProgram(postgresql, 'program');
  pinDriver();
  const [ofFloor, ofProgram] = [await profile(floor), await profile(program)];
  for (const [index, { name }] of chosen.entries()) print(name, ofFloor[index]!, ofProgram[index]!);
}
