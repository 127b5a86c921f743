/**
 * `node test/model/main.ts [--only grants|money] [--sequences N] [--seed N] [--figures FILE]`: runs the long version of
 * the models; on PostgreSQL if `TOUCHSTONE_TEST_POSTGRES` names a server. Writes what was sent and how it was answered,
 * in the model's chapter of the file. Exit status: 0 if the models explain everything, else 1.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { DatabaseOptions } from '../../src/database/database.ts';
import { createFastestDatabase } from '../support/postgresql.ts';
import { randomSeed } from '../support/seed.ts';
import { startGrantClient } from './grants/client.ts';
import { runGrantSequences } from './grants/commands.ts';
import { startMoneyClient } from './money/client.ts';
import { runMoneySequences } from './money/commands.ts';
import type { Figures, Run } from './sequences.ts';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    sequences: { type: 'string', default: '5000' },
    seed: { type: 'string', default: String(randomSeed()) },
    figures: { type: 'string' },
  },
});
const chosen = { sequences: Number(options.sequences), seed: Number(options.seed) };

interface Model {
  readonly title: string;
  /** Kinds that are counted besides the commands. */
  readonly outcomes: readonly string[];
  run(database: DatabaseOptions): Promise<Run>;
}

const models: readonly Model[] = [
  {
    title: 'Grants',
    outcomes: [],
    async run(database) {
      const client = await startGrantClient(database);
      return runGrantSequences(client, chosen).finally(client.close);
    },
  },
  {
    title: 'Money',
    outcomes: ['payment', 'fault'],
    async run(database) {
      const client = await startMoneyClient(database);
      return runMoneySequences(client, chosen).finally(client.close);
    },
  },
];

for (const model of models) {
  if (options.only !== undefined && options.only !== model.title.toLowerCase()) continue;
  console.log(`${model.title}: ${chosen.sequences} sequences, seed ${chosen.seed}`);
  const database = await createFastestDatabase();
  const started = performance.now();
  const run = await model.run(database.options);
  const seconds = Math.round((performance.now() - started) / 1000);
  await database.drop();
  if (run.failure !== undefined) {
    console.log(run.failure);
    process.exitCode = 1;
  }
  const chapter = describe(model, run, database.options.kind, seconds);
  console.log(chapter);
  if (options.figures) await writeChapter(options.figures, model.title, chapter);
}

function describe(
  { title, outcomes }: Model,
  { last, seed, failure, figures }: Run,
  database: string,
  seconds: number,
): string {
  const isCommand = (kind: string) => !isGroup(kind) && !outcomes.includes(kind);
  const commands = [...figures].filter(([kind]) => isCommand(kind));
  const others = [...figures].filter(([kind]) => outcomes.includes(kind));
  return `# ${title}

| | |
| --- | --- |
| date | ${new Date().toISOString().slice(0, 10)} |
| sequences | ${last} |
| failures | ${failure === undefined ? 0 : 1} |
| seed | ${seed} |
| database | ${database === 'postgresql' ? 'PostgreSQL' : 'embedded'} |
| time | ${seconds} s |
| commands | ${totalOf(commands)} |

Commands of each kind, and how they were answered:

| Command | Sent | Answers |
| --- | ---: | --- |
${describeKinds(commands)}

Of these, so many were under way at once:

| Group | Times | Different mixes |
| --- | ---: | ---: |
${describeGroups(figures)}
${others.length === 0 ? '' : `\nWhat became of payments, and what was made to go wrong:\n\n| | Times | Which |\n| --- | ---: | --- |\n${describeKinds(others)}\n`}`;
}

/** In place of the chapter of that title, or behind the others. */
async function writeChapter(file: string, title: string, chapter: string): Promise<void> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const chapters = text.split(/^(?=# )/m).filter((part) => part !== '' && !part.startsWith(`# ${title}\n`));
  await writeFile(
    file,
    [...chapters, chapter]
      .sort()
      .map((part) => `${part.trimEnd()}\n`)
      .join('\n'),
  );
}

function isGroup(kind: string): boolean {
  return kind.endsWith('at once');
}

function totalOf(entries: readonly (readonly [string, ReadonlyMap<string, number>])[]): number {
  return entries.flatMap(([, ways]) => [...ways.values()]).reduce((sum, times) => sum + times, 0);
}

function describeKinds(kinds: readonly (readonly [string, ReadonlyMap<string, number>])[]): string {
  return kinds
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
