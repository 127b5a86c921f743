/** For `node --import`, in a process with a channel to its parent: a message names the mutant that is active from then on, '' none. */
import './register.ts';

process.on('message', (id: string) => {
  const stale = globalThis.staleMutants.get(id);
  if (stale !== undefined) throw new Error(stale);
  globalThis.touchstoneMutant = id;
  process.send!(id);
});
process.channel!.unref();
