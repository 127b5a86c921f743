/**
 * Faults on purpose, for clients to be tested against (CT-06): an answer that is an error, comes late, is no JSON, never
 * comes, or is lost after the work was done. A fault strikes the calls of one operation, counted from when it was added.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Reply } from './pipeline.ts';
import { policies } from './policy.ts';
import { Problem } from './problem.ts';

/**
 * `status` an error answer · `delay` the usual one, later · `reset` the connection ends · `garbage` no JSON · all before
 * the request is judged; `after-commit` all is done, but the connection ends, or with `status` the answer is an error.
 */
export type FaultKind = 'status' | 'delay' | 'reset' | 'garbage' | 'after-commit';

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
  readonly delayMs?: number;
}

/** An ILP packet that an ASE sends to a peer. */
export const packetOperation = 'send-packet';

/** Counts a call and says what strikes it. */
export type Strike = (operation: string) => Fault | undefined;

export interface Faults {
  /** Throws `invalid_request` for an operation that there is not, `conflict` when there are too many. */
  add(fault: Fault): Fault & { readonly struck: number };
  /** With the calls that each has struck. */
  list(): (Fault & { readonly struck: number })[];
  clear(): void;
  strikeAt(ase: string): Strike;
}

const MOST = 100;

export function createFaults(): Faults {
  let added: { readonly fault: Fault; calls: number }[] = [];
  const describe = ({ fault, calls }: (typeof added)[number]) => {
    const struck = Math.min(Math.max(calls - fault.nth + 1, 0), fault.times);
    return { ...fault, struck };
  };
  return {
    add(fault) {
      const isKnown = fault.operation === packetOperation || isPublicOperation(fault.operation);
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
    strikeAt: (ase) => (operation) => {
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

const isPublicOperation = (operation: string): boolean =>
  Object.hasOwn(policies, operation) && policies[operation]!.caller !== 'operator';

/** What takes the place of the answer: a reply, or a connection that ends. Undefined leaves it as it is. */
export async function disturb(
  fault: Fault | undefined,
  stage: 'before' | 'after',
): Promise<Reply | 'no answer' | undefined> {
  if (!fault || (fault.kind === 'after-commit') !== (stage === 'after')) return undefined;
  const error = { code: fault.code ?? 'internal_error', description: 'a fault on purpose' };
  switch (fault.kind) {
    case 'status':
      return { status: fault.status ?? 500, body: { error } };
    case 'delay':
      await wait(fault.delayMs ?? 1000);
      return undefined;
    case 'garbage':
      return { status: fault.status ?? 200, body: '{"id": "' };
    case 'reset':
      return 'no answer';
    case 'after-commit':
      return fault.status === undefined ? 'no answer' : { status: fault.status, body: { error } };
  }
}
