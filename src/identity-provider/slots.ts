/** A bound on work that runs at the same time, with a short queue in which no caller can take all places. */

export interface SlotLimits {
  /** Tasks that run at a time, and tasks that wait. */
  readonly running: number;
  readonly waiting: number;
  /** Tasks of one key that run or wait. */
  readonly perKey: number;
}

export interface Slots {
  /** The result of the task; undefined, without running it, if the queue has no place for it. */
  run<T>(key: string, task: () => Promise<T>): Promise<T | undefined>;
}

export function createSlots({ running, waiting, perKey }: SlotLimits): Slots {
  const queue: (() => void)[] = [];
  const byKey = new Map<string, number>();
  let free = running;
  return {
    async run(key, task) {
      const ofKey = byKey.get(key) ?? 0;
      if (ofKey >= perKey || (free === 0 && queue.length >= waiting)) return undefined;
      byKey.set(key, ofKey + 1);
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => queue.push(resolve));
      try {
        return await task();
      } finally {
        const left = byKey.get(key)! - 1;
        if (left === 0) byKey.delete(key);
        else byKey.set(key, left);
        const next = queue.shift();
        if (next) next();
        else free += 1;
      }
    },
  };
}
