/**
 * Payments by hand: the inspector acts as a client and makes the whole flow, from the wallet addresses to the money
 * that has arrived, over HTTP as any client does. Each step and each request can be watched.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Problem } from '../errors.ts';
import { BoundedMap } from '../grade/state/bounded-map.ts';
import { createIds } from '../ids.ts';
import type { Outbound } from '../net/outbound.ts';
import type { Switches } from '../profile.ts';
import { type ClientCredentials, callServer, followConsent } from './hand-client.ts';
import {
  type ConsentCheck,
  finishUriOf,
  type HandFlow,
  type HandPayment,
  type HandPaymentOrder,
  payByHand,
} from './hand-flow.ts';

export interface HandPayments {
  /** Begins a payment. Throws `conflict` if too many are in progress. */
  start(order: HandPaymentOrder): HandPayment;
  find(id: string): HandPayment | undefined;
  /** Newest first. */
  list(): HandPayment[];
  /** Takes the return from the consent page. False unless the payment waits, and the hash is right or consent was denied. */
  finish(id: string, returned: URLSearchParams): boolean;
  /** `User-Agent` of the requests of a payment. */
  userAgentOf(id: string): string;
  /** Ends the payments in progress. */
  close(): void;
}

export interface HandPaymentsOptions {
  /** Undefined while the client is not known. */
  readonly client: () => ClientCredentials | undefined;
  readonly consent: () => 'auto' | 'deny' | 'manual';
  readonly hashEncoding: Switches['hashEncoding'];
  readonly openOutbound: (userAgent: string) => Outbound;
  readonly wallNow: () => number;
  /** Called when the state of a payment has changed. */
  readonly onChange: () => void;
}

const MAX_KEPT = 20;
const MAX_RUNNING = 5;
/** Time for a person to consent. */
const CONSENT_MS = 10 * 60 * 1000;

interface Waiting {
  readonly check: ConsentCheck;
  readonly resolve: (reference: string) => void;
  readonly reject: (error: Error) => void;
}

export const isRunning = ({ state }: HandPayment): boolean => state === 'running' || state === 'waiting';

const beginPayment = (order: HandPaymentOrder, id: string, startedAt: number): HandPayment => ({
  ...order,
  id,
  startedAt,
  state: 'running',
  steps: [],
  consent: undefined,
  outgoingPayment: undefined,
  error: undefined,
  ended: Promise.resolve(),
});

/** For a return without a reference that may be used. */
const describeRefusal = (returned: URLSearchParams): Error =>
  new Error(
    returned.has('result')
      ? `the consent was not given: ${returned.get('result')}`
      : 'the finish hash is wrong, so the client must not go on',
  );

const userAgentOf = (id: string): string => `touchstone-inspector/${id}`;

const changeAnd =
  (onChange: () => void) =>
  (payment: HandPayment | undefined, to: Partial<HandPayment>): void => {
    Object.assign(payment ?? {}, to);
    onChange();
  };

export function createHandPayments(options: HandPaymentsOptions): HandPayments {
  const ids = createIds(undefined, 'hand-payments');
  const payments = new BoundedMap<string, HandPayment>(MAX_KEPT);
  const waiting = new Map<string, Waiting>();
  const stop = new AbortController();
  const change = changeAnd(options.onChange);
  const pause = (milliseconds: number) => sleep(milliseconds, undefined, { signal: stop.signal, ref: false });

  async function run(payment: HandPayment): Promise<void> {
    const client = options.client();
    if (!client) throw new Error('the key of the test client is not known here');
    const outbound = options.openOutbound(userAgentOf(payment.id));
    const flow: HandFlow = {
      ...{ client: client.walletAddress, hashEncoding: options.hashEncoding, token: ids.token, pause },
      call: (request) => callServer(outbound, client, request, { wallNow: options.wallNow(), nonce: ids.token() }),
      awaitConsent: (redirect, check) => awaitConsent(payment, outbound, redirect, check),
    };
    try {
      await payByHand(payment, flow);
    } finally {
      waiting.delete(payment.id);
      outbound.close();
    }
  }

  /** The reference of the consent, by a person or at once. */
  function awaitConsent(payment: HandPayment, outbound: Outbound, redirect: string, check: ConsentCheck) {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    if (options.consent() === 'manual') {
      waiting.set(payment.id, { check, resolve, reject });
      change(payment, { state: 'waiting', consent: redirect });
      const late = pause(CONSENT_MS).then(() => Promise.reject(new Error('the consent did not come in time')));
      return Promise.race([promise, late]);
    }
    return followConsent(outbound, redirect, finishUriOf(payment)).then(({ searchParams }) => {
      const reference = check(searchParams);
      if (reference === undefined) throw describeRefusal(searchParams);
      return reference;
    });
  }

  return {
    start(order) {
      if ([...payments.values()].filter(isRunning).length >= MAX_RUNNING) {
        throw new Problem('conflict', { description: `${MAX_RUNNING} payments are in progress: wait for one to end` });
      }
      const payment = beginPayment(order, ids.uuid(), options.wallNow());
      payments.set(payment.id, payment);
      payment.ended = run(payment).then(
        () => change(payment, { state: 'completed' }),
        (error: unknown) => change(payment, { state: 'failed', error: (error as Error).message }),
      );
      return payment;
    },
    find: (id) => payments.get(id),
    list: () => [...payments.values()].reverse(),
    finish(id, returned) {
      const entry = waiting.get(id);
      const reference = entry?.check(returned);
      if (!entry || (reference === undefined && !returned.has('result'))) return false;
      waiting.delete(id);
      change(payments.get(id), { state: 'running', consent: undefined });
      if (reference === undefined) entry.reject(describeRefusal(returned));
      else entry.resolve(reference);
      return true;
    },
    userAgentOf,
    close: () => stop.abort(),
  };
}
