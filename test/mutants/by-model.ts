/** Runs the model of the money until it notices each of its mutants, in another process. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Judgement } from './by-test.ts';
import type { Mutant } from './mutant.ts';

const program = join(import.meta.dirname, '..', 'model', 'mutants.ts');
/** The stored sequences notice each within seconds. Without them, up to so many are tried. */
const SEQUENCES = 100;

/** Judges mutants of the model of the money, and prints those that it does not notice; with `discover`, prints all. */
export async function judgeByModel(
  mutants: readonly Mutant[],
  { discover }: { discover: boolean },
): Promise<Judgement> {
  if (mutants.length === 0) return { killed: 0, survived: 0, late: [] };
  const only = `^(${mutants.map(({ id }) => id.replaceAll('.', '\\.')).join('|')})$`;
  const args = ['--import', import.meta.resolve('./register.ts'), program, 'money', '--only', only];
  const child = spawn(process.execPath, [...args, '--sequences', String(SEQUENCES)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output] = await Promise.all([text(child.stdout), once(child, 'close')]);
  const isNoticed = ({ id }: Mutant): boolean => output.includes(`noticed ${id} in `);
  const survivors = mutants.filter((mutant) => !isNoticed(mutant));
  if (discover) process.stdout.write(output);
  for (const { id } of survivors) console.log(`SURVIVED ${id}: test/model/mutants.ts money`);
  return { killed: mutants.length - survivors.length, survived: survivors.length, late: [] };
}
