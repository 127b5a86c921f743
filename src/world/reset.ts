/** The reset of a running world. Its listeners answer 503 meanwhile, and its ASEs start again even if it fails (OPI-079). */
import { setTimeout as sleep } from 'node:timers/promises';
import { startAses, stopAses, type WorldRuntime } from './runtime.ts';

const MAX_CLEARS = 5;
const RESTART_DELAY_MS = 1000;

/** SQLSTATEs of a conflict with a concurrent transaction: serialization failure, deadlock, row with new references. */
const conflicts = new Set(['40001', '40P01', '23503']);

const isConflict = (error: unknown): boolean => conflicts.has((error as { code?: string }).code ?? '');

/** Throws if the rows could not be deleted or the ASEs not started; the start is then repeated until it succeeds. */
export async function resetWorld(runtime: WorldRuntime, keys: readonly string[]): Promise<void> {
  const { listeners, faults, trace, grading } = runtime;
  await listeners.suspend();
  try {
    await stopAses(runtime);
    faults?.clear();
    grading?.clear();
    trace.clear();
    await clearRows(runtime, keys);
  } finally {
    await restart(runtime);
  }
}

/** Other processes of the ASEs do not stop for the reset, so their transactions can conflict with it. */
async function clearRows({ db, host }: WorldRuntime, keys: readonly string[]): Promise<void> {
  for (let clears = 1; ; clears++) {
    try {
      return await db.clear(keys, host.worldId);
    } catch (error) {
      if (clears === MAX_CLEARS || !isConflict(error)) throw error;
    }
  }
}

async function restart(runtime: WorldRuntime): Promise<void> {
  const { listeners, host } = runtime;
  try {
    await startAses(runtime);
    listeners.resume();
  } catch (error) {
    host.log.error({ err: error }, 'the ASEs could not be started after a reset; trying again');
    void sleep(RESTART_DELAY_MS, undefined, { ref: false }).then(() => {
      if (!runtime.isClosed) return restart(runtime).catch(() => {});
    });
    throw error;
  }
}
