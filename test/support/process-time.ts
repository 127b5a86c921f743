/** Time for bounds on what a test waits for: it does not pass while the process has no processor. */
import assert from 'node:assert/strict';
import { setInterval as tick } from 'node:timers/promises';

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

/** Fails if nothing has happened after two seconds. What is under test takes far less, on the same event loop. */
export const soon = <T>(event: Promise<T>): Promise<T> =>
  Promise.race([event, passProcessTime(2_000).then(() => assert.fail('nothing has happened'))]);

/** Resolves after this time. It does not keep the process running. */
async function passProcessTime(milliseconds: number): Promise<void> {
  let left = milliseconds;
  for await (const _ of tick(TICK_MS, undefined, { ref: false })) {
    left -= TICK_MS;
    if (left <= 0) return;
  }
}
