/**
 * The lookup hook for unknown wallet addresses (WA-40, OPI-053). It receives the address, so that the operator can
 * create it over the control API while the lookup waits for a short time.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Outbound } from '../net/outbound.ts';
import { parseNewWalletAddress } from './new-wallet-address.ts';

export interface LookupHookOptions {
  readonly url: string;
  readonly outbound: Pick<Outbound, 'request'>;
  /** Origin of the wallet addresses. */
  readonly origin: string;
  readonly log: Pick<Logger, 'warn'>;
  /** True if a wallet address with this path exists now. */
  readonly exists: (path: string) => Promise<boolean>;
  /** Maximum time that a lookup waits, and the interval at which it polls. */
  readonly waitMs?: number;
  readonly pollMs?: number;
}

/** Announces an unknown path. Resolves when the address exists, or when waiting is over. */
export type AwaitCreation = (path: string) => Promise<void>;

/** Maximum lookups that wait at a time, since anyone can request unknown addresses. */
const MAX_WAITING = 100;

export function createLookupHook(options: LookupHookOptions): AwaitCreation {
  const { url, outbound, origin, log, exists, waitMs = 2000, pollMs = 50 } = options;
  const waiting = new Map<string, Promise<void>>();

  async function announce(path: string): Promise<boolean> {
    const event = { type: 'wallet_address.not_found', data: { walletAddressUrl: origin + path } };
    try {
      const { status } = await outbound.request({
        url,
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: Buffer.from(JSON.stringify(event)),
      });
      return status >= 200 && status <= 299;
    } catch (error) {
      log.warn({ err: error }, 'the lookup hook did not answer');
      return false;
    }
  }

  async function wait(path: string): Promise<void> {
    const stop = new AbortController();
    const over = delay(waitMs, false, { signal: stop.signal }).catch(() => false);
    const isAwaited = await Promise.race([announce(path), over]);
    let isOver = !isAwaited;
    over.then(() => {
      isOver = true;
    });
    while (!isOver && !(await exists(path))) await Promise.race([delay(pollMs), over]);
    stop.abort();
  }

  return (path) => {
    const present = waiting.get(path);
    if (present) return present;
    if (waiting.size >= MAX_WAITING || !canBeCreated(path, origin)) return Promise.resolve();
    const lookup = wait(path).finally(() => waiting.delete(path));
    waiting.set(path, lookup);
    return lookup;
  };
}

function canBeCreated(path: string, origin: string): boolean {
  try {
    return parseNewWalletAddress(origin + path, { origin, local: true }).path === path;
  } catch {
    return false;
  }
}
