/**
 * `node --import ./test/mutants/register.ts test/model/mutants.ts grants|money [--only PATTERN] [--sequences N]
 * [--seed N|random] [--store]`: breaks one rule after the other and runs the model until it cannot explain what it sees.
 * `--store` writes the numbers of sequences that notice them each time to `noticed-in.json`. Exit status: 0 if the model
 * notices each of them, else 1.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { grantModelMutants } from '../mutants/grant-model.ts';
import { createFastestDatabase } from '../support/postgresql.ts';
import { seed as fixedSeed, randomSeed } from '../support/seed.ts';
import { startGrantClient } from './grants/client.ts';
import { runGrantSequences } from './grants/commands.ts';
import { startMoneyClient } from './money/client.ts';
import { runMoneySequences } from './money/commands.ts';
import { moneyModelMutants } from './money/mutants.ts';
import stored from './noticed-in.json' with { type: 'json' };
import type { Range } from './sequences.ts';
import { tryMutant } from './try-mutant.ts';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string', default: '' },
    sequences: { type: 'string', default: '300' },
    seed: { type: 'string', default: String(fixedSeed) },
    store: { type: 'boolean', default: false },
  },
});
const seed = options.seed === 'random' ? randomSeed() : Number(options.seed);
const database = await createFastestDatabase();

async function open(model: string | undefined) {
  if (model === 'grants') {
    const client = await startGrantClient(database.options);
    return { mutants: grantModelMutants, run: (range: Range) => runGrantSequences(client, range), close: client.close };
  }
  if (model === 'money') {
    const client = await startMoneyClient(database.options);
    return { mutants: moneyModelMutants, run: (range: Range) => runMoneySequences(client, range), close: client.close };
  }
  throw new Error(`expected grants or money, not ${model}`);
}

const noticed: Record<string, number> = { ...stored };
async function store(id: string, sequence: number): Promise<void> {
  noticed[id] = sequence;
  const sorted = Object.fromEntries(Object.entries(noticed).sort(([one], [other]) => (one < other ? -1 : 1)));
  await writeFile(join(import.meta.dirname, 'noticed-in.json'), `${JSON.stringify(sorted, undefined, 2)}\n`);
}

console.log(`seed ${seed}`);
const { mutants, run, close } = await open(positionals[0]);
const chosen = mutants.filter((mutant) => new RegExp(options.only).test(mutant.id));
const bounds = { sequences: Number(options.sequences), seed, times: options.store ? 4 : 1 };
for (const mutant of chosen) {
  const { id, noticedIn, stale } = await tryMutant(mutant, run, bounds);
  console.log(noticedIn === undefined ? `SURVIVED ${id} ${stale ?? ''}` : `noticed ${id} in sequence ${noticedIn}`);
  if (noticedIn === undefined) process.exitCode = 1;
  else if (options.store) await store(id, noticedIn);
}
await close();
await database.drop();
