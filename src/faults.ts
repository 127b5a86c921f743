/** Faults that a tester can inject into operations and ILP packets (CT-06). */
import { Problem } from './errors.ts';

/**
 * Before the request is processed:
 * - `status`: an error reply, with `Retry-After` for 429 and 503
 * - `crash`: an internal error
 * - `delay`: the normal reply, but later
 * - `reset`: the connection is closed
 * - `abort`: the connection is reset (TCP RST)
 * - `garbage`: a body that is not JSON
 * - `empty`: a success without content
 *
 * After the request is processed:
 * - `after-commit`: the connection is closed, or with `status` the reply is an error
 * - `cut`: the connection is reset after half of the content
 * - `slow`: the content comes in pieces
 */
export type FaultKind =
  | 'status'
  | 'crash'
  | 'delay'
  | 'reset'
  | 'abort'
  | 'garbage'
  | 'empty'
  | 'after-commit'
  | 'cut'
  | 'slow';

export interface Fault {
  /** An operationId, or `packetOperation`. */
  readonly operation: string;
  /** Name of the ASE; any without it. */
  readonly ase?: string;
  /** Only calls that name this wallet address: in their URL, query or content. */
  readonly walletAddress?: string;
  /** Only calls with `Prefer: fault=LABEL` (RFC 7240). */
  readonly prefer?: string;
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

/** A named trap for clients, which is not bound to an operation. */
export interface TrapFault {
  readonly kind: 'trap';
  readonly trap: string;
}

export interface ArmedTrap {
  /** Number of answers in which a client met it. */
  struck(): number;
  disarm(): void;
}

/** A call as a fault can select it. A packet has none of this. */
export interface FaultedCall {
  walletAddresses(): readonly string[];
  /** Labels of `Prefer: fault=LABEL`. */
  preferences(): readonly string[];
}

/** Counts a call and returns the fault that affects it. */
export type FaultSelector = (operation: string, call?: FaultedCall) => Fault | undefined;

export type AddedFault = (Fault | TrapFault) & { readonly struck: number };

export interface Faults {
  /** Throws `invalid_request` for an unknown operation or trap, `conflict` if there are too many faults. */
  add(fault: Fault | TrapFault): AddedFault;
  /** Adds this fault and removes all others in one step. Throws `invalid_request` for an unknown operation or trap. */
  replace(fault: Fault | TrapFault): AddedFault;
  /** Each with the number of calls that it has affected. */
  list(): AddedFault[];
  clear(): void;
  faultsOf(ase: string): FaultSelector;
  /** True if a fault is set for this operation of the ASE, whether it has struck or not. */
  concern(ase: string, operation: string): boolean;
}

const MAX_FAULTS = 100;

function concerns({ walletAddress, prefer }: Fault, call: FaultedCall | undefined): boolean {
  if (prefer !== undefined && !call?.preferences().includes(prefer)) return false;
  return walletAddress === undefined || (call?.walletAddresses().includes(walletAddress) ?? false);
}

/**
 * `isOperation` knows the operations that faults can be added to; `armTrap` sets a trap, or returns undefined for an
 * unknown one.
 */
export function createFaults(
  isOperation: (operationId: string) => boolean,
  armTrap: (name: string) => ArmedTrap | undefined = () => undefined,
): Faults {
  type Counted = { readonly fault: Fault; calls: number };
  type Entry = Counted | { readonly fault: TrapFault; readonly armed: ArmedTrap };
  let added: Entry[] = [];
  const isCounted = (entry: Entry): entry is Counted => 'calls' in entry;
  const describe = (entry: Entry): AddedFault => {
    if (!isCounted(entry)) return { ...entry.fault, struck: entry.armed.struck() };
    const { fault, calls } = entry;
    return { ...fault, struck: Math.min(Math.max(calls - fault.nth + 1, 0), fault.times) };
  };
  const disarm = (entries: readonly Entry[]) => {
    for (const entry of entries) if (!isCounted(entry)) entry.armed.disarm();
  };
  const enter = (fault: Fault | TrapFault): Entry => {
    if (fault.kind === 'trap') {
      const armed = armTrap(fault.trap);
      if (!armed)
        throw new Problem('invalid_request', { description: 'unknown trap, or one that needs another world' });
      return { fault, armed };
    }
    const isKnown = fault.operation === packetOperation || isOperation(fault.operation);
    if (!isKnown) throw new Problem('invalid_request', { description: 'unknown operation' });
    return { fault, calls: 0 };
  };
  const isFor = (fault: Fault, ase: string, operation: string): boolean =>
    fault.operation === operation && (fault.ase === undefined || fault.ase === ase);
  return {
    add(fault) {
      if (added.length >= MAX_FAULTS)
        throw new Problem('conflict', { description: `there are ${MAX_FAULTS} faults already` });
      const entry = enter(fault);
      added = [...added, entry];
      return describe(entry);
    },
    replace(fault) {
      const others = added;
      const entry = enter(fault);
      added = [entry];
      disarm(others);
      return describe(entry);
    },
    list: () => added.map(describe),
    clear() {
      disarm(added);
      added = [];
    },
    faultsOf: (ase) => (operation, call) => {
      let struck: Fault | undefined;
      for (const entry of added) {
        if (!isCounted(entry)) continue;
        const { fault } = entry;
        if (!isFor(fault, ase, operation) || !concerns(fault, call)) continue;
        entry.calls += 1;
        if (entry.calls >= fault.nth && entry.calls < fault.nth + fault.times) struck ??= fault;
      }
      return struck;
    },
    concern: (ase, operation) => added.some((entry) => isCounted(entry) && isFor(entry.fault, ase, operation)),
  };
}
