/**
 * `node --import ./test/mutants/register.ts test/model/mutants.ts grants|money [PATTERN]`: breaks one rule after the
 * other, until the model cannot explain what it sees. Exit status: 0 if that happens with each, else 1.
 */
import { grantModelMutants } from '../mutants/grant-model.ts';
import { moneyMutants } from '../mutants/money.ts';
import { startGrantClient } from './grants/client.ts';
import { runGrantSequences } from './grants/commands.ts';
import { startMoneyClient } from './money/client.ts';
import { runMoneySequences } from './money/commands.ts';

const [model, pattern = ''] = process.argv.slice(2);
const seed = Number(process.env['TOUCHSTONE_TEST_SEED'] ?? Date.now() % 2 ** 31);
const asked = { sequences: 300, seed, asFound: true };

async function open() {
  if (model === 'grants') {
    const client = await startGrantClient({ kind: 'embedded' });
    return { mutants: grantModelMutants, run: () => runGrantSequences(client, asked), close: client.close };
  }
  const client = await startMoneyClient({ kind: 'embedded' });
  return { mutants: moneyMutants, run: () => runMoneySequences(client, asked), close: client.close };
}

console.log(`seed ${seed}`);
const { mutants, run, close } = await open();
let survived = 0;
for (const { id } of mutants.filter((mutant) => new RegExp(pattern).test(mutant.id))) {
  const stale = globalThis.staleMutants.get(id);
  globalThis.touchstoneMutant = id;
  const { failure, sequences } = await run();
  globalThis.touchstoneMutant = undefined;
  const isNoticed = failure !== undefined && stale === undefined;
  if (!isNoticed) survived += 1;
  console.log(isNoticed ? `noticed ${id} in sequence ${sequences}` : `SURVIVED ${id} ${stale ?? ''}`);
}
await close();
process.exitCode = survived > 0 ? 1 : 0;
