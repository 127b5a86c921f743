/** Outgoing payments of the floor: the payment in one statement, and its transfers in another. */
import { hash } from 'node:crypto';
import type { Request, Response } from 'express';
import { timeOrderedUuid } from '../../src/ids.ts';
import { query } from './database.ts';
import { amount, bearerToken, digestSecret, instant, Refused, readBody, sendText } from './http.ts';
import { accessItem, FROM_TOKEN, IS_VALID } from './resources.ts';
import { checkSignature } from './signatures.ts';

const UINT64_MAX = '18446744073709551615';

/**
 * Lock, limit, spent amounts, payment and the stored reply, atomic as one statement: the update of the spent amounts
 * waits for the payment that spends from the grant. The reply is stored with the totals that it shows.
 */
const STORE = `with l as (
    insert into outgoing_payment_grant (ase, grant_id) values ($1, $2) on conflict (ase, grant_id) do nothing),
  s as (
    insert into grant_spending (ase, id, grant_id, identifier, debit_asset_code, debit_asset_scale, receive_asset_code,
      receive_asset_scale, spent_debit, spent_receive, updated_at)
    values ($1, $2, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    on conflict (ase, id) do update set spent_debit = grant_spending.spent_debit + $8,
      spent_receive = grant_spending.spent_receive + $9
    where grant_spending.spent_debit + $8 <= $11::numeric
    returning id, spent_debit, spent_receive),
  r as (
    insert into idempotency_key (ase, client_id, operation, key, request_digest, reply, expires_at)
    select $1, $15, 'create-outgoing-payment', $17, $18,
      replace(replace($19::text, '@debit', s.spent_debit::text), '@receive', s.spent_receive::text)::json, $20 from s
    returning reply)
  insert into outgoing_payment (ase, id, quote_id, wallet_address_id, account_id, client_id, grant_id, spending_id,
    state, funded, sent_amount, delivered_amount, metadata, created_at, accepted_at, attempts, next_attempt_at)
  select $1, $12, $13, $14, $21, $15, $2, s.id, 'pending', false, 0, 0, $16, $10, $10, 0, $10 from s
  returning (select reply::text from r) as reply`;

/** Claim, hold, delivery, balances, receiver and the end of one payment within the ASE. */
const SETTLE = `with job as (
    update outgoing_payment o set state = 'completed', funded = true, sent_amount = q.debit_amount - q.fee,
      delivered_amount = q.receive_amount, next_attempt_at = null
    from quote q
    where o.ase = $1 and o.id = $2 and o.state = 'pending' and q.ase = o.ase and q.id = o.quote_id
    returning o.id, o.account_id as payer, q.debit_amount as debit, q.receive_amount as receive,
      right(q.receiver, 36) as receiver, 'hold:' || q.debit_asset_code || ':' || q.debit_asset_scale as hold),
  p as (
    update incoming_payment p set received_amount = p.received_amount + job.receive,
      completed = coalesce(p.received_amount + job.receive = p.incoming_amount, false),
      partly_paid = p.received_amount + job.receive is distinct from p.incoming_amount
    from job
    where p.ase = $1 and p.id = job.receiver and not p.completed
      and (p.incoming_amount is null or p.received_amount + job.receive <= p.incoming_amount)
    returning p.account_id as payee),
  b as (
    update account a set balance = a.balance + d.delta
    from (select payer as id, -debit as delta from job union all select payee, receive from p, job) d
    where a.ase = $1 and a.id = d.id),
  t as (
    insert into ledger_transfer (ase, id, created_at)
    select $1, 'outgoing:' || job.id || kind, $3::timestamptz from job, unnest(array[':hold', ':delivery']) as kind)
  insert into ledger_entry (ase, transfer_id, account_id, amount)
  select $1, 'outgoing:' || job.id || e.kind, e.account, e.value from job, p, lateral (values
    (':hold', job.payer, -job.debit), (':hold', job.hold, job.debit),
    (':delivery', job.hold, -job.debit), (':delivery', p.payee, job.receive)) as e(kind, account, value)`;

const due: string[] = [];
let isSettling = false;

async function settle(): Promise<void> {
  if (isSettling) return;
  isSettling = true;
  for (let id = due.shift(); id !== undefined; id = due.shift()) {
    await query('settle', SETTLE, [id, instant(Date.now())]).catch((error) => console.error(error.message));
  }
  isSettling = false;
}

/** The account that holds debits, which the program opens with the first payment. */
export async function openHold(code: string, scale: number): Promise<void> {
  await query(
    'open-hold',
    `insert into account (ase, id, kind, asset_code, asset_scale) values ($1, $2, 'hold', $3, $4) on conflict do nothing`,
    [`hold:${code}:${scale}`, code, scale],
  );
}

export function createPayments(origin: string) {
  return {
    async create(req: Request, res: Response): Promise<void> {
      const body = await readBody(req);
      const { walletAddress, quoteId, metadata } = JSON.parse(body.toString());
      const now = Date.now();
      const key = `signature ${/:(.*):/.exec(String(req.headers['signature']))?.[1]}`;
      const [caller] = await query(
        'payment-caller',
        `select g.id as grant_id, g.client_id, g.access, w.id as wallet, w.url, w.account_id, q.id, q.receiver,
           q.debit_amount, q.debit_asset_code, q.debit_asset_scale, q.receive_amount, q.receive_asset_code,
           q.receive_asset_scale, q.expires_at, p.completed, p.incoming_amount, p.received_amount,
           o.id as paid, k.reply
         ${FROM_TOKEN}
         left join wallet_address w on w.ase = t.ase and w.url = $4 and w.active
         left join quote q on q.ase = t.ase and q.id = $5 and q.wallet_address_id = w.id and q.account_id = w.account_id
         left join outgoing_payment o on o.ase = q.ase and o.quote_id = q.id
         left join incoming_payment p on p.ase = q.ase and p.id = right(q.receiver, 36)
         left join idempotency_key k on k.ase = t.ase and k.client_id = g.client_id
           and k.operation = 'create-outgoing-payment' and k.key = $6 and k.expires_at > $3
         where ${IS_VALID}`,
        [digestSecret(bearerToken(req)), instant(now), walletAddress, quoteId.slice(-36), key],
      );
      if (!caller) throw new Refused(401);
      await checkSignature(req, origin, caller['client_id'], body);
      if (caller['reply'] !== null) return sendText(res, 201, JSON.stringify(caller['reply'].body));
      const { limits } = accessItem(caller['access'], 'outgoing-payment', 'create');
      const isPayable = caller['paid'] === null && caller['completed'] === false;
      if (caller['id'] === null || !isPayable || Date.parse(caller['expires_at']) <= now) throw new Refused(400);

      const [id, createdAt] = [timeOrderedUuid(), instant(now)];
      const { debit_asset_code, debit_asset_scale, receive_asset_code, receive_asset_scale } = caller;
      const text = JSON.stringify({
        id: `${origin}/outgoing-payments/${id}`,
        walletAddress: caller['url'],
        quoteId,
        failed: false,
        receiver: caller['receiver'],
        receiveAmount: amount(caller['receive_amount'], receive_asset_code, receive_asset_scale),
        debitAmount: amount(caller['debit_amount'], debit_asset_code, debit_asset_scale),
        sentAmount: amount('0', debit_asset_code, debit_asset_scale),
        ...(metadata && { metadata }),
        createdAt,
        grantSpentDebitAmount: amount('@debit', debit_asset_code, debit_asset_scale),
        grantSpentReceiveAmount: amount('@receive', receive_asset_code, receive_asset_scale),
      });
      const [stored] = await query('payment-store', STORE, [
        ...[caller['grant_id'], caller['url'], debit_asset_code, debit_asset_scale],
        ...[receive_asset_code, receive_asset_scale, caller['debit_amount'], caller['receive_amount'], createdAt],
        ...[limits?.debitAmount?.value ?? UINT64_MAX, id, caller['id'], caller['wallet'], caller['client_id']],
        ...[metadata ? JSON.stringify(metadata) : null, key, hash('sha256', body, 'base64url')],
        ...[`{"status":201,"body":${text}}`, instant(now + 86_400_000), caller['account_id']],
      ]);
      if (!stored) throw new Refused(403);
      sendText(res, 201, (stored['reply'] as string).slice('{"status":201,"body":'.length, -1));
      due.push(id);
      void settle();
    },
  };
}
