/** The events of one ASE, with clocks and a webhook receiver that the test controls. */
import pino from 'pino';
import { toInstant } from '../../../src/database/columns.ts';
import type { Database } from '../../../src/database/database.ts';
import type { Events, Webhook } from '../../../src/events/delivery.ts';
import { privateRanges } from '../../../src/net/addresses.ts';
import { createOutbound } from '../../../src/net/outbound.ts';
import type { PaymentEventType } from '../../../src/payments/payment-event.ts';
import { EUR, openWallet, TestClock } from '../../payments/support/payment-rows.ts';
import { testPayments } from '../../support/test-ase.ts';
import { openWebhookReceiver, type WebhookReceiver } from './webhook-receiver.ts';

export const marble = 'marble';

export interface OneAse {
  readonly events: Events;
  readonly receiver: WebhookReceiver;
  readonly clock: TestClock;
  /** Log entries of failures. */
  readonly warnings: Record<string, unknown>[];
  webhook: Webhook | undefined;
  /** Inserts an incoming payment with this id. */
  openPayment(id: string, change?: { readonly received?: string; readonly expiresAt?: number }): Promise<void>;
  /** Announces the events in one transaction. */
  announce(id: string, ...types: PaymentEventType[]): Promise<void>;
  /** Advances business time and delivers what is due then. */
  advance(milliseconds: number): Promise<void>;
  close(): Promise<void>;
}

export async function createOneAse(db: Database, { timeoutMs = 5000 } = {}): Promise<OneAse> {
  const clock = new TestClock();
  clock.setting = { mode: 'frozen', offset: 0, at: Date.parse('2030-01-01T00:00:00Z') };
  const receiver = await openWebhookReceiver();
  const outbound = createOutbound({
    allowedRanges: privateRanges,
    allowHttp: true,
    timeoutMs,
    maxBytes: 1024,
    userAgent: 'test',
  });
  const warnings: Record<string, unknown>[] = [];
  const log = pino({ level: 'silent' });
  const record = (fields: Record<string, unknown>) => void warnings.push(fields);
  const payments = testPayments({
    key: marble,
    db,
    clock,
    outbound,
    log: Object.assign(log, { info: record, warn: record }),
    settings: {
      get webhook() {
        return one.webhook;
      },
    },
  });
  const { events } = payments;
  const wallet = await openWallet({ ase: marble, db, asset: EUR });
  const one: OneAse = {
    events,
    receiver,
    clock,
    warnings,
    webhook: { url: receiver.url, secret: receiver.secret },
    async openPayment(id, { received = '0', expiresAt = clock.businessNow() + 3_600_000 } = {}) {
      await db.query
        .insertInto('incoming_payment')
        .values({
          ...{
            ase: marble,
            id,
            wallet_address_id: wallet.id,
            account_id: wallet.accountId,
            client_id: 'https://client.example',
          },
          ...{ asset_code: EUR.code, asset_scale: EUR.scale, incoming_amount: '100', received_amount: received },
          partly_paid: received !== '0',
          ...{ completed: false, expires_at: toInstant(expiresAt), metadata: null, created_at: toInstant(0) },
        })
        .execute();
    },
    announce: (id, ...types) =>
      db.transaction(async (tx) => {
        for (const type of types) await events.announce(tx, type, id);
      }),
    async advance(milliseconds) {
      clock.setting = { ...clock.setting, at: clock.setting.at + milliseconds };
      await events.idle();
    },
    async close() {
      // First, because `stop` waits for a delivery that hangs.
      await receiver.close();
      await events.stop();
      outbound.close();
    },
  };
  return one;
}
