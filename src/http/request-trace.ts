/**
 * The latest requests of a world, which explain why a request was rejected (CT-05): request line, status, signature
 * base of a rejected signature (RFC 9421 §2.5), requirement. Bounded, in memory, without secrets.
 */

import { Problem } from '../errors.ts';
import type { Fault } from '../faults.ts';
import type { ReceivedRequest } from './received-request.ts';
import {
  createRecorder,
  type RecordableCall,
  type RecordedExchange,
  type RecordLimits,
  recordExchange,
} from './recorded-exchange.ts';
import { redactSignatureBase, redactTarget } from './redact.ts';
import type { ClientKey, FetchedKeySet } from './signatures/client-keys.ts';
import type { Reason } from './signatures/verdict.ts';

/** Filled in while a call is served. */
export interface RequestNotes {
  /** Deviations from the specification that were accepted. */
  lenient?: readonly string[];
  /** The base that was verified; it contains secrets. */
  signatureBase?: string;
  /** The thrown value, if any. */
  error?: unknown;
  /** Wall time in milliseconds at which the fields of its header had arrived. */
  readonly receivedAt: number;
  exchange: ReceivedRequest;
  /** Its content was not read, or not completely; that of `exchange` is empty then. */
  isBodyUnread: boolean;
  /** The key that must have signed, once it was found. */
  clientKey?: ClientKey;
  /** The set in which it was not found, or is unusable. */
  keySet?: FetchedKeySet | undefined;
  /** The fault that was injected, or a trap that changed the answer. */
  fault?: Fault | { readonly kind: 'trap' };
}

export interface FinishedCall extends Readonly<RequestNotes>, RecordableCall {
  readonly operation: string;
  readonly method: string;
  /** Path and query as received. */
  readonly target: string;
  /** Undefined if the connection ended instead. */
  readonly status: number | undefined;
  readonly milliseconds: number;
}

/** Called with each exchange once its reply was written. */
export type ExchangeListener = (exchange: TracedExchange) => void;

export interface TracedRequest {
  /** Consecutive numbers. */
  id: number;
  at: string;
  ase: string;
  operation: string;
  method: string;
  target: string;
  status: number | null;
  ms: number;
  lenient: string[];
  /** The kind of the fault that was injected; `trap` if a trap changed the answer. */
  fault?: string;
  /** Present if the request was rejected or failed. */
  refusal?: { code: string; reason: string; requirements: string[]; signatureBase?: string };
}

export interface TracedExchange extends RecordedExchange {
  readonly summary: TracedRequest;
}

export interface RequestTrace {
  recordAt(ase: string): (call: FinishedCall) => void;
  /** The oldest requests after the id `after`; without it, the newest requests. */
  list(query: { readonly after?: number; readonly operation?: string; readonly limit: number }): TracedRequest[];
  /** The whole exchange, with secrets. Undefined if it was not recorded, or no longer is. */
  find(id: number): TracedExchange | undefined;
  /** Calls the listener with each exchange from now on, in the order of their ids. Returns a function that ends this. */
  subscribe(listener: ExchangeListener): () => void;
  /** Number of the exchange of this request. */
  numberOf(request: ReceivedRequest): number | undefined;
  clear(): void;
}

const MIN_REQUESTS = 1000;
/** Bytes of a target, a reason or a signature base. */
const MAX_BYTES = 4000;

/** Without `limits`, only the list is kept. */
export function createRequestTrace(wallNow: () => number, limits?: RecordLimits): RequestTrace {
  let kept: TracedRequest[] = [];
  let last = 0;
  const recorder = limits && createRecorder(limits);
  const maxRequests = Math.max(MIN_REQUESTS, limits?.maxExchanges ?? 0);
  const listeners = new Set<ExchangeListener>();
  const numbers = new WeakMap<ReceivedRequest, number>();
  return {
    recordAt: (ase) => (call) => {
      last += 1;
      numbers.set(call.exchange, last);
      const summary: TracedRequest = {
        id: last,
        at: new Date(wallNow()).toISOString(),
        ase,
        operation: call.operation,
        method: call.method,
        target: boundTarget(redactTarget(call.target, call.params)),
        status: call.status ?? null,
        ms: Math.round(call.milliseconds * 10) / 10,
        lenient: [...(call.lenient ?? [])],
        ...(call.fault && { fault: call.fault.kind }),
        ...(call.error !== undefined && { refusal: describeRefusal(call) }),
      };
      kept.push(summary);
      if (recorder || listeners.size > 0) {
        const recorded = recordExchange(call);
        recorder?.keep(last, recorded);
        for (const listener of listeners) listener({ ...recorded, summary });
      }
      // Trim in batches: `slice` copies.
      if (kept.length > 1.2 * maxRequests) kept = kept.slice(-maxRequests);
    },
    list({ after, operation, limit }) {
      const newest = kept.slice(-maxRequests);
      const fitting = operation === undefined ? newest : newest.filter((exchange) => exchange.operation === operation);
      if (after === undefined) return fitting.slice(-limit);
      return fitting.filter(({ id }) => id > after).slice(0, limit);
    },
    find(id) {
      const recorded = recorder?.find(id);
      const summary = kept.find((each) => each.id === id);
      return recorded && summary && { ...recorded, summary };
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    numberOf: (request) => numbers.get(request),
    clear: () => {
      kept = [];
      recorder?.clear();
    },
  };
}

function describeRefusal({ error, signatureBase, target, params }: FinishedCall): TracedRequest['refusal'] {
  // Unexpected errors are only logged. A message about malformed content could quote it.
  const problem = error instanceof Problem ? error : new Problem('internal_error');
  const reason = problem.code === 'malformed_body' ? undefined : (problem.detail ?? problem.description);
  const redacted = redactTarget(target, params);
  // Replacements are functions: in a string, `$&` of the request would be expanded.
  const hide = (text: string) => text.replaceAll(target, () => redacted);
  return {
    code: problem.code,
    reason: shorten(reason ?? problem.code),
    requirements: [...(requirements[problem.detail as Reason] ?? [])],
    ...(signatureBase !== undefined && { signatureBase: shorten(hide(redactSignatureBase(signatureBase))) }),
  };
}

/** A target is not cut from another text, so a short one is kept as it is. */
const boundTarget = (target: string): string => (target.length < MAX_BYTES / 4 ? target : shorten(target));

/** A copy of the text of at most MAX_BYTES: a slice would keep the request from which it was cut alive. */
function shorten(text: string): string {
  const bytes = Buffer.from(text);
  return bytes.length > MAX_BYTES ? `${bytes.toString('utf8', 0, MAX_BYTES)}…` : bytes.toString();
}

/** Rows of the requirement catalogue. */
const requirements: Readonly<Partial<Record<Reason, readonly string[]>>> = {
  missing_signature_input: ['SIG-01'],
  missing_signature: ['SIG-01'],
  malformed_signature_input: ['SIG-02', 'SIG-26'],
  malformed_signature: ['SIG-25'],
  duplicate_label: ['SIG-02'],
  label_mismatch: ['SIG-02'],
  ambiguous_label: ['SIG-02'],
  missing_keyid: ['SIG-10'],
  keyid_mismatch: ['SIG-10', 'SIG-32'],
  missing_created: ['SIG-11'],
  created_too_old: ['SIG-11'],
  created_in_future: ['SIG-11'],
  expired: ['SIG-12'],
  unsupported_alg: ['SIG-13'],
  unsupported_tag: ['SIG-14'],
  duplicate_component: ['SIG-18'],
  unsupported_component: ['SIG-18', 'SIG-N01'],
  missing_component: ['SIG-03', 'SIG-04', 'SIG-05'],
  covered_header_absent: ['SIG-19'],
  duplicate_authorization: ['SIG-N03'],
  digest_missing: ['SIG-05'],
  digest_malformed: ['SIG-09'],
  digest_unsupported: ['SIG-08'],
  digest_mismatch: ['SIG-07', 'SIG-09'],
  unsupported_key: ['SIG-N04'],
  signature_mismatch: ['SIG-29'],
  nonce_replayed: ['SIG-15'],
};
