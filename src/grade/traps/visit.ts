/** Calls the callback of a client, as a browser would. */
import { get } from 'node:http';
import { isLoopback } from '../../net/loopback.ts';

const TIMEOUT_MS = 5000;

/** Resolves with true once there is an answer, whatever it is. Only http URLs on loopback are called. */
export function visit(text: string): Promise<boolean> {
  const url = URL.parse(text);
  if (url?.protocol !== 'http:' || !isLoopback(url.hostname)) return Promise.resolve(false);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const request = get(url, { agent: false, timeout: TIMEOUT_MS }, (response) => {
    response.resume();
    resolve(true);
  });
  request.once('timeout', () => request.destroy());
  request.once('error', () => resolve(false));
  request.once('close', () => resolve(false));
  return promise;
}
