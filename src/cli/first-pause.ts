/** Work that can wait until no client does. */
import { finishedRequests } from '../http/request-log.ts';

const PAUSE_MS = 3_000;

/** Calls back once, when no request has ended for at least three seconds. It does not keep the program running. */
export function atFirstPause(work: () => void): void {
  let isBusy = false;
  const count = (): void => {
    isBusy = true;
  };
  const look = (): void => {
    if (!isBusy) {
      clearInterval(timer);
      finishedRequests.unsubscribe(count);
      work();
    }
    isBusy = false;
  };
  const timer = setInterval(look, PAUSE_MS);
  timer.unref();
  finishedRequests.subscribe(count);
}
