/** Faults that a tester can inject into operations and ILP packets (CT-06). */
import { Problem } from './errors.ts';

/**
 * Before the request is processed:
 * - `status`: an error reply, with `Retry-After` for 429 and 503
 * - `crash`: an internal error
 * - `delay`: the normal reply, but later
 * - `reset`: the connection is closed
 * - `garbage`: a body that is not JSON
 *
 * After the request is processed:
 * - `after-commit`: the connection is closed, or with `status` the reply is an error
 */
export type FaultKind = 'status' | 'crash' | 'delay' | 'reset' | 'garbage' | 'after-commit';

export interface Fault {
  /** An operationId, or `packetOperation`. */
  readonly operation: string;
  /** Name of the ASE; any without it. */
  readonly ase?: string;
  /** Number of the first affected call, from 1, and how many calls are affected. */
  readonly nth: number;
  readonly times: number;
  readonly kind: FaultKind;
  readonly status?: number;
  /** Code of the error, or of the ILP Reject for a packet. */
  readonly code?: string;
  /** `error` as documented · `no-code` without the code · `text` plain text; Rafiki uses all three (AS-163). */
  readonly form?: 'error' | 'no-code' | 'text';
  readonly delayMs?: number;
}

/** An ILP packet that an ASE sends to a peer. */
export const packetOperation = 'send-packet';

/** Counts a call and returns the fault that affects it. */
export type FaultSelector = (operation: string) => Fault | undefined;

export interface Faults {
  /** Throws `invalid_request` for an unknown operation, `conflict` if there are too many faults. */
  add(fault: Fault): Fault & { readonly struck: number };
  /** Adds this fault and removes all others in one step. Throws `invalid_request` for an unknown operation. */
  replace(fault: Fault): Fault & { readonly struck: number };
  /** Each with the number of calls that it has affected. */
  list(): (Fault & { readonly struck: number })[];
  clear(): void;
  faultsOf(ase: string): FaultSelector;
  /** True if a fault is set for this operation of the ASE, whether it has struck or not. */
  concern(ase: string, operation: string): boolean;
}

const MAX_FAULTS = 100;

/** `isOperation` knows the operations that faults can be added to. */
export function createFaults(isOperation: (operationId: string) => boolean): Faults {
  let added: { readonly fault: Fault; calls: number }[] = [];
  const describe = ({ fault, calls }: (typeof added)[number]) => {
    const struck = Math.min(Math.max(calls - fault.nth + 1, 0), fault.times);
    return { ...fault, struck };
  };
  const append = (others: typeof added, fault: Fault) => {
    const isKnown = fault.operation === packetOperation || isOperation(fault.operation);
    if (!isKnown) throw new Problem('invalid_request', { description: 'unknown operation' });
    if (others.length >= MAX_FAULTS)
      throw new Problem('conflict', { description: `there are ${MAX_FAULTS} faults already` });
    const entry = { fault, calls: 0 };
    added = [...others, entry];
    return describe(entry);
  };
  const isFor = (fault: Fault, ase: string, operation: string): boolean =>
    fault.operation === operation && (fault.ase === undefined || fault.ase === ase);
  return {
    add: (fault) => append(added, fault),
    replace: (fault) => append([], fault),
    list: () => added.map(describe),
    clear: () => {
      added = [];
    },
    faultsOf: (ase) => (operation) => {
      let struck: Fault | undefined;
      for (const entry of added) {
        const { fault } = entry;
        if (!isFor(fault, ase, operation)) continue;
        entry.calls += 1;
        if (entry.calls >= fault.nth && entry.calls < fault.nth + fault.times) struck ??= fault;
      }
      return struck;
    },
    concern: (ase, operation) => added.some(({ fault }) => isFor(fault, ase, operation)),
  };
}
