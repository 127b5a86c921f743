/**
 * `node --import ./test/mutants/register.ts test/model/money-mutants.ts [--only PATTERN]`: breaks one rule of the money
 * after the other, until the model cannot explain what it sees. Exit status: 0 if that happens with each, else 1.
 */
import { parseArgs } from 'node:util';
import { moneyMutants } from '../mutants/money.ts';
import { runMoneySequences } from './money.commands.ts';
import { startMoneyClient } from './money-client.ts';

const { values: options } = parseArgs({ options: { only: { type: 'string', default: '' } } });
const only = new RegExp(options.only);
const SEQUENCES = 300;
const seed = Number(process.env['TOUCHSTONE_TEST_SEED'] ?? Date.now() % 2 ** 31);

console.log(`seed ${seed}`);
const client = await startMoneyClient({ kind: 'embedded' });
let survived = 0;
for (const { id } of moneyMutants.filter((mutant) => only.test(mutant.id))) {
  const stale = globalThis.staleMutants.get(id);
  globalThis.touchstoneMutant = id;
  const { failure, sequences } = await runMoneySequences(client, { sequences: SEQUENCES, seed, asFound: true });
  globalThis.touchstoneMutant = undefined;
  const isNoticed = failure !== undefined && stale === undefined;
  if (!isNoticed) survived += 1;
  console.log(isNoticed ? `noticed ${id} in sequence ${sequences}` : `SURVIVED ${id} ${stale ?? ''}`);
}
await client.close();
process.exitCode = survived > 0 ? 1 : 0;
