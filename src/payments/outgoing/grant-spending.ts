/** The spent totals of an outgoing-payment grant: reserved, read and given back in this file alone (LIM-02, RS-G-01). */
import { type RawBuilder, sql } from 'kysely';
import { toAmount, toDebitAsset, toInstant, toReceiveAsset } from '../../database/columns.ts';
import type { Queryable, Transaction } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import { Problem } from '../../errors.ts';
import type { Ids } from '../../ids.ts';
import type { Limits } from '../../open-payments/access.ts';
import type { Amount } from '../../open-payments/amount.ts';
import { checkRange, parseAmount, sameAsset } from '../../open-payments/amount.ts';
import { boundary, intervalContaining, parseInterval } from '../../open-payments/interval.ts';
import type { Job } from './job.ts';
import { unpaidAmount } from './transfers.ts';

/** One access item of one grant: each item has its own limits (AS-N08). */
export interface GrantItem {
  readonly ase: string;
  readonly grantId: string;
  readonly identifier: string;
  readonly limits: Limits | undefined;
  /** Business time in milliseconds; it selects the interval (LIM-N01). */
  readonly now: number;
}

/** A payment that is to count against an access item of a grant. */
export interface Spending extends GrantItem {
  readonly ids: Ids;
  readonly debit: Amount;
  readonly receive: Amount;
  /** URL of the incoming payment. */
  readonly receiver: string;
}

export interface Reservation {
  /** The `grant_spending` row that counts this payment; `returnSpending` corrects it if the payment fails (LIM-14). */
  readonly spendingId: string;
  /** Totals including this payment, of the interval if there is one; received only in its asset (RS-G-08). */
  readonly spentDebit: Amount;
  readonly spentReceive: Amount;
}

/** How far the first interval may begin after now, so that clocks need not agree exactly (LIM-06). */
const START_SKEW = 60_000;

const insertOrLock = statement((db, { ase, grant_id }: { ase: string; grant_id: string }) =>
  db
    .insertInto('outgoing_payment_grant')
    .values({ ase, grant_id })
    .onConflict((conflict) => conflict.columns(['ase', 'grant_id']).doUpdateSet({ grant_id })),
);

/** Locks the row that serialises the payments of a grant, or creates it: the no-op update takes the lock (LIM-13). */
export async function lockGrant(tx: Transaction, ase: string, grantId: string): Promise<void> {
  await insertOrLock.change(tx, { ase, grant_id: grantId });
}

/** A use of an access item: what it adds to the totals. */
interface Use {
  readonly ase: string;
  readonly id: string;
  readonly grantId: string;
  readonly identifier: string;
  readonly now: string;
  readonly debit: string;
  readonly receive: string;
}

const lastUse = ({ ase, grantId, identifier }: Use) => sql<{ at: string }>`(
  select max(updated_at) as at from grant_spending
  where ase = ${ase} and grant_id = ${grantId} and identifier = ${identifier})`;

/** Later than every earlier use of the access item, even if the clock is frozen or was set back. */
const orderOfUse = ({ now }: Use, last: RawBuilder<unknown>) =>
  sql<string>`greatest(${now}::timestamptz, ${last} + interval '1 millisecond')`;

/** Relative, because a failed payment may give its part back to the same row in the meantime. */
const addSpending = statement((db, use: Use) =>
  db
    .updateTable('grant_spending')
    .from(lastUse(use).as('last'))
    .set({
      spent_debit: sql<string>`spent_debit + ${use.debit}::numeric`,
      spent_receive: sql<string>`spent_receive + ${use.receive}::numeric`,
      // The newest row keeps its place, so that PostgreSQL renews no index entry.
      updated_at: sql<string>`case when updated_at = last.at then updated_at else ${orderOfUse(use, sql`last.at`)} end`,
    })
    .where('ase', '=', use.ase)
    .where('id', '=', use.id),
);

interface FirstUse extends Use {
  readonly intervalStart: string | null;
  readonly debitCode: string;
  readonly debitScale: number;
  readonly receiveCode: string;
  readonly receiveScale: number;
}

const insertSpending = statement((db, use: FirstUse) =>
  db.insertInto('grant_spending').values({
    ase: use.ase,
    id: use.id,
    grant_id: use.grantId,
    identifier: use.identifier,
    interval_start: use.intervalStart,
    debit_asset_code: use.debitCode,
    debit_asset_scale: use.debitScale,
    receive_asset_code: use.receiveCode,
    receive_asset_scale: use.receiveScale,
    spent_debit: use.debit,
    spent_receive: use.receive,
    updated_at: orderOfUse(use, lastUse(use)),
  }),
);

/** An access item in one interval. */
interface Usage {
  readonly item: GrantItem;
  /** Start of the interval; null without intervals. */
  readonly start: string | null;
  rows: readonly CountedRow[];
}

interface Added {
  readonly debit: bigint;
  readonly receive: bigint;
  /** Business time of the last of the payments. */
  readonly now: number;
  /** True if the row has yet to be stored. */
  readonly isFirstUse: boolean;
}

interface CountedRow extends SpendingRow {
  /** Sums of what is counted now, which the totals include. */
  readonly added?: Added;
}

/**
 * Counts payments against the grant that they have in common, each after those before it, or throws
 * `insufficient_grant` (a limit does not allow one of them) or `invalid_amount` (a total beyond uint64). Payments of one
 * grant wait for each other until the transaction ends (LIM-13). `storePayments` gets the reservations in the order of
 * the payments. Its statements are sent together with those of this function, which returns its result.
 */
export async function reserveSpendings<Stored>(
  tx: Transaction,
  spendings: readonly Spending[],
  storePayments: (reservations: readonly Reservation[]) => Promise<Stored>,
): Promise<Stored> {
  const { ase, grantId } = spendings[0]!;
  const usages = new Map<string, Usage>();
  const usageOf = spendings.map((item) => {
    const { start } = checkPlaceAndTime(item);
    const key = `${start} ${item.identifier}`;
    const usage = usages.get(key) ?? { item, start, rows: [] };
    usages.set(key, usage);
    return usage;
  });
  const readRows = async (usage: Usage) => {
    usage.rows = await findRows(tx, usage.item, usage.start);
  };
  // The server reads the rows once it has the lock.
  await Promise.all([lockGrant(tx, ase, grantId), ...[...usages.values()].map(readRows)]);
  const reservations = spendings.map((spending, index) => countPayment(usageOf[index]!, spending));
  const storing = [...usages.values()].flatMap((usage) => storeUsage(tx, usage));
  const [stored] = await Promise.all([storePayments(reservations), ...storing]);
  return stored;
}

/** The current interval. Throws `insufficient_grant` for a receiver or a time that the grant does not allow. */
function checkPlaceAndTime({ limits, receiver, now }: Spending): { start: string | null } {
  if (limits?.receiver !== undefined && limits.receiver !== receiver)
    throw insufficientGrant('the grant is limited to another receiver');
  const interval = currentInterval(limits, now);
  if (interval === undefined) throw insufficientGrant('the time is outside of every interval');
  return interval;
}

/** Adds a payment to the row of its receive asset, which is new if there is none yet. */
function countPayment(usage: Usage, { ids, limits, debit, receive, now }: Spending): Reservation {
  const { rows } = usage;
  const row = rows.find(({ spentReceive }) => sameAsset(spentReceive.asset, receive.asset));
  const spentDebit = { value: sumDebit(rows) + debit.value, asset: debit.asset };
  const spentReceive = { value: (row?.spentReceive.value ?? 0n) + receive.value, asset: receive.asset };
  checkLimit('debitAmount', limits, spentDebit);
  checkLimit('receiveAmount', limits, spentReceive);
  checkRange(spentDebit.value);
  checkRange(spentReceive.value);
  const counted: CountedRow = {
    id: row?.id ?? ids.rowId(),
    spentDebit: { value: (row?.spentDebit.value ?? 0n) + debit.value, asset: debit.asset },
    spentReceive,
    added: {
      debit: (row?.added?.debit ?? 0n) + debit.value,
      receive: (row?.added?.receive ?? 0n) + receive.value,
      now,
      isFirstUse: row?.added?.isFirstUse ?? row === undefined,
    },
  };
  usage.rows = [counted, ...rows.filter((other) => other !== row)];
  return { spendingId: counted.id, spentDebit, spentReceive };
}

/** Stores what was counted, the newest use last. */
const storeUsage = (tx: Transaction, usage: Usage): Promise<unknown>[] =>
  usage.rows.toReversed().map(async (row) => row.added && storeRow(tx, usage, row, row.added));

function storeRow(
  tx: Transaction,
  { item: { ase, grantId, identifier }, start }: Usage,
  { id, spentDebit, spentReceive }: CountedRow,
  { debit, receive, now, isFirstUse }: Added,
): Promise<unknown> {
  const use = { ase, id, grantId, identifier, now: toInstant(now), debit: `${debit}`, receive: `${receive}` };
  if (!isFirstUse) return addSpending.change(tx, use);
  return insertSpending.change(tx, {
    ...use,
    intervalStart: start,
    debitCode: spentDebit.asset.code,
    debitScale: spentDebit.asset.scale,
    receiveCode: spentReceive.asset.code,
    receiveScale: spentReceive.asset.scale,
  });
}

/** Gives back to the grant what a failed payment did not cost or deliver; the caller has locked the grant (LIM-14). */
export async function returnSpending(tx: Transaction, job: Job): Promise<void> {
  const unpaid = unpaidAmount(job);
  const undelivered = job.receive.value - job.deliveredAmount;
  await tx
    .updateTable('grant_spending')
    .set({
      spent_debit: sql<string>`spent_debit - ${`${unpaid}`}::numeric`,
      spent_receive: sql<string>`spent_receive - ${`${undelivered}`}::numeric`,
    })
    .where('ase', '=', job.ase)
    .where('id', '=', job.spendingId)
    .execute();
}

/**
 * The totals of the current interval, or of the grant without one. Both null if nothing was ever spent or no interval
 * holds the present; zero if only other intervals were used; received is null where its assets are mixed (RS-G-08).
 */
export async function findSpending(
  db: Queryable,
  item: GrantItem,
): Promise<{ spentDebit: Amount | null; spentReceive: Amount | null }> {
  const interval = currentInterval(item.limits, item.now);
  if (interval === undefined) return { spentDebit: null, spentReceive: null };
  const [newest, ...others] = await findRows(db, item, interval.start);
  if (newest) {
    const rows = [newest, ...others];
    // A row whose payments all failed does not count as another asset.
    const [used = newest, mixed] = rows.filter(({ spentReceive }) => spentReceive.value > 0n);
    const spentDebit = { value: sumDebit(rows), asset: newest.spentDebit.asset };
    return { spentDebit, spentReceive: mixed ? null : used.spentReceive };
  }
  const [earlier] = interval.start === null ? [] : await findRows(db, item, 'any');
  if (!earlier) return { spentDebit: null, spentReceive: null };
  return {
    spentDebit: { value: 0n, asset: earlier.spentDebit.asset },
    spentReceive: { value: 0n, asset: earlier.spentReceive.asset },
  };
}

/** Start of the interval that counts at an instant: null without intervals; undefined outside of them all. */
function currentInterval(limits: Limits | undefined, now: number): { start: string | null } | undefined {
  if (limits?.interval === undefined) return { start: null };
  const interval = parseInterval(limits.interval);
  // NaN, and so never after now, if the intervals are unbounded in the past.
  const begin = boundary(interval, interval.first);
  const period = intervalContaining(interval, now < begin && begin <= now + START_SKEW ? begin : now);
  return period && { start: toInstant(period.start) };
}

interface SpendingRow {
  readonly id: string;
  readonly spentDebit: Amount;
  readonly spentReceive: Amount;
}

interface RowsOfItem {
  readonly ase: string;
  readonly grantId: string;
  readonly identifier: string;
}

const selectRows = (db: Queryable, item: RowsOfItem) =>
  db
    .selectFrom('grant_spending')
    .select(['id', 'spent_debit', 'debit_asset_code', 'debit_asset_scale'])
    .select(['spent_receive', 'receive_asset_code', 'receive_asset_scale'])
    .where('ase', '=', item.ase)
    .where('grant_id', '=', item.grantId)
    .where('identifier', '=', item.identifier)
    .orderBy('updated_at', 'desc')
    .orderBy('id');

const selectOfGrant = statement((db, item: RowsOfItem) => selectRows(db, item).where('interval_start', 'is', null));
const selectOfInterval = statement((db, item: RowsOfItem & { readonly start: string }) =>
  selectRows(db, item).where('interval_start', '=', item.start),
);
const selectNewest = statement((db, item: RowsOfItem) => selectRows(db, item).limit(1));

/** Rows of one interval, one per receive asset, newest first; for `any` only the newest row of all intervals. */
async function findRows(
  db: Queryable,
  { ase, grantId, identifier }: GrantItem,
  start: string | null | 'any',
): Promise<SpendingRow[]> {
  const item = { ase, grantId, identifier };
  const rows = await (start === 'any'
    ? selectNewest.all(db, item)
    : start === null
      ? selectOfGrant.all(db, item)
      : selectOfInterval.all(db, { ...item, start }));
  return rows.map((row) => ({
    id: row.id,
    spentDebit: { value: toAmount(row.spent_debit), asset: toDebitAsset(row) },
    spentReceive: { value: toAmount(row.spent_receive), asset: toReceiveAsset(row) },
  }));
}

/** Every row has the same debit asset, that of the wallet address. */
const sumDebit = (rows: readonly SpendingRow[]): bigint => rows.reduce((sum, row) => sum + row.spentDebit.value, 0n);

function checkLimit(member: 'debitAmount' | 'receiveAmount', limits: Limits | undefined, spent: Amount): void {
  const wire = limits?.[member];
  if (wire === undefined) return;
  const limit = parseAmount(wire);
  if (!sameAsset(limit.asset, spent.asset)) throw insufficientGrant(`${member} is limited in another asset`);
  if (spent.value > limit.value) throw insufficientGrant(`${member} is used up`);
}

const insufficientGrant = (detail: string): Problem => new Problem('insufficient_grant', { detail });
