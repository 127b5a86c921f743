/**
 * Judges the second ASE: its good version passes every applicable must, and each known fault is found by exactly the
 * checks that findings.json names, out of all checks of their areas. With `--discover`, the findings are stored instead;
 * for a fault without any, all checks run.
 */
import { fork } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { confined, type FaultName, faultNames, faults } from './faults.ts';
import { areaOf } from './judge.ts';
import type { Task, TaskResult } from './worker.ts';

const { values } = parseArgs({
  options: {
    discover: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
  },
});

/** Capabilities that the second ASE lacks, apart from the clock and the other parts of a control API. */
const lacks = [
  'administration',
  'clock',
  'consent-modes',
  'discovery',
  'faults',
  'foreign-receivers',
  'interaction-urls',
  'introspection',
  'refusal-reasons',
  'second-ase',
  'worlds',
];

const file = new URL('findings.json', import.meta.url);
const findings: Readonly<Partial<Record<FaultName, readonly string[]>>> = JSON.parse(readFileSync(file, 'utf8'));

const wanted = faultNames.filter((name) => new RegExp(values.only).test(name));
const tasks: Task[] = [undefined, ...wanted].map((fault) => ({ fault, areas: fault && areasFor(fault) }));

function areasFor(fault: FaultName): readonly string[] | undefined {
  const known = findings[fault] ?? [];
  return confined[fault] ?? (known.length === 0 ? undefined : [...new Set(known.map(areaOf))]);
}

const results = await runAll(tasks);
if (values.discover) storeFindings();
process.exitCode = report() ? 0 : 1;

/** Gives each process the next task whenever it has finished one. */
async function runAll(all: readonly Task[]): Promise<TaskResult[]> {
  const waiting = [...all];
  const finished: TaskResult[] = [];
  const processes = Array.from({ length: Math.min(availableParallelism(), 4, all.length) }, async () => {
    const worker = fork(new URL('worker.ts', import.meta.url));
    await new Promise<void>((resolve, reject) => {
      worker.on('error', reject);
      worker.on('exit', (code) => (code === null ? resolve() : reject(new Error(`a process ended with ${code}`))));
      worker.on('message', (message: 'ready' | TaskResult) => {
        if (message !== 'ready') finished.push(message);
        const next = waiting.shift();
        if (next) worker.send(next);
        else worker.kill();
      });
    });
  });
  await Promise.all(processes);
  return finished;
}

function storeFindings(): void {
  const found = results.flatMap(({ fault, verdict }) => (fault ? [[fault, verdict.found] as const] : []));
  const sorted = Object.fromEntries(found.sort(([one], [other]) => (one < other ? -1 : 1)));
  writeFileSync(file, `${JSON.stringify({ ...findings, ...sorted }, null, 2)}\n`);
}

/** @returns true if everything is as declared */
function report(): boolean {
  const good = results.find(({ fault }) => fault === undefined)!.verdict;
  const missing = Object.keys(good.lacking).sort();
  const isGood = good.found.length === 0 && missing.join() === lacks.join();
  for (const id of good.found) console.log(`the good version fails ${id}`);
  if (missing.join() !== lacks.join()) console.log(`the good version lacks ${missing.join(', ')}`);
  const inapplicable = Object.values(good.lacking).reduce((sum, number) => sum + number, 0);
  console.log(`good version: ${good.passed} passed · ${good.noted} noted · ${inapplicable} not applicable`);

  let [found, outside] = [0, 0];
  for (const { fault, verdict } of results) {
    if (fault === undefined) continue;
    const declared = values.discover ? verdict.found : (findings[fault] ?? []);
    const silent = declared.filter((id) => !verdict.found.includes(id));
    const others = verdict.found.filter((id) => !declared.includes(id));
    if (declared.length > 0 && silent.length === 0) found += 1;
    else console.log(`${fault} (${faults[fault]}) is not found by ${silent.join(', ') || 'any check'}`);
    outside += others.length;
    for (const id of others) console.log(`${fault} (${faults[fault]}) is also found by ${id}`);
  }
  const missed = wanted.length - found;
  console.log(`faults ${wanted.length} · found ${found} · missed ${missed} · outside ${outside}`);
  return isGood && missed === 0 && outside === 0;
}
