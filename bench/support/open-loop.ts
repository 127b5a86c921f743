/** Open loop: requests are sent at their time, however many are still unanswered, as independent clients do. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Call, Reply, Send } from './driver.ts';

export interface OpenLoopResult {
  /** Answers by kind: `2xx`, `503 with Retry-After`, another status, or the error of a connection. */
  readonly counts: ReadonlyMap<string, number>;
  /** Milliseconds from the time that a request was due to its answer, of those that succeeded. */
  readonly latencies: readonly number[];
}

function kindOf({ status, headers }: Reply): string {
  if (status < 300) return '2xx';
  return status === 503 && headers['retry-after'] !== undefined ? '503 with Retry-After' : String(status);
}

/** Sends the calls at this rate per second. */
export async function runOpenLoop(send: Send, rate: number, calls: readonly Call[]): Promise<OpenLoopResult> {
  const counts = new Map<string, number>();
  const latencies: number[] = [];
  const started = performance.now();
  const run = async (call: Call, due: number): Promise<void> => {
    const kind = await send(call).then(kindOf, (error: NodeJS.ErrnoException) => error.code ?? error.message);
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    if (kind === '2xx') latencies.push(performance.now() - due);
  };
  const running: Promise<void>[] = [];
  while (running.length < calls.length) {
    const due = started + (running.length / rate) * 1000;
    if (due > performance.now()) await wait(1);
    else running.push(run(calls[running.length]!, due));
  }
  await Promise.all(running);
  return { counts, latencies };
}
