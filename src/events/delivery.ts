/**
 * Webhook events of an ASE, from the change of a payment to the receiver's 200 (EVT-01, OPI-062). Events of one payment
 * arrive in the order of its changes, one after the other; different payments do not wait for each other. Each event
 * arrives at least once.
 */
import type { Clock } from '../clock.ts';
import { afterCommit, type Database, type Transaction } from '../database/database.ts';
import { createLeasedWorker } from '../database/leased-worker.ts';
import { type Outbound, OutboundError } from '../net/outbound.ts';
import type { AnnouncePayment, PaymentEventType } from '../payments/payment-event.ts';
import { canonicalize } from './canonical-json.ts';
import {
  type ClaimedEvent,
  claimEvent,
  type DeliveryResult,
  eventIdOf,
  markExpired,
  recordDelivery,
  storeEvent,
} from './outbox.ts';
import { findIncomingPaymentData, findOutgoingPaymentData } from './payload.ts';
import { signEvent } from './signature.ts';

/** The URL that events are sent to, and the secret that signs them. */
export interface Webhook {
  readonly url: string;
  readonly secret: string;
}

export interface EventsOptions {
  readonly ase: string;
  readonly db: Database;
  readonly clock: Clock;
  readonly outbound: Pick<Outbound, 'request'>;
  /** Undefined while the ASE has none: nothing is stored then. */
  readonly webhook: () => Webhook | undefined;
  readonly log: Record<'info' | 'warn', (fields: Record<string, unknown>, message: string) => void>;
}

export interface Events {
  /** Stores an event in the transaction that changes the payment. */
  readonly announce: AnnouncePayment;
  /** False while `announce` stores nothing. */
  readonly hasWebhook: () => boolean;
  /** Delivers what is due, and from now on each event as soon as its transaction commits. */
  start(): void;
  /** Looks for payments that have expired and for events that are due. */
  wake(): void;
  /** Resolves when no delivery is under way in this process and nothing is due. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

/** The n-th retry comes n times this after the attempt before it, in business time (EVT-01). */
const RETRY_MS = 10_000;
/** After this many retries the operator has to act. */
const MAX_RETRIES = 10;
/** Longer than an attempt can take: when it ends, the process that held it is gone. */
const LEASE_MS = 15_000;
/** Payments whose expiry is announced in one transaction. */
const BATCH = 100;

async function storePaymentEvent(tx: Transaction, ase: string, type: PaymentEventType, paymentId: string, now: number) {
  const findData = type.startsWith('incoming') ? findIncomingPaymentData : findOutgoingPaymentData;
  const id = eventIdOf(ase, type, paymentId);
  const data = await findData(tx, ase, paymentId, now);
  // A round trip through JSON drops members that are undefined.
  const body = canonicalize(JSON.parse(JSON.stringify({ id, type, data })));
  await storeEvent(tx, ase, { id, type, subject: paymentId, body }, now);
}

/** Undefined if the receiver accepted the event, otherwise the reason. Only status 200 accepts. */
async function post(
  { outbound, clock }: EventsOptions,
  { url, secret }: Webhook,
  { body }: ClaimedEvent,
): Promise<string | undefined> {
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

function toResult(
  { clock, log }: EventsOptions,
  { id, attempts }: ClaimedEvent,
  failure: string | undefined,
): DeliveryResult {
  if (failure === undefined) return { state: 'delivered' };
  const details = { event: id, attempts: attempts + 1, failure };
  if (attempts >= MAX_RETRIES) {
    log.warn(details, 'event given up');
    return { state: 'undelivered', failure };
  }
  log.info(details, 'event will be sent again');
  return { state: 'pending', failure, dueAt: clock.businessNow() + (attempts + 1) * RETRY_MS };
}

export function createEvents(options: EventsOptions): Events {
  const { ase, db, clock, webhook, log } = options;
  let isStarted = false;
  let mayHaveExpired = false;

  const announce: AnnouncePayment = async (tx, type, paymentId) => {
    if (!webhook()) return;
    await storePaymentEvent(tx, ase, type, paymentId, clock.businessNow());
    if (isStarted) afterCommit(worker.wake);
  };

  async function announceExpiries(): Promise<void> {
    mayHaveExpired = false;
    for (let marked = BATCH; marked === BATCH && !worker.isStopping(); ) {
      marked = await db.transaction(async (tx) => {
        const ids = await markExpired(tx, ase, clock.businessNow(), BATCH);
        for (const id of ids) await announce(tx, 'incoming_payment.expired' satisfies PaymentEventType, id);
        return ids.length;
      });
    }
  }

  async function claim(): Promise<readonly ClaimedEvent[]> {
    if (!webhook()) return [];
    if (mayHaveExpired) await announceExpiries();
    const lease = { wallNow: clock.wallNow(), leaseMs: LEASE_MS };
    const event = await claimEvent(db.query, { ase, now: clock.businessNow(), ...lease });
    return event ? [event] : [];
  }

  async function deliver(event: ClaimedEvent): Promise<void> {
    const to = webhook();
    if (!to) return;
    const result = toResult(options, event, await post(options, to, event));
    const isRecorded = await recordDelivery(db.query, ase, event, result);
    // The next event of the payment can be claimed now.
    if (isRecorded && result.state === 'delivered') worker.wake();
  }

  const worker = createLeasedWorker({
    claim,
    run: deliver,
    onError: (error) => log.warn({ err: error }, 'delivering events failed'),
  });
  const wake = () => {
    mayHaveExpired = true;
    worker.wake();
  };
  return {
    announce,
    hasWebhook: () => webhook() !== undefined,
    start() {
      isStarted = true;
      wake();
    },
    wake,
    async idle() {
      wake();
      await worker.idle();
    },
    stop: worker.stop,
  };
}
