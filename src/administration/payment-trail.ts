/** One payment from both sides: its quote, its packets, and the incoming payment that they credit. */
import { toAmount, toAsset, toBuffer, toLookupText, toMillis } from '../database/columns.ts';
import type { Queryable } from '../database/database.ts';
import type { Asset } from '../open-payments/amount.ts';
import { expiryOf } from '../payments/ilp/packet-journal.ts';
import { creationOf, listPage, newestFirst, type Page, type PageRequest } from './cursor-page.ts';
import { adminProblem } from './problem.ts';

export interface SentPacket {
  readonly condition: string;
  readonly sequence: number;
  readonly peer: string;
  /** In minor units of the asset that is sent, and of the one that is received. */
  readonly sourceAmount: bigint;
  readonly amount: bigint;
  /** `prepared` is in flight, or in doubt. */
  readonly state: 'prepared' | 'fulfilled' | 'rejected';
  /** Wall time in milliseconds, like `expiresAt`. */
  readonly preparedAt: number;
  readonly expiresAt: number;
}

export interface PaymentTrail {
  readonly quote: string;
  /** The first ones. A payment within the ASE has none. */
  readonly packets: readonly SentPacket[];
}

/** Throws `not_found`. */
export async function getPaymentTrail(
  db: Queryable,
  ase: string,
  id: string,
  maxPackets: number,
): Promise<PaymentTrail> {
  const payment = await db
    .selectFrom('outgoing_payment')
    .select('quote_id')
    .where('ase', '=', ase)
    .where('id', '=', toLookupText(id))
    .executeTakeFirst();
  if (!payment) throw adminProblem('not_found', 'no such outgoing payment');
  const rows = await db
    .selectFrom('outgoing_packet')
    .select(['condition', 'sequence', 'peer', 'source_amount', 'amount', 'state', 'prepared_at', 'prepare'])
    .where('ase', '=', ase)
    .where('payment_id', '=', id)
    .orderBy('sequence')
    .limit(maxPackets)
    .execute();
  return {
    quote: payment.quote_id,
    packets: rows.map((row) => ({
      condition: row.condition,
      sequence: Number(row.sequence),
      peer: row.peer,
      sourceAmount: toAmount(row.source_amount),
      amount: toAmount(row.amount),
      state: row.state,
      preparedAt: toMillis(row.prepared_at),
      expiresAt: expiryOf(toBuffer(row.prepare)),
    })),
  };
}

export interface IncomingPaymentDescription {
  readonly id: string;
  readonly walletAddress: string;
  readonly client: string;
  readonly asset: Asset;
  /** Undefined if any amount may be paid. */
  readonly incomingAmount: bigint | undefined;
  readonly receivedAmount: bigint;
  readonly completed: boolean;
  /** Business time, like `expiresAt`. */
  readonly createdAt: number;
  readonly expiresAt: number;
}

const selectIncomingPayments = (db: Queryable, ase: string) =>
  db
    .selectFrom('incoming_payment as payment')
    .innerJoin('wallet_address as wallet', (join) =>
      join.onRef('wallet.ase', '=', 'payment.ase').onRef('wallet.id', '=', 'payment.wallet_address_id'),
    )
    .select(['payment.id', 'payment.client_id', 'payment.asset_code', 'payment.asset_scale', 'wallet.url'])
    .select(['payment.incoming_amount', 'payment.received_amount', 'payment.completed'])
    .select(['payment.created_at', 'payment.expires_at'])
    .where('payment.ase', '=', ase);

type IncomingRow = Awaited<ReturnType<ReturnType<typeof selectIncomingPayments>['executeTakeFirstOrThrow']>>;

const toIncomingPayment = (row: IncomingRow): IncomingPaymentDescription => ({
  id: row.id,
  walletAddress: row.url,
  client: row.client_id,
  asset: toAsset(row),
  incomingAmount: row.incoming_amount === null ? undefined : toAmount(row.incoming_amount),
  receivedAmount: toAmount(row.received_amount),
  completed: row.completed,
  createdAt: toMillis(row.created_at),
  expiresAt: toMillis(row.expires_at),
});

export async function findIncomingPayment(
  db: Queryable,
  ase: string,
  id: string,
): Promise<IncomingPaymentDescription | undefined> {
  const row = await selectIncomingPayments(db, ase).where('payment.id', '=', toLookupText(id)).executeTakeFirst();
  return row && toIncomingPayment(row);
}

/** Newest first. Throws `invalid_request` for an unknown cursor. */
export const listIncomingPayments = (
  db: Queryable,
  ase: string,
  request: PageRequest,
): Promise<Page<IncomingPaymentDescription>> =>
  listPage(request, creationOf, async (after, limit) => {
    const page = newestFirst({ at: 'payment.created_at', id: 'payment.id' }, after, limit);
    return (await selectIncomingPayments(db, ase).$call(page).execute()).map(toIncomingPayment);
  });
