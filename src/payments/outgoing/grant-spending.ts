/** What an outgoing-payment grant may spend and has spent (LIM-02…08, LIM-13…16, RS-OP-12…14, RS-G-01…08). */
import { sql } from 'kysely';
import { toAmount, toInstant } from '../../database/columns.ts';
import type { Queryable, Transaction } from '../../database/database.ts';
import { Problem } from '../../errors.ts';
import type { Ids } from '../../ids.ts';
import type { Limits } from '../../open-payments/access.ts';
import type { Amount } from '../../open-payments/amount.ts';
import { checkRange, parseAmount, sameAsset } from '../../open-payments/amount.ts';
import { boundary, intervalContaining, parseInterval } from '../../open-payments/interval.ts';

/** One access item of one grant: items have limits of their own (AS-N08). */
export interface GrantItem {
  readonly ase: string;
  readonly grantId: string;
  readonly identifier: string;
  readonly limits: Limits | undefined;
  /** Business time in milliseconds: it names the interval (LIM-N01). */
  readonly now: number;
}

export interface Spending extends GrantItem {
  readonly ids: Ids;
  readonly debit: Amount;
  readonly receive: Amount;
  /** URL of the incoming payment. */
  readonly receiver: string;
}

export interface Reservation {
  /** The `grant_spending` row that counts this payment: where it fails, the unsent part is taken off there (LIM-14). */
  readonly spendingId: string;
  /** Totals with this payment, of the interval if there is one; received only in this payment's asset (RS-G-08). */
  readonly spentDebit: Amount;
  readonly spentReceive: Amount;
}

/** How far the first interval may lie ahead of the clock, so that clocks need not agree exactly (LIM-06). */
const START_SKEW = 60_000;

/**
 * Counts a payment against its grant, or throws `insufficient_grant` (a limit does not allow it) or `invalid_amount`
 * (a total beyond uint64). Payments of one grant wait here for each other until the transaction ends (LIM-13).
 */
export async function reserveSpending(tx: Transaction, spending: Spending): Promise<Reservation> {
  const { ase, grantId, identifier, limits, debit, receive, now } = spending;
  if (limits?.receiver !== undefined && limits.receiver !== spending.receiver) throw refuse('another receiver');
  const interval = currentInterval(limits, now);
  if (interval === undefined) throw refuse('outside of every interval');

  await lockGrant(tx, ase, grantId);
  const rows = await readRows(tx, spending, interval.start);
  const row = rows.find(({ spentReceive }) => sameAsset(spentReceive.asset, receive.asset));
  const spentDebit = { value: sumDebit(rows) + debit.value, asset: debit.asset };
  const spentReceive = { value: (row?.spentReceive.value ?? 0n) + receive.value, asset: receive.asset };
  checkLimit('debitAmount', limits, spentDebit);
  checkLimit('receiveAmount', limits, spentReceive);
  checkRange(spentDebit.value);
  checkRange(spentReceive.value);

  if (row) {
    // Relative: a failed payment may take its part off the same row in the meantime.
    await tx
      .updateTable('grant_spending')
      .set({
        spent_debit: sql<string>`spent_debit + ${`${debit.value}`}::numeric`,
        spent_receive: sql<string>`spent_receive + ${`${receive.value}`}::numeric`,
        updated_at: orderOfUse(spending),
      })
      .where('ase', '=', ase)
      .where('id', '=', row.id)
      .execute();
    return { spendingId: row.id, spentDebit, spentReceive };
  }
  const spendingId = spending.ids.uuid();
  await tx
    .insertInto('grant_spending')
    .values({
      ase,
      id: spendingId,
      grant_id: grantId,
      identifier,
      interval_start: interval.start,
      debit_asset_code: debit.asset.code,
      debit_asset_scale: debit.asset.scale,
      receive_asset_code: receive.asset.code,
      receive_asset_scale: receive.asset.scale,
      spent_debit: `${debit.value}`,
      spent_receive: `${receive.value}`,
      updated_at: orderOfUse(spending),
    })
    .execute();
  return { spendingId, spentDebit, spentReceive };
}

/**
 * The totals of the current interval, or of the grant without one. Both null if nothing was ever spent or no interval
 * holds the present; zero if only other intervals were used; received is null where its assets are mixed (RS-G-08).
 */
export async function readSpending(
  db: Queryable,
  item: GrantItem,
): Promise<{ spentDebit: Amount | null; spentReceive: Amount | null }> {
  const interval = currentInterval(item.limits, item.now);
  if (interval === undefined) return { spentDebit: null, spentReceive: null };
  const [newest, ...others] = await readRows(db, item, interval.start);
  if (newest) {
    const rows = [newest, ...others];
    // A row whose payments all failed holds nothing, and mixes nothing.
    const [used = newest, mixed] = rows.filter(({ spentReceive }) => spentReceive.value > 0n);
    const spentDebit = { value: sumDebit(rows), asset: newest.spentDebit.asset };
    return { spentDebit, spentReceive: mixed ? null : used.spentReceive };
  }
  const [earlier] = interval.start === null ? [] : await readRows(db, item, 'any');
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
  // NaN, and so never ahead, where there is no first one.
  const begin = boundary(interval, interval.first);
  const period = intervalContaining(interval, now < begin && begin <= now + START_SKEW ? begin : now);
  return period && { start: toInstant(period.start) };
}

/** Later than all uses of the grant before, also where the clock stands still or was set back. */
const orderOfUse = ({ ase, grantId, now }: Spending) => sql<string>`greatest(
  ${toInstant(now)}::timestamptz,
  (select max(updated_at) + interval '1 millisecond' from grant_spending where ase = ${ase} and grant_id = ${grantId})
)`;

/** One statement makes and locks the row: to update it, even to what it was, waits for whoever holds it. */
async function lockGrant(tx: Transaction, ase: string, grantId: string): Promise<void> {
  await tx
    .insertInto('outgoing_payment_grant')
    .values({ ase, grant_id: grantId })
    .onConflict((conflict) => conflict.columns(['ase', 'grant_id']).doUpdateSet({ grant_id: grantId }))
    .execute();
}

interface SpendingRow {
  readonly id: string;
  readonly spentDebit: Amount;
  readonly spentReceive: Amount;
}

/** Rows of one interval, one for each receive asset, the newest first; of `any` interval only the newest. */
async function readRows(db: Queryable, item: GrantItem, intervalStart: string | null | 'any'): Promise<SpendingRow[]> {
  const rows = await db
    .selectFrom('grant_spending')
    .select(['id', 'spent_debit', 'debit_asset_code', 'debit_asset_scale'])
    .select(['spent_receive', 'receive_asset_code', 'receive_asset_scale'])
    .where('ase', '=', item.ase)
    .where('grant_id', '=', item.grantId)
    .where('identifier', '=', item.identifier)
    .$if(intervalStart === null, (query) => query.where('interval_start', 'is', null))
    .$if(intervalStart !== null && intervalStart !== 'any', (query) =>
      query.where('interval_start', '=', intervalStart),
    )
    .orderBy('updated_at', 'desc')
    .orderBy('id')
    .$if(intervalStart === 'any', (query) => query.limit(1))
    .execute();
  return rows.map((row) => ({
    id: row.id,
    spentDebit: {
      value: toAmount(row.spent_debit),
      asset: { code: row.debit_asset_code, scale: row.debit_asset_scale },
    },
    spentReceive: {
      value: toAmount(row.spent_receive),
      asset: { code: row.receive_asset_code, scale: row.receive_asset_scale },
    },
  }));
}

/** The debit asset is the wallet address's, so every row has the same. */
const sumDebit = (rows: readonly SpendingRow[]): bigint => rows.reduce((sum, row) => sum + row.spentDebit.value, 0n);

function checkLimit(member: 'debitAmount' | 'receiveAmount', limits: Limits | undefined, spent: Amount): void {
  const wire = limits?.[member];
  if (wire === undefined) return;
  const limit = parseAmount(wire);
  if (!sameAsset(limit.asset, spent.asset)) throw refuse(`${member} is limited in another asset`);
  if (spent.value > limit.value) throw refuse(`${member} is used up`);
}

const refuse = (detail: string): Problem => new Problem('insufficient_grant', { detail });
