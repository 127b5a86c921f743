/**
 * The parts of Touchstone's control API that checks need: the clock, the consent mode, and the administration of
 * ASEs.
 */
import assert from 'node:assert/strict';
import { capabilityOf, NotApplicable } from '../runner/capability.ts';
import type { CheckContext, Party } from '../runner/check.ts';
import type { Target } from '../runner/target.ts';
import { exchange } from './http-exchange.ts';
import type { Json } from './signed-client.ts';

export type ConsentMode = 'auto' | 'deny' | 'manual';

export interface Control {
  readonly available: boolean;
  /** One request of any kind, whatever comes back. */
  request(method: string, path: string, value?: unknown): Promise<{ readonly status: number; readonly body: Json }>;
  /** Moves business time forward by whole seconds. */
  advanceClock(seconds: number): Promise<void>;
  /** Sets business time, forward or back, to an instant. */
  setClock(instant: string): Promise<void>;
  /** Runs `work` under another consent mode, and puts `auto` back. */
  withConsent<T>(mode: ConsentMode, work: () => Promise<T>): Promise<T>;
}

/** @param moved called with the seconds by which the clock was moved */
export function createControl(target: Target, moved: (seconds: number) => void): Control {
  const request: Control['request'] = async (method, path, value) => {
    const { control } = target;
    if (!control) throw new NotApplicable(capabilityOf(path));
    const body = value === undefined ? undefined : Buffer.from(JSON.stringify(value));
    const headers = [
      ['authorization', `Bearer ${control.token}`],
      ...(body ? [['content-type', 'application/json'] as const] : []),
    ] as const;
    const { status, text } = await exchange({ method, url: control.url + path, headers, body });
    return { status, body: text === '' ? undefined : JSON.parse(text) };
  };
  const post = async (path: string, value: unknown): Promise<void> => {
    const { status } = await request('POST', path, value);
    if (status < 200 || status > 299) throw new Error(`POST ${path} of the control API answered ${status}`);
  };
  return {
    available: target.control !== undefined,
    request,
    advanceClock: async (seconds) => {
      await post('/clock', { advance: seconds });
      moved(seconds);
    },
    setClock: async (instant) => {
      await post('/clock', { set: instant });
      moved(Infinity);
    },
    withConsent: async (mode, work) => {
      await post('/consent', { mode });
      try {
        return await work();
      } finally {
        await post('/consent', { mode: 'auto' });
      }
    },
  };
}

/** Balance of a wallet address according to the control API. */
export async function balanceOf({ control }: CheckContext, url: string): Promise<bigint> {
  const { ases } = (await control.request('GET', '/')).body;
  const wallets: Json[] = ases.flatMap(({ walletAddresses }: Json) => walletAddresses);
  return BigInt(wallets.find((wallet) => wallet.url === url)!.balance);
}

/** Path of a party's ASE in the control API. */
export async function aseOf({ control }: CheckContext, party: Party): Promise<string> {
  const { ases } = (await control.request('GET', '/')).body;
  return `/ases/${ases.find(({ resourceServer }: Json) => resourceServer === party.resourceServer).name}`;
}

/** Adds a fault. @returns it with its id */
export async function addFault({ control }: CheckContext, fault: Json): Promise<Json> {
  const { status, body } = await control.request('POST', '/faults', fault);
  assert.equal(status, 201, JSON.stringify(body));
  return body;
}
