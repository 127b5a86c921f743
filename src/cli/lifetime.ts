/** The end of the program: on a signal, or with the program that started it. */
import type { Logger } from 'pino';
import type { Config } from './options.ts';
import { watchParent } from './parent.ts';

/** A deployment that does not close in this time is left as after a crash, from which the next start recovers. */
const CLOSE_MS = 15_000;

export interface Lifetime {
  /** Called once the program is ready: from now on it ends in good order. */
  closeWith(close: () => Promise<void>): void;
}

/** The first signal stops the program in good order, a second one exits at once. Both delete the files. */
export function endOnSignal(
  removeFiles: () => void,
  log: Logger,
  { json, detached }: Pick<Config, 'json' | 'detached'>,
): Lifetime {
  let close: (() => Promise<void>) | undefined;
  let isEnding = false;
  const exit = (code: number): never => {
    removeFiles();
    process.exit(code);
  };
  const end = async (): Promise<void> => {
    // Before it is ready there is nothing to close.
    if (isEnding || close === undefined) return exit(1);
    isEnding = true;
    setTimeout(() => {
      log.error('the shutdown took too long');
      exit(1);
    }, CLOSE_MS).unref();
    await close().catch((error) => {
      log.error({ err: error }, 'shutdown failed');
      process.exitCode = 1;
    });
    removeFiles();
    process.exit();
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
  process.on('SIGHUP', detached ? () => {} : end);
  // A reader that is gone has ended; the watch below notices it.
  process.stdout.on('error', () => {});
  if (!detached) watchParent({ isSupervised: json, onGone: () => (isEnding ? undefined : void end()) });
  return {
    closeWith(closeAll) {
      close = closeAll;
    },
  };
}
