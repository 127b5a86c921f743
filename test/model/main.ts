/**
 * `node test/model/main.ts [--sequences N] [--seed N] [--figures FILE]`: runs the long version of the models; on
 * PostgreSQL if `TOUCHSTONE_TEST_POSTGRES` names a server. Writes what was sent and how it was answered. Exit status: 0
 * if the model explains everything, else 1.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { createTestDatabase, postgresServer } from '../support/postgresql.ts';
import { type Figures, runGrantSequences } from './grant.commands.ts';
import { startGrantClient } from './grant-client.ts';

const { values: options } = parseArgs({
  options: {
    sequences: { type: 'string', default: '5000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    figures: { type: 'string' },
  },
});
const sequences = Number(options.sequences);
const seed = Number(options.seed);

console.log(`grants: ${sequences} sequences, seed ${seed}`);
const database = postgresServer ? await createTestDatabase() : undefined;
const client = await startGrantClient(database ? { kind: 'postgresql', url: database.url } : { kind: 'embedded' });
const started = performance.now();
const { failure, figures, ...run } = await runGrantSequences(client, { sequences, seed });
const seconds = Math.round((performance.now() - started) / 1000);
await client.close();
await database?.drop();
if (failure !== undefined) console.log(failure);

const text = `# Grants

| | |
| --- | --- |
| date | ${new Date().toISOString().slice(0, 10)} |
| sequences | ${run.sequences} |
| failures | ${failure === undefined ? 0 : 1} |
| seed | ${run.seed} |
| database | ${database ? 'PostgreSQL' : 'embedded'} |
| time | ${seconds} s |
| commands | ${totalOf([...figures].filter(([kind]) => !isGroup(kind)))} |

Commands of each kind, and how they were answered:

| Command | Sent | Answers |
| --- | ---: | --- |
${describeKinds(figures)}

Of these, so many were under way at once:

| Group | Times | Different mixes |
| --- | ---: | ---: |
${describeGroups(figures)}
`;
console.log(text);
if (options.figures) await writeFile(options.figures, text);
process.exitCode = failure === undefined ? 0 : 1;

function isGroup(kind: string): boolean {
  return kind.endsWith('at once');
}

function totalOf(entries: readonly (readonly [string, ReadonlyMap<string, number>])[]): number {
  return entries.flatMap(([, ways]) => [...ways.values()]).reduce((sum, times) => sum + times, 0);
}

function describeKinds(all: Figures): string {
  return [...all]
    .filter(([kind]) => !isGroup(kind))
    .map(([kind, ways]) => {
      const answers = [...ways].sort(([, a], [, b]) => b - a).map(([how, times]) => `${how}: ${times}`);
      return `| ${kind} | ${totalOf([[kind, ways]])} | ${answers.join(', ')} |`;
    })
    .sort()
    .join('\n');
}

function describeGroups(all: Figures): string {
  return [...all]
    .filter(([kind]) => isGroup(kind))
    .map(([kind, ways]) => `| ${kind} | ${totalOf([[kind, ways]])} | ${ways.size} |`)
    .sort()
    .join('\n');
}
