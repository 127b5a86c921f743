/**
 * pg-boss as the carrier of webhook events: from the transaction that stores one to a process that delivers it. Its job
 * says no more than which payment has something to tell. It is queued in that transaction, so it is there if and only
 * if the event is; the database announces it when the transaction commits; one process takes it.
 *
 * What it is not used for: pg-boss orders jobs by the start of their transactions and knows no time but the database's.
 * The order of a payment's events, their attempts and the time of the next one stand in rows of ours
 * (`stored-event.ts`), so a job that is lost or comes twice changes nothing, and retries follow the business clock.
 */
import { fromKysely, fromPglite, PgBoss } from 'pg-boss';
import type { Database, Transaction } from '../database/database.ts';

/** Told of what goes wrong in the background. */
export type CarrierLog = (problem: unknown) => void;

export interface Carrier {
  /** Queues, in the transaction, the word that the payment has an event. */
  send(tx: Transaction, ase: string, subject: string): Promise<void>;
  /** Takes the words for an ASE from now on. */
  receive(ase: string, hear: (subject: string) => void): Promise<void>;
  /** Takes none any more. */
  release(ase: string): Promise<void>;
  close(): Promise<void>;
}

const queueOf = (ase: string): string => `webhook/${ase}`;

const queueOptions = {
  notify: true,
  // A job that fails is none that has to be repeated: what is due is found in the table.
  retryLimit: 0,
  expireInSeconds: 60,
  retentionSeconds: 24 * 60 * 60,
  deleteAfterSeconds: 60 * 60,
};

/** Polling is a slow second way: whoever misses the announcement finds the job so. */
const workOptions = {
  batchSize: 20,
  burstWhenBatchFull: true,
  pollingIntervalSeconds: 5,
  notifyPollingIntervalSeconds: 30,
};

/**
 * Connects, and makes pg-boss's tables when they are not there. What the server does not answer within `patienceMs` is
 * given up, or an end would wait for it for good.
 */
export async function openCarrier({ source }: Database, log: CarrierLog, patienceMs = 20_000): Promise<Carrier> {
  // These are pg's own options, handed through.
  const limits = { query_timeout: patienceMs, keepAlive: true };
  const common = { useListenNotify: true, schedule: false } as const;
  const boss =
    typeof source === 'string'
      ? new PgBoss({ ...common, ...limits, connectionString: source, max: 2, application_name: 'touchstone webhooks' })
      : new PgBoss({ ...common, db: fromPglite(source), backend: 'pglite' });
  boss.on('error', log);
  boss.on('warning', log);
  await boss.start();
  return {
    async send(tx, ase, subject) {
      await boss.send(queueOf(ase), { subject }, { db: fromKysely(tx) });
    },
    async receive(ase, hear) {
      await boss.createQueue(queueOf(ase), queueOptions);
      await boss.work<{ subject: string }>(queueOf(ase), workOptions, async (jobs) => {
        for (const { data } of jobs) hear(data.subject);
      });
    },
    release: (ase) => boss.offWork(queueOf(ase), { wait: true }),
    close: () => boss.stop({ graceful: false, close: typeof source === 'string' }),
  };
}
