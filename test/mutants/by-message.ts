/** For `node --import` in a child process: a message from the parent activates the mutant with this id; '' deactivates all. */
import './register.ts';

process.on('message', (id: string) => {
  const stale = globalThis.staleMutants.get(id);
  if (stale !== undefined) throw new Error(stale);
  globalThis.touchstoneMutant = id;
  process.send!(id);
});
process.channel!.unref();
