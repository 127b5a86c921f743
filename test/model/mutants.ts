/**
 * `node --import ./test/mutants/register.ts test/model/mutants.ts`: breaks one rule of the state machine of grants after
 * the other, until the model cannot explain what it sees. Exit status: 0 if that happens with each, else 1.
 */
import { grantModelMutants } from '../mutants/grant-model.ts';
import { runGrantSequences } from './grant.commands.ts';
import { startGrantClient } from './grant-client.ts';

const SEQUENCES = 300;
const seed = Number(process.env['TOUCHSTONE_TEST_SEED'] ?? Date.now() % 2 ** 31);

console.log(`seed ${seed}`);
const client = await startGrantClient({ kind: 'embedded' });
let survived = 0;
for (const { id } of grantModelMutants) {
  const stale = globalThis.staleMutants.get(id);
  globalThis.touchstoneMutant = id;
  const { failure, sequences } = await runGrantSequences(client, { sequences: SEQUENCES, seed, asFound: true });
  globalThis.touchstoneMutant = undefined;
  const isNoticed = failure !== undefined && stale === undefined;
  if (!isNoticed) survived += 1;
  console.log(isNoticed ? `noticed ${id} in sequence ${sequences}` : `SURVIVED ${id} ${stale ?? ''}`);
}
await client.close();
process.exitCode = survived > 0 ? 1 : 0;
