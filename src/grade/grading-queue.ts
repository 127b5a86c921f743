/** A bounded queue whose items are handled in order, one in each turn of the event loop. */

export interface GradingQueue<Item> {
  push(item: Item): void;
  /** Handles what is left, at once. */
  drain(): void;
  /** Number of items that found the queue full. */
  readonly dropped: number;
}

export function createGradingQueue<Item>(maxItems: number, handle: (item: Item) => void): GradingQueue<Item> {
  const items: Item[] = [];
  let dropped = 0;
  let isScheduled = false;

  function schedule(): void {
    if (isScheduled || items.length === 0) return;
    isScheduled = true;
    setImmediate(() => {
      isScheduled = false;
      const item = items.shift();
      if (item !== undefined) handle(item);
      schedule();
    });
  }

  return {
    push(item) {
      if (items.length >= maxItems) dropped += 1;
      else items.push(item);
      schedule();
    },
    drain() {
      for (const item of items.splice(0)) handle(item);
    },
    get dropped() {
      return dropped;
    },
  };
}
