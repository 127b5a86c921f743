/**
 * `make chaos`: two ASEs of one world, each in two processes, pay each other on a PostgreSQL server of the run while
 * processes are killed at every failpoint and at random, connections are cut and the server goes down. Afterwards the
 * books must be right (`invariants.ts`), and everything confirmed to a client must exist.
 *
 * A full run writes its figures to `figures.md`. `--short` takes a minute, `--seed TEXT` repeats the choices of a run;
 * `--mutant ID` is short and succeeds if the run finds the mistake. TOUCHSTONE_CHAOS_LOG names a file for the logs of
 * the processes.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runChaos } from './run.ts';

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    seed: { type: 'string' },
    mutant: { type: 'string' },
  },
});
const seed = values.seed ?? String(Math.floor(Math.random() * 1_000_000));
const isShort = values.short || values.mutant !== undefined;
const scale = isShort
  ? { payments: 60, killsPerFailpoint: 2, databaseRestarts: 1, maxSeconds: 240 }
  : { payments: 500, killsPerFailpoint: 15, databaseRestarts: 5, maxSeconds: 900 };

console.log(`chaos, seed ${seed}${values.mutant ? `, with the mutant ${values.mutant}` : ''}`);
const started = Date.now();
const { figures, findings, answers, shortfalls } = await runChaos({
  ...scale,
  seed,
  ...(values.mutant !== undefined && { mutant: values.mutant }),
});
const broken = findings.filter(({ broken }) => broken.length > 0);

const table = (head: string, rows: Iterable<readonly [string, number | string]>): string =>
  [`| ${head} | |`, '| --- | ---: |', ...[...rows].map(([name, value]) => `| ${name} | ${value} |`), ''].join('\n');
const seconds = Math.round((Date.now() - started) / 1000);
const tables = [
  table('Figure', [['seed', seed], ...Object.entries(figures), ['seconds', seconds]]),
  table('What clients were answered', [...answers].toSorted()),
];
console.log(`\n${tables.join('\n')}`);
for (const { rule, broken } of findings) {
  console.log(`${broken.length === 0 ? 'holds ' : 'BROKEN'} ${rule}`);
  for (const case_ of broken.slice(0, 5)) console.log(`         ${case_}`);
  if (broken.length > 5) console.log(`         and ${broken.length - 5} more`);
}
for (const shortfall of shortfalls) console.log(`SHORT  ${shortfall}`);
console.log(`\n${findings.length - broken.length} of ${findings.length} rules hold`);
if (values.mutant) {
  console.log(`${values.mutant} was ${broken.length > 0 ? '' : 'NOT '}found`);
  process.exitCode = broken.length > 0 ? 0 : 1;
} else {
  process.exitCode = broken.length + shortfalls.length === 0 ? 0 : 1;
  if (!isShort && process.exitCode === 0) {
    const holding = ['What held in the end:', '', ...findings.map(({ rule }) => `- ${rule}`), ''].join('\n');
    const text = ['# The last full run of `make chaos`', '', ...tables, holding].join('\n');
    await writeFile(join(import.meta.dirname, 'figures.md'), text);
  }
}
