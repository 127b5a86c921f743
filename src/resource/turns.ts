/**
 * Turns of what would wait for the same lock in the database. Waiting here costs nothing; there, each waiter holds a
 * connection that other requests need. Processes still wait for each other in the database.
 */

/** Returns a function that runs `work` once all earlier work with the same key has ended, however it ended. */
export function createTurns() {
  const last = new Map<string, Promise<unknown>>();
  return <Result>(key: string, work: () => Promise<Result>): Promise<Result> => {
    const before = last.get(key);
    const turn = before ? before.then(work, work) : work();
    const leave = () => {
      if (last.get(key) === turn) last.delete(key);
    };
    last.set(key, turn);
    turn.then(leave, leave);
    return turn;
  };
}
