/**
 * The hook for wallet addresses that are not there yet (WA-40, OPI-053): it is told which one is looked for, so that it
 * can be created at once over the control API, and the lookup waits for it for a short time.
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
  /** Whether a wallet address of this path can be read now. */
  readonly isThere: (path: string) => Promise<boolean>;
  /** How long a lookup waits at most, and how often it looks. */
  readonly waitMs?: number;
  readonly pollMs?: number;
}

/** Announces a path that was not found; resolves when the address is there, or will not be. */
export type AwaitCreation = (path: string) => Promise<void>;

/** Most lookups that wait at a time; anybody can ask for addresses that nobody has. */
const MAX_WAITING = 100;

export function createLookupHook(options: LookupHookOptions): AwaitCreation {
  const { url, outbound, origin, log, isThere, waitMs = 2000, pollMs = 50 } = options;
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
      log.warn({ err: error }, 'the lookup hook does not answer');
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
    while (!isOver && !(await isThere(path))) await Promise.race([delay(pollMs), over]);
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
