/** A PostgreSQL server for the time of a run of tests, with a migrated database that tests copy. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openDatabase } from '../../src/database/database.ts';
import { findFreePort } from './free-port.ts';

const postgresql = join(import.meta.dirname, '..', '..', '.ci', 'postgresql');
const template = 'touchstone_template';

const inMemory = '/dev/shm';
/** Much more than the databases that exist at the same time. */
const MIN_MEMORY = 4 * 1024 ** 3;

/** A file system in memory, if there is one with space: there, making and dropping a database takes half of the CPU time. */
async function chooseFolder(): Promise<string> {
  const space = await statfs(inMemory).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => 0,
  );
  return Math.min(space, process.availableMemory()) > MIN_MEMORY ? inMemory : tmpdir();
}

/**
 * Starts it unless `TOUCHSTONE_TEST_POSTGRES` names a server, or PostgreSQL is not installed, and names it and the
 * database in the environment of this process and its children. Disposing of the result stops it.
 */
export async function startPostgreSql(): Promise<AsyncDisposable> {
  const nothing = { [Symbol.asyncDispose]: async () => {} };
  if (process.env['TOUCHSTONE_TEST_POSTGRES'] !== undefined) return nothing;
  const directory = await mkdtemp(join(await chooseFolder(), 'touchstone-tests-'));
  const port = await findFreePort();
  const remove = () => rm(directory, { recursive: true, force: true });
  try {
    await promisify(execFile)(postgresql, ['start', directory, String(port)]);
  } catch (error) {
    await remove();
    console.error(`PostgreSQL was not started: ${(error as { stderr?: string }).stderr?.trim() || error}`);
    return nothing;
  }
  const url = `postgres://postgres@127.0.0.1:${port}`;
  process.env['TOUCHSTONE_TEST_POSTGRES'] = url;
  await (await openDatabase({ kind: 'postgresql', url: `${url}/${template}` })).close();
  process.env['TOUCHSTONE_TEST_TEMPLATE'] = template;
  return {
    async [Symbol.asyncDispose]() {
      await promisify(execFile)(postgresql, ['stop', directory]);
      await remove();
    },
  };
}
