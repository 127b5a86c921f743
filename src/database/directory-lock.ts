/** A lock file for `--data`: PGlite has none of its own, and two processes on one cluster would destroy it. */
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What this process holds: in a container it may bear the pid of a killed one, whose lock is not its own. */
const held = new Set<string>();

/** Takes `DIR/lock`; throws if a live process holds it. Returns the release. */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  await mkdir(directory, { recursive: true });
  const file = join(directory, 'lock');
  const claim = `${file}.${process.pid}`;
  for (let tries = 0; ; tries += 1) {
    try {
      // Linked when complete, so that nobody reads a lock without a holder.
      await writeFile(claim, String(process.pid));
      await link(claim, file);
      held.add(file);
      return async () => {
        held.delete(file);
        await rm(file, { force: true });
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const holder = Number(await readFile(file, 'utf8').catch(() => ''));
      if (tries > 0 || held.has(file) || (holder !== process.pid && isAlive(holder))) {
        throw new Error(`${directory} is in use by process ${holder}; stop it, or give another --data directory`);
      }
      await rm(file, { force: true });
    } finally {
      await rm(claim, { force: true });
    }
  }
}

function isAlive(pid: number): boolean {
  if (!pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
