/** Wallets with money and payments as rows of a database, and what becomes of them. */
import { createHash } from 'node:crypto';
import { WorldClock } from '../../../src/clock.ts';
import { toAmount, toInstant } from '../../../src/database/columns.ts';
import type { Database } from '../../../src/database/database.ts';
import { Problem } from '../../../src/errors.ts';
import type { Asset } from '../../../src/open-payments/amount.ts';
import { createCredentials } from '../../../src/payments/ilp/credentials.ts';
import { findCreditable } from '../../../src/payments/incoming/credit.ts';
import { bookTransfer, openInternalAccount, readTrialBalance } from '../../../src/payments/ledger.ts';
import type { Receiver } from '../../../src/payments/receiver.ts';

export const USD: Asset = { code: 'USD', scale: 2 };
export const EUR: Asset = { code: 'EUR', scale: 2 };

export class TestClock extends WorldClock {
  wall = Date.parse('2030-01-01T00:00:00Z');

  constructor() {
    super(() => this.wall);
  }
}

export interface AsePlace {
  readonly ase: string;
  readonly db: Database;
  readonly asset: Asset;
}

export const secretOf = (ase: string): string => createHash('sha256').update(`secret of ${ase}`).digest('base64');
export const prefixOf = (ase: string): string => `test.${ase}`;
export const incomingPaymentUrl = (ase: string, id: string): string => `https://${ase}.example/incoming-payments/${id}`;

let made = 0;
export const newId = (what: string): string => {
  made += 1;
  return `${what}-${made}-${process.pid}`;
};

/** A wallet address whose account holds `balance` in the ASE's asset. Returns both ids. */
export async function openWallet({ ase, db, asset }: AsePlace, balance = 0n) {
  const id = newId('wallet');
  const accountId = `customer:${id}`;
  const deposit = await openInternalAccount(db.query, ase, 'deposit', asset);
  await db.query
    .insertInto('account')
    .values({ ase, id: accountId, kind: 'customer', asset_code: asset.code, asset_scale: asset.scale, balance: '0' })
    .execute();
  await db.query
    .insertInto('wallet_address')
    .values({
      ase,
      id,
      path: `/${id}`,
      url: `https://${ase}.example/${id}`,
      public_name: null,
      account_id: accountId,
      active: true,
      created_at: toInstant(0),
    })
    .execute();
  await db.transaction((tx) =>
    bookTransfer(tx, ase, `deposit:${id}`, 0, [
      { accountId: deposit, amount: -balance },
      { accountId, amount: balance },
    ]),
  );
  return { id, accountId };
}

export interface IncomingPaymentOptions {
  readonly incomingAmount?: bigint | undefined;
  readonly expiresAt?: number;
  readonly walletAddressId?: string;
}

export async function createIncomingPayment(place: AsePlace, options: IncomingPaymentOptions = {}) {
  const { ase, db, asset } = place;
  const id = newId('incoming');
  const walletAddressId = options.walletAddressId ?? (await openWallet(place)).id;
  const { account_id } = await db.query
    .selectFrom('wallet_address')
    .select('account_id')
    .where('ase', '=', ase)
    .where('id', '=', walletAddressId)
    .executeTakeFirstOrThrow();
  await db.query
    .insertInto('incoming_payment')
    .values({
      ase,
      id,
      wallet_address_id: walletAddressId,
      account_id,
      client_id: 'client',
      asset_code: asset.code,
      asset_scale: asset.scale,
      incoming_amount: options.incomingAmount === undefined ? null : `${options.incomingAmount}`,
      received_amount: '0',
      completed: false,
      expires_at: toInstant(options.expiresAt ?? Date.parse('2100-01-01')),
      metadata: null,
      created_at: toInstant(0),
    })
    .execute();
  return id;
}

export interface OutgoingPaymentOptions {
  readonly receiver: string;
  readonly receiveAsset: Asset;
  readonly debitAmount: bigint;
  readonly fee?: bigint;
  readonly receiveAmount: bigint;
  /** The next hop; default: none, as within one ASE. */
  readonly peer?: string;
  /** The payer's balance; default: the debit. */
  readonly balance?: bigint;
}

/** An outgoing payment that is due, with its quote, grant and payer. The grant has spent this payment only. */
export async function createOutgoingPayment(place: AsePlace, options: OutgoingPaymentOptions) {
  const { ase, db, asset } = place;
  const { debitAmount, fee = 0n, receiveAmount, receiveAsset } = options;
  const id = newId('outgoing');
  const wallet = await openWallet(place, options.balance ?? debitAmount);
  const common = {
    ...{ ase, created_at: toInstant(0), client_id: 'client' },
    ...{ wallet_address_id: wallet.id, account_id: wallet.accountId },
  };
  const assets = {
    debit_asset_code: asset.code,
    debit_asset_scale: asset.scale,
    receive_asset_code: receiveAsset.code,
    receive_asset_scale: receiveAsset.scale,
  };
  const quote = {
    debit_amount: `${debitAmount}`,
    fee: `${fee}`,
    receive_amount: `${receiveAmount}`,
    receiver: options.receiver,
    expires_at: toInstant(0),
  };
  await db.query
    .insertInto('quote')
    .values({ ...common, ...assets, ...quote, id: `quote-${id}` })
    .execute();
  await db.query
    .insertInto('outgoing_payment_grant')
    .values({ ase, grant_id: `grant-${id}` })
    .execute();
  await db.query
    .insertInto('grant_spending')
    .values({
      ...assets,
      ase,
      id: `spending-${id}`,
      grant_id: `grant-${id}`,
      identifier: '',
      interval_start: null,
      spent_debit: `${debitAmount}`,
      spent_receive: `${receiveAmount}`,
      updated_at: toInstant(0),
    })
    .execute();
  await db.query
    .insertInto('outgoing_payment')
    .values({
      ...common,
      id,
      quote_id: `quote-${id}`,
      grant_id: `grant-${id}`,
      spending_id: `spending-${id}`,
      state: 'pending',
      failure: null,
      funded: false,
      sent_amount: '0',
      delivered_amount: '0',
      metadata: null,
      attempts: 0,
      next_attempt_at: toInstant(0),
      lease_owner: null,
      peer: options.peer ?? null,
    })
    .execute();
  return { id, payerAccountId: wallet.accountId };
}

export async function readOutgoingPayment({ ase, db }: AsePlace, id: string) {
  const row = await db.query
    .selectFrom('outgoing_payment as payment')
    .innerJoin('grant_spending as spending', (join) =>
      join.onRef('spending.ase', '=', 'payment.ase').onRef('spending.id', '=', 'payment.spending_id'),
    )
    .select(['state', 'failure', 'sent_amount', 'delivered_amount', 'attempts', 'lease_owner', 'next_attempt_at'])
    .select(['spent_debit', 'spent_receive'])
    .where('payment.ase', '=', ase)
    .where('payment.id', '=', id)
    .executeTakeFirstOrThrow();
  return {
    state: row.state,
    failure: row.failure,
    sentAmount: toAmount(row.sent_amount),
    deliveredAmount: toAmount(row.delivered_amount),
    attempts: row.attempts,
    isLeased: row.lease_owner !== null,
    isDue: row.next_attempt_at !== null,
    spentDebit: toAmount(row.spent_debit),
    spentReceive: toAmount(row.spent_receive),
  };
}

export async function readIncomingPayment({ ase, db }: AsePlace, id: string) {
  const payment = await findCreditable(db.query, ase, id);
  return { receivedAmount: payment!.receivedAmount, completed: payment!.completed, accountId: payment!.accountId };
}

/** Sums of all accounts by id; throws if the books do not balance. */
export async function readBalances({ ase, db }: AsePlace): Promise<Record<string, bigint>> {
  const { lines, balanced } = await readTrialBalance(db.query, ase);
  if (!balanced) throw new Error(`the books of ${ase} do not balance`);
  return Object.fromEntries(lines.map((line) => [line.account, line.balance]));
}

/** How the receiving ASE shows an incoming payment, credentials included. */
export async function showReceiver({ ase, db }: AsePlace, id: string): Promise<Receiver> {
  const payment = await findCreditable(db.query, ase, id);
  if (!payment) throw new Problem('invalid_receiver');
  const { ilpAddress, sharedSecret } = createCredentials([secretOf(ase)], prefixOf(ase), id);
  return {
    url: incomingPaymentUrl(ase, id),
    asset: payment.asset,
    ...(payment.incomingAmount !== undefined && { incomingAmount: payment.incomingAmount }),
    receivedAmount: payment.receivedAmount,
    completed: payment.completed,
    expiresAt: payment.expiresAt,
    ilp: { address: ilpAddress, sharedSecret },
  };
}
