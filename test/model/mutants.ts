/**
 * `node --import ./test/mutants/register.ts test/model/mutants.ts grants|money [--only PATTERN] [--sequences N]
 * [--seed N|random]`: breaks one rule after the other and runs the model until it cannot explain what it sees. Exit
 * status: 0 if it notices each of them, else 1.
 */
import { parseArgs } from 'node:util';
import { grantModelMutants } from '../mutants/grant-model.ts';
import { moneyMutants } from '../mutants/money.ts';
import { createFastestDatabase } from '../support/postgresql.ts';
import { seed as fixedSeed, randomSeed } from '../support/seed.ts';
import { startGrantClient } from './grants/client.ts';
import { runGrantSequences } from './grants/commands.ts';
import { startMoneyClient } from './money/client.ts';
import { runMoneySequences } from './money/commands.ts';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string', default: '' },
    sequences: { type: 'string', default: '300' },
    seed: { type: 'string', default: String(fixedSeed) },
  },
});
const seed = options.seed === 'random' ? randomSeed() : Number(options.seed);
const bounds = { sequences: Number(options.sequences), seed, asFound: true };
const database = await createFastestDatabase();

async function open(model: string | undefined) {
  if (model === 'grants') {
    const client = await startGrantClient(database.options);
    return { mutants: grantModelMutants, run: () => runGrantSequences(client, bounds), close: client.close };
  }
  if (model === 'money') {
    const client = await startMoneyClient(database.options);
    return { mutants: moneyMutants, run: () => runMoneySequences(client, bounds), close: client.close };
  }
  throw new Error(`expected grants or money, not ${model}`);
}

console.log(`seed ${seed}`);
const { mutants, run, close } = await open(positionals[0]);
let survived = 0;
for (const { id } of mutants.filter((mutant) => new RegExp(options.only).test(mutant.id))) {
  const stale = globalThis.staleMutants.get(id);
  globalThis.touchstoneMutant = id;
  const { failure, sequences } = await run();
  globalThis.touchstoneMutant = undefined;
  const isNoticed = failure !== undefined && stale === undefined;
  if (!isNoticed) survived += 1;
  console.log(isNoticed ? `noticed ${id} in sequence ${sequences}` : `SURVIVED ${id} ${stale ?? ''}`);
}
await close();
await database.drop();
process.exitCode = survived > 0 ? 1 : 0;
