/**
 * Fills a database with payments of the past: half of them by one client between two wallet addresses, whose lists
 * become long, the others spread over all wallet addresses, grants and clients. Nothing is booked through the program,
 * so triggers are off; the ledger of the copied payments balances all the same.
 */
import type pg from 'pg';

/** Payments in one statement. */
const CHUNK = 50_000;

/** Rows for each payment: a tenth as many wallet addresses and grants, and four tenths as many used intervals. */
const share = { wallets: 0.1, grants: 0.1, intervals: 0.4, packets: 0.2 };

/** Most payments that a run fills in. Their times are spread so that these end now. */
const MAX_PAYMENTS = 1_000_000;

/** An id of an incoming payment: random, but the same in every run. */
const randomUuid = (kind: string): string => `md5('${kind}' || g)::uuid::text`;

/** Another id like those of the program, in the order of the numbers (RFC 9562 §5.7). */
const uuid = (kind: string, number = 'g'): string => `(
  lpad(to_hex(1704067200000 + 20000 * ${number}::bigint), 12, '0') || '7' || left(md5('${kind}' || ${number}), 3) ||
  '8' || right(md5('${kind}' || ${number}), 15))::uuid::text`;
const createdAt = `date_trunc('second', now()) - interval '20 seconds' * (${MAX_PAYMENTS} - g)`;

/** Ids of the rows that payment `g` belongs to, `$3` of $4 wallet addresses; even payments are those of one client. */
const party = (name: string, offset: number) => `(
  select id, account_id, url from wallet_address where ase = 'granite' and
    path = case when g % 2 = 0 then '/${name}' else '/filled/' || (g + ${offset}) % $3::int end)`;
const client = `case when g % 2 = 0 then $4 else 'https://client' || g % 1000 || '.example/' end`;

const wallets = `
  with a as (
    insert into account (ase, id, kind, asset_code, asset_scale, balance)
    select 'granite', 'customer:/filled/' || g, 'customer', 'USD', 2, 0 from generate_series($1::int, $2::int) g)
  insert into wallet_address (ase, id, path, url, public_name, account_id, active, created_at)
  select 'granite', ${uuid('wallet')}, '/filled/' || g, $3 || '/filled/' || g, 'Filled', 'customer:/filled/' || g, true,
    now()
  from generate_series($1::int, $2::int) g`;

const grants = `
  with g as (
    insert into gnap_grant (ase, id, state, finalization, client_id, client_wallet_address, access, continue_id,
      continue_digest, wait, continued_at, created_at)
    select 'granite', ${uuid('grant')}, 'finalized', 'issued', ${client.replace('$4', '$3')}, ${client.replace('$4', '$3')},
      '[{"type":"outgoing-payment","actions":["create","read"]}]', ${uuid('continue')}, md5('c' || g), 0, now(), now()
    from generate_series($1::int, $2::int) g),
  o as (
    insert into outgoing_payment_grant (ase, grant_id)
    select 'granite', ${uuid('grant')} from generate_series($1::int, $2::int) g),
  s as (
    insert into grant_spending (ase, id, grant_id, identifier, debit_asset_code, debit_asset_scale, receive_asset_code,
      receive_asset_scale, spent_debit, spent_receive, updated_at)
    select 'granite', ${uuid('spending')}, ${uuid('grant')}, 'https://wallet.example/', 'USD', 2, 'USD', 2, 10, 10, now()
    from generate_series($1::int, $2::int) g)
  insert into access_token (ase, id, grant_id, manage_id, value_digest, created_at, expires_at)
  select 'granite', ${uuid('token')}, ${uuid('grant')}, ${uuid('manage')}, md5('v' || g), now(),
    now() + interval '7 days'
  from generate_series($1::int, $2::int) g`;

const payments = `
  with p as materialized (
    select g, payer.id as payer, payer.account_id as payer_account, payee.id as payee,
      payee.account_id as payee_account,
      ${client} as client, ${createdAt} as at
    from generate_series($1::int, $2::int) g, lateral ${party('alice', 1)} payer, lateral ${party('amelia', 0)} payee),
  i as (
    insert into incoming_payment (ase, id, wallet_address_id, account_id, client_id, asset_code, asset_scale,
      incoming_amount, received_amount, completed, expires_at, created_at, grant_id)
    select 'granite', ${randomUuid('incoming')}, payee, payee_account, client, 'USD', 2, 1, 1, true, at + interval '30 days', at,
      ${uuid('grant', '(g % $5::int)')} from p),
  q as (
    insert into quote (ase, id, wallet_address_id, account_id, client_id, receiver, debit_amount, debit_asset_code,
      debit_asset_scale, fee, receive_amount, receive_asset_code, receive_asset_scale, created_at, expires_at)
    select 'granite', ${uuid('quote')}, payer, payer_account, client, $6 || '/incoming-payments/' || ${randomUuid('incoming')},
      1, 'USD', 2, 0, 1, 'USD', 2, at, at + interval '15 minutes' from p),
  o as (
    insert into outgoing_payment (ase, id, quote_id, wallet_address_id, account_id, client_id, grant_id, spending_id,
      state, funded, sent_amount, delivered_amount, created_at, accepted_at, attempts)
    select 'granite', ${uuid('outgoing')}, ${uuid('quote')}, payer, payer_account, client,
      ${uuid('grant', '(g % $5::int)')}, ${uuid('spending', '(g % $5::int)')}, 'completed', true, 1, 1, at, at, 0 from p),
  t as (
    insert into ledger_transfer (ase, id, created_at)
    select 'granite', 'outgoing:' || ${uuid('outgoing')} || kind, at from p, unnest(array[':hold', ':delivery']) kind),
  e as (
    insert into ledger_entry (ase, transfer_id, account_id, amount)
    select 'granite', 'outgoing:' || ${uuid('outgoing')} || e.kind, e.account, e.value
    from p, lateral (values (':hold', payer_account, -1), (':hold', 'hold:USD:2', 1),
      (':delivery', 'hold:USD:2', -1), (':delivery', payee_account, 1)) e(kind, account, value)),
  packets as (
    insert into outgoing_packet (ase, payment_id, condition, sequence, peer, prepare, source_amount, amount, state,
      prepared_at)
    select 'granite', ${uuid('outgoing')}, md5('condition' || g), 1, 'marble', 'x', 1, 1, 'fulfilled', at
    from p where g % ${1 / share.packets} = 0)
  insert into incoming_packet (ase, peer, condition, incoming_payment_id, amount, reply, booked_at, expires_at)
  select 'granite', 'marble', md5('condition in' || g), ${randomUuid('incoming')}, 1, 'x', at, at + interval '30 seconds'
  from p where g % ${1 / share.packets} = 0`;

/** Used intervals of one grant, a minute each. */
const intervals = `
  insert into grant_spending (ase, id, grant_id, identifier, interval_start, debit_asset_code, debit_asset_scale,
    receive_asset_code, receive_asset_scale, spent_debit, spent_receive, updated_at)
  select 'granite', ${uuid('interval')}, $3, $4, date_trunc('minute', now()) - interval '1 minute' * (g + 60), 'USD', 2,
    'USD', 2, 1, 1, now() - interval '1 minute' * (g + 60) from generate_series($1::int, $2::int) g`;

export interface FillOptions {
  readonly origin: string;
  /** Client of the long lists. */
  readonly client: string;
  /** The grant whose intervals are used, and the wallet address that its access names. */
  readonly intervalGrant: string;
  readonly identifier: string;
}

/** Adds the rows between two sizes, in payments. Both are multiples of 1,000. */
export async function fill(db: pg.Client, from: number, to: number, options: FillOptions): Promise<void> {
  const { origin, client, intervalGrant, identifier } = options;
  await db.query("set session_replication_role = 'replica'");
  const counted = (part: number) => [from * part + (from === 0 ? 0 : 1), to * part];
  await db.query(wallets, [...counted(share.wallets), origin]);
  await db.query(grants, [...counted(share.grants), client]);
  await db.query(intervals, [...counted(share.intervals), intervalGrant, identifier]);
  await db.query(
    `insert into account (ase, id, kind, asset_code, asset_scale) values ('granite', 'hold:USD:2', 'hold', 'USD', 2)
     on conflict do nothing`,
  );
  for (let first = from + 1; first <= to; first += CHUNK) {
    const last = Math.min(first + CHUNK - 1, to);
    await db.query(payments, [first, last, to * share.wallets, client, to * share.grants, origin]);
  }
  await db.query("set session_replication_role = 'origin'");
  await db.query('vacuum analyze');
}
