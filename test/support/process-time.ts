/** Time for bounds on what a test waits for: it does not pass while the process has no processor. */

const TICK_MS = 20;

/** Counts the ticks of a timer. The returned function ends that, and returns their time in milliseconds. */
export function startProcessTime(): () => number {
  let ticks = 0;
  const timer = setInterval(() => {
    ticks += 1;
  }, TICK_MS);
  return () => {
    clearInterval(timer);
    return ticks * TICK_MS;
  };
}
