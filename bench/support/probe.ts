/** How long `/livez` takes while a server works. */
import { setTimeout as wait } from 'node:timers/promises';
import { createDriver, sendOk } from './driver.ts';

/** Time between an answer and the next probe. */
const PAUSE_MS = 50;

/** Probes until `work` has ended. Returns its result, and the latencies in milliseconds. */
export async function probeDuring<Result>(
  origin: string,
  work: () => Promise<Result>,
): Promise<{ readonly result: Result; readonly latencies: readonly number[] }> {
  const driver = createDriver(1);
  const latencies: number[] = [];
  let isOver = false;
  const probe = async (): Promise<void> => {
    while (!isOver) {
      const started = performance.now();
      await sendOk(driver.send, { method: 'GET', url: `${origin}/livez`, headers: {} });
      latencies.push(performance.now() - started);
      await wait(PAUSE_MS);
    }
  };
  const probing = probe();
  try {
    return { result: await work(), latencies };
  } finally {
    isOver = true;
    await probing;
    driver.close();
  }
}
