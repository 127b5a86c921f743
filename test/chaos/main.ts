/**
 * `make chaos`: two ASEs of one world, each in two processes, on a PostgreSQL server of their own, pay each other while
 * processes are killed at every failpoint and anywhere, connections are cut and the server goes down. When all has come
 * to rest the books must be right (`invariants.ts`), and whatever a client was told must be so.
 *
 * `--short` for a minute of it, `--seed TEXT` for the same choices again, `--mutant ID` to see a mistake found: then the
 * run succeeds if it finds one.
 */
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
  ? { payments: 60, killsPerFailpoint: 2, databaseRestarts: 1, mostSeconds: 90 }
  : { payments: 300, killsPerFailpoint: 10, databaseRestarts: 4, mostSeconds: 600 };

console.log(`chaos, seed ${seed}${values.mutant ? `, with the mutant ${values.mutant}` : ''}`);
const started = Date.now();
const { figures, findings, answers, shortfalls } = await runChaos({
  ...scale,
  seed,
  ...(values.mutant !== undefined && { mutant: values.mutant }),
});
const broken = findings.filter(({ broken }) => broken.length > 0);

console.log('\n| Figure | |\n| --- | --- |');
for (const [name, value] of Object.entries(figures)) console.log(`| ${name} | ${value} |`);
console.log(`| seconds | ${Math.round((Date.now() - started) / 1000)} |`);
console.log(`\n| Answer | |\n| --- | --- |`);
for (const [what, times] of [...answers].toSorted()) console.log(`| ${what} | ${times} |`);
console.log('');
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
}
