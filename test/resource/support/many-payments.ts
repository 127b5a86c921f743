/** Many payments in the tables, and their lists from the handlers, without HTTP. */
import assert from 'node:assert/strict';
import { sql } from 'kysely';
import { toInstant } from '../../../src/database/columns.ts';
import type { Database, Queryable } from '../../../src/database/database.ts';
import { withoutReplica } from '../../../src/database/replica.ts';
import { policies } from '../../../src/http/policy.ts';
import type { ResourceCall } from '../../../src/resource/caller.ts';
import type { ResourceDeps } from '../../../src/resource/deps.ts';
import { createIncomingPaymentHandlers } from '../../../src/resource/incoming-payment.ts';
import { createOutgoingPaymentHandlers } from '../../../src/resource/outgoing-payment.ts';
import type { CursorScope, PageInfo } from '../../../src/resource/pagination.ts';
import { openWallet, USD } from '../../payments/support/payment-rows.ts';

export const kinds = ['incoming', 'outgoing'] as const;
export type Kind = (typeof kinds)[number];

export interface ListedWallet {
  readonly ase: string;
  readonly id: string;
  readonly accountId: string;
  readonly url: string;
}

/** A wallet address whose payments can be listed. */
export async function openListedWallet(db: Database, ase: string): Promise<ListedWallet> {
  const { id, accountId } = await openWallet({ ase, db, asset: USD });
  await db.query
    .insertInto('outgoing_payment_grant')
    .values({ ase, grant_id: `grant of ${id}` })
    .execute();
  await db.query
    .insertInto('grant_spending')
    .values({
      ase,
      id: `spending of ${id}`,
      grant_id: `grant of ${id}`,
      identifier: '',
      interval_start: null,
      debit_asset_code: 'USD',
      debit_asset_scale: 2,
      receive_asset_code: 'USD',
      receive_asset_scale: 2,
      spent_debit: '0',
      spent_receive: '0',
      updated_at: toInstant(0),
    })
    .execute();
  return { ase, id, accountId, url: `https://${ase}.example/${id}` };
}

export interface Filling {
  readonly count: number;
  readonly clientId: string;
  /** Creation time of the first one, in milliseconds; the others follow every `stepMs`. */
  readonly from: number;
  readonly stepMs: number;
}

interface Listed {
  readonly id: string;
  readonly created_at: string;
}

/** Inserts payments in one statement, outgoing ones with their quotes, and returns them. */
export async function insertPayments(
  db: Queryable,
  kind: Kind,
  { ase, id: wallet, accountId }: ListedWallet,
  { count, clientId, from, stepMs }: Filling,
): Promise<Listed[]> {
  const when = sql`${toInstant(from)}::timestamptz + n * make_interval(secs => ${stepMs / 1000}::float8)`;
  const series = sql`generate_series(0, ${count - 1}::int) as n`;
  if (kind === 'incoming') {
    const { rows } = await sql<Listed>`
      insert into incoming_payment (ase, id, wallet_address_id, client_id, asset_code, asset_scale, received_amount,
        completed, expires_at, created_at, account_id)
      select ${ase}, gen_random_uuid()::text, ${wallet}, ${clientId}, 'USD', 2, 0, false, ${when}, ${when}, ${accountId}
      from ${series}
      returning id, created_at`.execute(db);
    return rows;
  }
  const { rows } = await sql<Listed>`
    with quoted as (
      insert into quote (ase, id, wallet_address_id, client_id, receiver, debit_amount, debit_asset_code,
        debit_asset_scale, fee, receive_amount, receive_asset_code, receive_asset_scale, created_at, expires_at,
        account_id)
      select ${ase}, gen_random_uuid()::text, ${wallet}, ${clientId}, 'https://marble.example/incoming-payments/1',
        1, 'USD', 2, 0, 1, 'USD', 2, ${when}, ${when}, ${accountId} from ${series}
      returning id, created_at
    )
    insert into outgoing_payment (ase, id, quote_id, wallet_address_id, client_id, grant_id, spending_id, state, funded,
      sent_amount, delivered_amount, created_at, attempts, account_id)
    select ${ase}, gen_random_uuid()::text, id, ${wallet}, ${clientId}, ${`grant of ${wallet}`},
      ${`spending of ${wallet}`}, 'completed', true, 1, 1, created_at, 0, ${accountId} from quoted
    returning id, created_at`.execute(db);
  return rows;
}

export interface ListRequest {
  readonly kind: Kind;
  readonly wallet: ListedWallet;
  /** Lists the payments of this client only; undefined for the payments of all. */
  readonly ownClientId: string | undefined;
  readonly query: Readonly<Record<string, string>>;
}

export interface Page {
  readonly pagination: PageInfo;
  readonly ids: readonly string[];
}

/** The page that the list's handler returns. */
export async function listPage(db: Queryable, { kind, wallet, ownClientId, query }: ListRequest): Promise<Page> {
  const origin = `https://${wallet.ase}.example`;
  const deps = {
    ase: wallet.ase,
    db: { query: db, replica: withoutReplica(db) },
    resourceServer: origin,
  } as unknown as ResourceDeps;
  const action = ownClientId === undefined ? 'list-all' : 'list';
  const caller = { clientId: ownClientId, access: [{ type: `${kind}-payment`, actions: [action] }] };
  const parameters = new URLSearchParams({ 'wallet-address': wallet.url, ...query });
  const call = {
    policy: policies[`list-${kind}-payments`],
    caller,
    exchange: { rawTarget: `/${kind}-payments?${parameters}` },
  } as unknown as ResourceCall;
  const request = { query: { 'wallet-address': wallet.url } } as never;
  const { status, body } = await (kind === 'incoming'
    ? createIncomingPaymentHandlers(deps)['list-incoming-payments'](call, request)
    : createOutgoingPaymentHandlers(deps)['list-outgoing-payments'](call, request));
  assert.equal(status, 200);
  return { pagination: body.pagination, ids: body.result.map(({ id }: { id: string }) => id.split('/').at(-1)!) };
}

export const scopeOf = ({ kind, wallet, ownClientId }: Omit<ListRequest, 'query'>): CursorScope => ({
  collection: `${kind}-payments`,
  walletAddressId: wallet.id,
  ownClientId,
});
