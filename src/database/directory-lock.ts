/**
 * A lock on a `--data` directory: PGlite has none, and two processes on one cluster would destroy it. The kernel holds
 * the lock for an open file and drops it when the process ends, however it ends. It therefore works between containers
 * on one machine, where process ids say nothing.
 */
import { join } from 'node:path';
import { ConfigError } from '../errors.ts';
import { openPrivateDirectory, openPrivateFile } from '../net/private-files.ts';

/** Locks `DIR/lock`, which stays after the release. Throws ConfigError if another process holds it. */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  await openPrivateDirectory(directory);
  const [{ tryLock }, file] = await Promise.all([
    import('fs-native-extensions'),
    openPrivateFile(join(directory, 'lock')),
  ]);
  try {
    if (!tryLock(file.fd)) {
      const holder = Number(await file.readFile('utf8'));
      const user = holder > 0 ? `process ${holder}, perhaps of another container` : 'another process';
      throw new ConfigError(`${directory} is in use by ${user}: stop it, or give another --data directory`);
    }
    // For the message above only.
    await file.truncate();
    await file.write(String(process.pid), 0);
    return () => file.close();
  } catch (error) {
    await file.close();
    throw error;
  }
}
