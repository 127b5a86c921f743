/** A process that judges one fault after the other; `undefined` stands for the good version. */
import type { FaultName } from './faults.ts';
import { judge, type Verdict } from './judge.ts';

export interface Task {
  readonly fault: FaultName | undefined;
  readonly areas: readonly string[] | undefined;
}

export type TaskResult = Task & { readonly verdict: Verdict };

process.on('message', async (task: Task) => {
  const verdict = await judge(task.fault === undefined ? [] : [task.fault], task.areas);
  process.send!({ ...task, verdict } satisfies TaskResult);
});
process.send!('ready');
