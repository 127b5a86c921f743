/**
 * Bounds the memory of V8, which by itself trades it for time without need: its space of new objects grows to 128 MB
 * under load and stays there, and the old ones may become four times as many before they are collected. Half of that
 * memory was half of the process; the CPU time of a request is the same within the precision of `make bench`.
 *
 * V8 takes the size of its space of new objects only from the command line (`--max-semi-space-size`), which belongs to
 * the user, and has no such option for old objects. So this sets flags that V8 reads at each collection, follows the
 * collections, and forbids the growth, which is by doubling, from the bound on. A collection may also shrink the space;
 * then it may grow again.
 */
import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** Both halves of the space of new objects. */
const MAX_NEW_BYTES = 16 * 1024 * 1024;

const sizeOfNewSpace = (): number =>
  getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0;

function allowGrowth(isAllowed: boolean): void {
  setFlagsFromString(`--semi-space-growth-factor=${isAllowed ? 2 : 1}`);
}

/** To be called before the program is loaded, which takes many collections in one turn of the event loop. */
export function boundHeap(): { readonly whenLoaded: () => void } {
  // Old objects are collected when there are half as many again as after the last time.
  setFlagsFromString('--heap-growing-percent=50');
  // The bundle takes few collections to load, a fifth less CPU time with this; the sources would keep 32 MB.
  allowGrowth(import.meta.filename.endsWith('.js'));
  return {
    whenLoaded() {
      const follow = (): void => allowGrowth(sizeOfNewSpace() < MAX_NEW_BYTES);
      follow();
      new PerformanceObserver(follow).observe({ entryTypes: ['gc'] });
    },
  };
}
