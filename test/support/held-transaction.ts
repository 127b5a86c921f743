/**
 * A process of a race, for `openRacers`. It prepares an action when a message names one, acts at the next message, and
 * commits its first transaction at the third. Any mutant is active only while the action that names it runs.
 */
import { on } from 'node:events';
import { type Database, openDatabase } from '../../src/database/database.ts';
import { Problem } from '../../src/errors.ts';

export interface RacerMessage {
  readonly args: readonly string[];
  readonly mutant?: string | undefined;
}

/** Ends an action whose first transaction is committed, so that nothing which follows decides the race. */
class Committed extends Error {}

/**
 * Serves races until the parent disconnects. `prepare` returns what is done at the second message; of `held` the first
 * transaction waits before it commits, and the next one ends the action.
 */
export async function serveRaces(
  prepare: (db: Database, args: readonly string[]) => Promise<(held: Database['transaction']) => Promise<unknown>>,
  codeOf: (error: unknown) => string = (error) => (error instanceof Problem ? error.code : String(error)),
): Promise<void> {
  const send = (message: string): void => {
    process.send!(message);
  };
  const db = await openDatabase({ kind: 'postgresql', url: process.argv[2]!, poolSize: 1 });
  const messages = on(process, 'message', { close: ['disconnect'] });
  const next = async (): Promise<RacerMessage | undefined> => (await messages.next()).value?.[0];
  send('started');
  for (let message = await next(); message; message = await next()) {
    globalThis.touchstoneMutant = message.mutant;
    let isHeld = false;
    try {
      const act = await prepare(db, message.args);
      send('ready');
      await next();
      await act((work) =>
        db.transaction(async (tx) => {
          if (isHeld) throw new Committed();
          const result = await work(tx);
          isHeld = true;
          send('done');
          await next();
          return result;
        }),
      );
    } catch (error) {
      if (!(error instanceof Committed)) send(codeOf(error));
    }
    send('over');
  }
  await db.close();
}
