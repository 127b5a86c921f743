/** Outgoing payments as an operator sees them: state, age, money held, and what the last attempt ran into. */

import { sql } from 'kysely';
import {
  toAmount,
  toAsset,
  toDebitAsset,
  toInstant,
  toLookupText,
  toMillis,
  toReceiveAsset,
} from '../database/columns.ts';
import type { Queryable } from '../database/database.ts';
import type { Amount } from '../open-payments/amount.ts';
import { fromOutgoingPayments } from '../payments/outgoing/from-payments.ts';
import { listPage, newestFirst, oldestFirst, type Page, type PageRequest } from './cursor-page.ts';
import { adminProblem } from './problem.ts';

type PaymentState = 'pending' | 'completed' | 'failed';

export interface OutgoingPaymentDescription {
  readonly id: string;
  readonly state: PaymentState;
  readonly walletAddress: string;
  readonly client: string;
  readonly grant: string;
  readonly receiver: string;
  /** The next hop; undefined for a receiver of this ASE, and before it is known. */
  readonly peer: string | undefined;
  readonly debit: Amount;
  readonly receive: Amount;
  readonly sentAmount: bigint;
  /** The amount on the hold account: zero before the first attempt and after the end. */
  readonly heldAmount: bigint;
  readonly deliveredAmount: bigint;
  /** Wall time, like `nextAttemptAt`. */
  readonly acceptedAt: number;
  /** Attempts in a row without any delivery. */
  readonly attempts: number;
  /** The end of the lease, while a worker has the payment; undefined once it has ended. */
  readonly nextAttemptAt: number | undefined;
  readonly isWorkedOn: boolean;
  readonly lastError: string | undefined;
  /** Code of the reason; undefined unless it failed. */
  readonly failure: string | undefined;
  readonly packetsInDoubt: number;
}

const selectPayments = (db: Queryable, ase: string) =>
  fromOutgoingPayments(db, ase)
    .select(['payment.id', 'payment.state', 'payment.client_id', 'payment.grant_id', 'payment.peer', 'payment.funded'])
    .select(['payment.sent_amount', 'payment.delivered_amount', 'payment.accepted_at', 'payment.attempts'])
    .select(['payment.next_attempt_at', 'payment.lease_owner', 'payment.last_error', 'payment.failure', 'wallet.url'])
    .select(['quote.receiver', 'quote.debit_amount', 'quote.debit_asset_code', 'quote.debit_asset_scale'])
    .select(['quote.receive_amount', 'quote.receive_asset_code', 'quote.receive_asset_scale'])
    .select((select) =>
      select
        .selectFrom('outgoing_packet as packet')
        .select(({ fn }) => fn.countAll<string>().as('count'))
        .whereRef('packet.ase', '=', 'payment.ase')
        .whereRef('packet.payment_id', '=', 'payment.id')
        .where('packet.state', '=', 'prepared')
        .as('packets_in_doubt'),
    );

type PaymentRow = Awaited<ReturnType<ReturnType<typeof selectPayments>['executeTakeFirstOrThrow']>>;

function toDescription(row: PaymentRow): OutgoingPaymentDescription {
  const debit = { value: toAmount(row.debit_amount), asset: toDebitAsset(row) };
  const sentAmount = toAmount(row.sent_amount);
  return {
    id: row.id,
    state: row.state,
    walletAddress: row.url,
    client: row.client_id,
    grant: row.grant_id,
    receiver: row.receiver,
    peer: row.peer ?? undefined,
    debit,
    receive: { value: toAmount(row.receive_amount), asset: toReceiveAsset(row) },
    sentAmount,
    heldAmount: row.state === 'pending' && row.funded ? debit.value - sentAmount : 0n,
    deliveredAmount: toAmount(row.delivered_amount),
    acceptedAt: toMillis(row.accepted_at),
    attempts: row.attempts,
    nextAttemptAt: row.next_attempt_at === null ? undefined : toMillis(row.next_attempt_at),
    isWorkedOn: row.lease_owner !== null,
    lastError: row.last_error ?? undefined,
    failure: row.failure ?? undefined,
    packetsInDoubt: Number(row.packets_in_doubt ?? 0),
  };
}

export interface PaymentFilter extends PageRequest {
  /** Default: pending. */
  readonly state?: PaymentState | undefined;
  /** Only payments that were accepted at least this many seconds ago. */
  readonly olderThan?: number | undefined;
}

/** Pending payments oldest first, ended ones newest first. Throws `invalid_request` for an unknown cursor. */
export const listOutgoingPayments = (
  db: Queryable,
  ase: string,
  { state = 'pending', olderThan, ...page }: PaymentFilter,
  wallNow: number,
): Promise<Page<OutgoingPaymentDescription>> =>
  listPage(
    page,
    ({ acceptedAt, id }) => ({ at: acceptedAt, id }),
    async (after, limit) => {
      const order = state === 'pending' ? oldestFirst : newestFirst;
      const rows = await selectPayments(db, ase)
        .where('payment.state', '=', state)
        .$if(olderThan !== undefined, (query) =>
          query.where('payment.accepted_at', '<=', toInstant(wallNow - olderThan! * 1000)),
        )
        .$call(order({ at: 'payment.accepted_at', id: 'payment.id' }, after, limit))
        .execute();
      return rows.map(toDescription);
    },
  );

/** Throws `not_found`. */
export async function getOutgoingPayment(db: Queryable, ase: string, id: string): Promise<OutgoingPaymentDescription> {
  const row = await selectPayments(db, ase).where('payment.id', '=', toLookupText(id)).executeTakeFirst();
  if (!row) throw adminProblem('not_found', 'no such outgoing payment');
  return toDescription(row);
}

export interface PendingPayments {
  readonly ase: string;
  readonly count: number;
  /** Those whose next attempt is due and that no process works on. */
  readonly due: number;
  /** Wall time; undefined if none is pending. */
  readonly oldest: number | undefined;
}

/** Pending payments of each ASE in the database, also of ASEs without any. */
export async function summarizePending(db: Queryable, wallNow: number): Promise<PendingPayments[]> {
  const rows = await db
    .selectFrom('ase')
    .innerJoinLateral(
      (select) =>
        select
          .selectFrom('outgoing_payment as payment')
          .select(({ fn }) => [fn.count<string>('payment.id').as('count'), fn.min('payment.accepted_at').as('oldest')])
          .select(({ fn }) =>
            fn.count<string>('payment.id').filterWhere('payment.next_attempt_at', '<=', toInstant(wallNow)).as('due'),
          )
          .whereRef('payment.ase', '=', 'ase.ase')
          .where('payment.state', '=', 'pending')
          .as('pending'),
      (join) => join.onTrue(),
    )
    .select(['ase.ase', 'pending.count', 'pending.due', 'pending.oldest'])
    .execute();
  return rows.map(({ ase, count, due, oldest }) => ({
    ase,
    count: Number(count),
    due: Number(due),
    oldest: oldest === null ? undefined : toMillis(oldest),
  }));
}

/** Money that pending payments hold, by ASE and asset: the balances of the ledger's hold accounts, zero included. */
export async function sumHeld(db: Queryable): Promise<(Amount & { readonly ase: string })[]> {
  const rows = await db
    .selectFrom('account')
    .select(['ase', 'asset_code', 'asset_scale'])
    .select((select) =>
      select
        .selectFrom('outgoing_payment as payment')
        .innerJoin('quote', (join) =>
          join.onRef('quote.ase', '=', 'payment.ase').onRef('quote.id', '=', 'payment.quote_id'),
        )
        .select(sql<string>`sum(quote.debit_amount - payment.sent_amount)`.as('value'))
        .whereRef('payment.ase', '=', 'account.ase')
        .where('payment.state', '=', 'pending')
        .where('payment.funded', '=', true)
        .whereRef('quote.debit_asset_code', '=', 'account.asset_code')
        .whereRef('quote.debit_asset_scale', '=', 'account.asset_scale')
        .as('value'),
    )
    .where('kind', '=', 'hold')
    .execute();
  return rows.map(({ ase, value, ...asset }) => ({ ase, asset: toAsset(asset), value: toAmount(value ?? '0') }));
}
