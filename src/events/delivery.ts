/**
 * Webhook events of an ASE, from the change of a payment to the receiver's 200 (EVT-01…04, EVT-06, OPI-062). Events of
 * one payment arrive in the order of its changes, one after the other; those of different payments do not wait for each
 * other. Each arrives at least once.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock } from '../clock.ts';
import type { Database } from '../database/database.ts';
import { type Outbound, OutboundError } from '../net/outbound.ts';
import type { AnnouncePayment, PaymentEventType } from '../payments/payment-event.ts';
import { canonicalize } from './canonical-json.ts';
import type { Carrier } from './carrier.ts';
import {
  eventIdOf,
  type Fate,
  listDueSubjects,
  markExpired,
  settleEvent,
  storeEvent,
  type TakenEvent,
  takeEvent,
} from './outbox.ts';
import { readIncomingPaymentData, readOutgoingPaymentData } from './payload.ts';
import { signEvent } from './signature.ts';

/** Where events go, and the secret that signs them. */
export interface Webhook {
  readonly url: string;
  readonly secret: string;
}

export interface EventsOptions {
  readonly ase: string;
  readonly db: Database;
  readonly clock: Clock;
  readonly outbound: Pick<Outbound, 'request'>;
  /** Undefined while there is none: then nothing is stored. */
  readonly webhook: () => Webhook | undefined;
  /** The process's one, loaded when it is first asked for. */
  readonly openCarrier: () => Promise<Carrier>;
  readonly log: Record<'info' | 'warn', (fields: Record<string, unknown>, message: string) => void>;
}

export interface Events {
  readonly announce: AnnouncePayment;
  /** Looks for payments that have expired and for events that are due. */
  wake(): void;
  /** Resolves when nothing is under way here and nothing is due. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

/** The n-th retry comes n times this after the attempt before it, in business time (EVT-01). */
const RETRY_MS = 10_000;
/** Then the operator has to look. */
const MAX_RETRIES = 10;
/** Longer than an attempt can take: afterwards its process is gone. */
const LEASE_MS = 15_000;
/** Payments whose events are delivered at the same time. */
const CONCURRENCY = 8;
/** Expired payments and due events that are looked at in one go. */
const BATCH = 100;

export function createEvents(options: EventsOptions): Events {
  const { ase, db, clock, outbound, webhook, log } = options;
  let isStopped = false;

  // ── Storing
  const announce: AnnouncePayment = async (tx, type, paymentId) => {
    if (!webhook()) return;
    const now = clock.businessNow();
    const read = type.startsWith('incoming') ? readIncomingPaymentData : readOutgoingPaymentData;
    const id = eventIdOf(ase, type, paymentId);
    const data = await read(tx, ase, paymentId, now);
    // What has no JSON form, as undefined, must not be there.
    const body = canonicalize(JSON.parse(JSON.stringify({ id, type, data })));
    await storeEvent(tx, ase, { id, type, subject: paymentId, body }, now);
    await carrier?.send(tx, ase, paymentId);
  };

  async function announceExpiries(): Promise<void> {
    for (let found = BATCH; found === BATCH && !isStopped; ) {
      found = await db.transaction(async (tx) => {
        const ids = await markExpired(tx, ase, clock.businessNow(), BATCH);
        for (const id of ids) await announce(tx, 'incoming_payment.expired' satisfies PaymentEventType, id);
        return ids.length;
      });
    }
  }

  // ── Delivering
  /** Delivers what is due of a payment, in order; ends at the first that fails, or that somebody else has. */
  async function deliver(subject: string): Promise<void> {
    for (;;) {
      const to = webhook();
      if (!to || isStopped) return;
      const times = { now: clock.businessNow(), wallNow: clock.wallNow() };
      const event = await takeEvent(db.query, { ase, subject, ...times, leaseMs: LEASE_MS });
      if (!event) return;
      const fate = fateOf(event, await post(to, event));
      if (!(await settleEvent(db.query, ase, event, fate)) || fate.state !== 'delivered') return;
    }
  }

  /** Undefined if it was taken, or why not. Anything but 200 is no. */
  async function post({ url, secret }: Webhook, { body }: TakenEvent): Promise<string | undefined> {
    try {
      const { status } = await outbound.request({
        url,
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'rafiki-signature': signEvent(secret, clock.wallNow(), body),
        },
        body: Buffer.from(body),
      });
      return status === 200 ? undefined : `status ${status}`;
    } catch (error) {
      if (!(error instanceof OutboundError)) throw error;
      return error.code;
    }
  }

  function fateOf({ id, attempts }: TakenEvent, failure: string | undefined): Fate {
    if (failure === undefined) return { state: 'delivered' };
    const details = { event: id, attempts: attempts + 1, failure };
    if (attempts >= MAX_RETRIES) {
      log.warn(details, 'event given up');
      return { state: 'undelivered', failure };
    }
    log.info(details, 'event will be sent again');
    return { state: 'pending', failure, dueAt: clock.businessNow() + (attempts + 1) * RETRY_MS };
  }

  // ── Finding work
  // Whoever wakes us, or has the database tell of an event, does not lend its context, a transaction's for instance.
  const outsideCaller = AsyncLocalStorage.snapshot();
  const running = new Map<string, Promise<void>>();
  let carrier: Carrier | undefined;
  let opening: Promise<unknown> | undefined;
  let looking = Promise.resolve();
  let isLookQueued = false;
  /** Whether a word came that nobody had time for. */
  let isBehind = false;

  /** From now on, events of this process are carried; what was stored before is found by looking. */
  function open(): void {
    opening ??= options
      .openCarrier()
      .then(async (opened) => {
        await opened.receive(ase, (subject) => {
          // A receiver that hangs does not fill the memory.
          if (running.size < CONCURRENCY || running.has(subject)) void run(subject);
          else isBehind = true;
        });
        carrier = opened;
      })
      .catch((error) => log.warn({ err: error }, 'no carrier for events; they are looked for'));
  }

  /** Delivers what is due of a payment; after what is under way for it, which may just have looked for the last time. */
  function run(subject: string): Promise<void> {
    const before = running.get(subject) ?? Promise.resolve();
    const done = outsideCaller(() => before.then(() => deliver(subject)))
      .catch((error) => log.warn({ err: error }, 'an event was not delivered'))
      .finally(() => {
        if (running.get(subject) === done) running.delete(subject);
        if (isBehind) wake();
      });
    running.set(subject, done);
    return done;
  }

  async function look(): Promise<void> {
    isLookQueued = false;
    isBehind = false;
    if (!webhook() || isStopped) return;
    open();
    await announceExpiries();
    const tried = new Set<string>();
    while (!isStopped) {
      const times = { now: clock.businessNow(), wallNow: clock.wallNow() };
      const due = await listDueSubjects(db.query, { ase, ...times, limit: BATCH });
      const mine = due.filter((subject) => !running.has(subject) && !tried.has(subject));
      if (mine.length === 0) return;
      for (const subject of mine) {
        while (running.size >= CONCURRENCY) await Promise.race(running.values());
        tried.add(subject);
        void run(subject);
      }
    }
  }

  function wake(): void {
    if (isLookQueued || isStopped) return;
    isLookQueued = true;
    outsideCaller(() => {
      looking = looking.then(look).catch((error) => log.warn({ err: error }, 'could not look for events'));
    });
  }

  return {
    announce,
    wake,
    async idle() {
      wake();
      await looking;
      await opening;
      await Promise.all(running.values());
    },
    async stop() {
      isStopped = true;
      await looking;
      await opening;
      await carrier?.release(ase);
      await Promise.all(running.values());
    },
  };
}
