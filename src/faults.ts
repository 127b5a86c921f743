import { Problem } from './errors.ts';

/**
 * `status` an error answer, with `Retry-After` where it is 429 or 503 · `crash` the server fails, and answers as it does
 * then · `delay` the usual one, later · `reset` the connection ends · `garbage` no JSON · all before
 * the request is judged; `after-commit` all is done, but the connection ends, or with `status` the answer is an error.
 */
export type FaultKind = 'status' | 'crash' | 'delay' | 'reset' | 'garbage' | 'after-commit';

export interface Fault {
  /** An operationId, or `packetOperation`. */
  readonly operation: string;
  /** Name of the ASE; any without it. */
  readonly ase?: string;
  /** The first call that it strikes, from 1, and how many. */
  readonly nth: number;
  readonly times: number;
  readonly kind: FaultKind;
  readonly status?: number;
  /** Of the error; for a packet of the ILP Reject. */
  readonly code?: string;
  /** `error` as documented · `no-code` without its code · `text` no JSON; Rafiki answers in all three (AS-163). */
  readonly form?: 'error' | 'no-code' | 'text';
  readonly delayMs?: number;
}

/** An ILP packet that an ASE sends to a peer. */
export const packetOperation = 'send-packet';

/** Counts a call and says what strikes it. */
export type FaultSelector = (operation: string) => Fault | undefined;

export interface Faults {
  /** Throws `invalid_request` for an operation that there is not, `conflict` when there are too many. */
  add(fault: Fault): Fault & { readonly struck: number };
  /** With the calls that each has struck. */
  list(): (Fault & { readonly struck: number })[];
  clear(): void;
  faultsOf(ase: string): FaultSelector;
}

const MOST = 100;

/** `isOperation` knows the operations that faults can be added to. */
export function createFaults(isOperation: (operationId: string) => boolean): Faults {
  let added: { readonly fault: Fault; calls: number }[] = [];
  const describe = ({ fault, calls }: (typeof added)[number]) => {
    const struck = Math.min(Math.max(calls - fault.nth + 1, 0), fault.times);
    return { ...fault, struck };
  };
  return {
    add(fault) {
      const isKnown = fault.operation === packetOperation || isOperation(fault.operation);
      if (!isKnown) throw new Problem('invalid_request', { description: 'there is no such operation' });
      if (added.length >= MOST) throw new Problem('conflict', { description: `there are ${MOST} faults already` });
      const entry = { fault, calls: 0 };
      added.push(entry);
      return describe(entry);
    },
    list: () => added.map(describe),
    clear: () => {
      added = [];
    },
    faultsOf: (ase) => (operation) => {
      let struck: Fault | undefined;
      for (const entry of added) {
        const { fault } = entry;
        if (fault.operation !== operation || (fault.ase !== undefined && fault.ase !== ase)) continue;
        entry.calls += 1;
        if (entry.calls >= fault.nth && entry.calls < fault.nth + fault.times) struck ??= fault;
      }
      return struck;
    },
  };
}
