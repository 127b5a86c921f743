/**
 * The invariants that hold after a chaos run, checked in the databases with independent SQL: each statement finds the
 * rows that break a rule (SET-07, ILP-18).
 */
import type { ThrowAwayPostgreSql } from './postgresql.ts';

/** A rule, and what broke it: nothing, if it holds. */
export interface Finding {
  readonly rule: string;
  readonly broken: readonly string[];
}

/** Rules about one ASE alone: `$1` is its key. */
const rules: Readonly<Record<string, string>> = {
  'every transfer sums to zero in each asset': `
    select e.transfer_id, a.asset_code, a.asset_scale, sum(e.amount)
    from ledger_entry e join account a on a.ase = e.ase and a.id = e.account_id
    where e.ase = $1 group by 1, 2, 3 having sum(e.amount) <> 0`,

  'a customer has what was booked, and never less than nothing': `
    select a.id, a.balance, sum(e.amount)
    from account a left join ledger_entry e on e.ase = a.ase and e.account_id = a.id
    where a.ase = $1 and a.kind = 'customer'
    group by a.id, a.balance having a.balance <> coalesce(sum(e.amount), 0) or a.balance < 0`,

  'nothing is held any more': `
    select account_id, sum(amount) from ledger_entry
    where ase = $1 and account_id like 'hold:%' group by 1 having sum(amount) <> 0`,

  'every outgoing payment has ended': `
    select id, attempts, failure, next_attempt_at from outgoing_payment where ase = $1 and state = 'pending'`,

  'debit = sent + fee + refund, for each payment as booked': `
    select p.id, p.state, q.debit_amount as debit, h.held, s.sent, h.fee, h.refund
    from outgoing_payment p
    join quote q on q.ase = p.ase and q.id = p.quote_id
    cross join lateral (
      select coalesce(sum(e.amount) filter (where e.transfer_id = 'outgoing:' || p.id || ':hold'), 0) as held,
        coalesce(-sum(e.amount) filter (where e.transfer_id = 'outgoing:' || p.id || ':fee'), 0) as fee,
        coalesce(-sum(e.amount) filter (where e.transfer_id = 'outgoing:' || p.id || ':refund'), 0) as refund
      from ledger_entry e where e.ase = p.ase and e.account_id like 'hold:%'
        and e.transfer_id in ('outgoing:' || p.id || ':hold', 'outgoing:' || p.id || ':fee', 'outgoing:' || p.id || ':refund')
    ) h
    cross join lateral (
      select coalesce(-sum(e.amount), 0) as sent from ledger_entry e
      where e.ase = p.ase and e.account_id like 'hold:%' and e.transfer_id in (
        select 'outgoing:' || p.id || ':delivery'
        union all select 'packet:' || condition || ':out' from outgoing_packet where ase = p.ase and payment_id = p.id)
    ) s
    where p.ase = $1 and p.state <> 'pending' and not (
      s.sent = p.sent_amount and h.held = s.sent + h.fee + h.refund and case
        when p.state = 'completed' then h.held = q.debit_amount and h.fee = q.fee and h.refund = 0
        when p.funded then h.held = q.debit_amount
          and h.fee = ceil(q.fee::numeric * p.delivered_amount / q.receive_amount)
        else h.held = 0 end)`,

  'what a payment delivered are its fulfilled packets, all of the amount if it completed': `
    select p.id, p.state, q.receive_amount, p.delivered_amount, k.delivered
    from outgoing_payment p
    join quote q on q.ase = p.ase and q.id = p.quote_id
    cross join lateral (
      select coalesce(sum(amount), 0) as delivered from outgoing_packet
      where ase = p.ase and payment_id = p.id and state = 'fulfilled'
    ) k
    where p.ase = $1 and (
      p.delivered_amount > q.receive_amount
      or p.state = 'completed' and p.delivered_amount <> q.receive_amount
      or p.delivered_amount <> k.delivered and not exists (
        select from ledger_transfer t where t.ase = p.ase and t.id = 'outgoing:' || p.id || ':delivery'))`,

  'no payment has ended with a packet in doubt': `
    select p.id, p.state, k.sequence, k.amount from outgoing_packet k
    join outgoing_payment p on p.ase = k.ase and p.id = k.payment_id
    where k.ase = $1 and k.state = 'prepared' and p.state <> 'pending'`,

  'an incoming payment received what was delivered to it, and never more than its amount': `
    select p.id, p.incoming_amount, p.received_amount, k.received as by_packets, o.received as from_here, p.completed
    from incoming_payment p
    cross join lateral (
      select coalesce(sum(amount), 0) as received from incoming_packet
      where ase = p.ase and incoming_payment_id = p.id and get_byte(reply, 0) = 13
    ) k
    cross join lateral (
      select coalesce(sum(d.delivered_amount), 0) as received from outgoing_payment d
      join quote q on q.ase = d.ase and q.id = d.quote_id
      where d.ase = p.ase and q.receiver like '%/incoming-payments/' || p.id
    ) o
    where p.ase = $1 and (
      p.received_amount <> k.received + o.received
      or p.incoming_amount is not null
        and (p.received_amount > p.incoming_amount or p.completed <> (p.received_amount = p.incoming_amount)))`,

  'every packet that was answered is in the books': `
    select k.condition, k.amount, e.amount as booked from incoming_packet k
    left join ledger_entry e on e.ase = k.ase and e.transfer_id = 'packet:' || k.peer || ':' || k.condition || ':in'
      and e.account_id like 'peer:%'
    where k.ase = $1 and get_byte(k.reply, 0) = 13 and e.amount is distinct from -k.amount`,

  'a grant has spent what its payments did': `
    select s.id, s.spent_debit, p.debit, s.spent_receive, p.receive from grant_spending s
    cross join lateral (
      select coalesce(sum(case when d.state = 'failed'
        then d.sent_amount + div(q.fee * d.delivered_amount + q.receive_amount - 1, q.receive_amount)
        else q.debit_amount end), 0) as debit,
        coalesce(sum(case when d.state = 'failed' then d.delivered_amount else q.receive_amount end), 0) as receive
      from outgoing_payment d join quote q on q.ase = d.ase and q.id = d.quote_id
      where d.ase = s.ase and d.spending_id = s.id
    ) p
    where s.ase = $1 and (s.spent_debit <> p.debit or s.spent_receive <> p.receive)`,

  'no grant is above its limit': `
    select g.id, sum(s.spent_debit), g.access::jsonb #>> '{0,limits,debitAmount,value}' as most
    from gnap_grant g join grant_spending s on s.ase = g.ase and s.grant_id = g.id
    where g.ase = $1 group by g.ase, g.id, g.access::jsonb
    having sum(s.spent_debit) > coalesce((g.access::jsonb #>> '{0,limits,debitAmount,value}')::numeric, 0)`,

  'nothing is paid twice': `
    select metadata ->> 'mark' as mark, count(*) from outgoing_payment
    where ase = $1 group by 1 having count(*) > 1 or metadata ->> 'mark' is null`,
};

/** Those of each ASE, and those between the two; the database of an ASE has its name. */
export async function findBrokenRules(
  postgres: Pick<ThrowAwayPostgreSql, 'query'>,
  ases: readonly [string, string],
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [rule, sql] of Object.entries(rules)) {
    const broken: string[] = [];
    for (const ase of ases) {
      const rows = await postgres.query(ase, sql, [ase]);
      broken.push(...rows.map((row) => `${ase} ${JSON.stringify(row)}`));
    }
    findings.push({ rule, broken });
  }
  return [...findings, ...(await comparePeers(postgres, ases))];
}

interface SentPacket {
  readonly condition: string;
  readonly amount: string;
  readonly state: 'prepared' | 'fulfilled' | 'rejected';
  readonly asset: string;
}

/** Packet by packet, and in total: two peers may differ only by the packets in doubt. */
async function comparePeers(
  postgres: Pick<ThrowAwayPostgreSql, 'query'>,
  ases: readonly [string, string],
): Promise<Finding[]> {
  const packets: string[] = [];
  const totals = new Map<string, bigint>();
  const add = (asset: string, amount: string) => totals.set(asset, (totals.get(asset) ?? 0n) + BigInt(amount));
  for (const [sender, receiver] of [ases, ases.toReversed()] as [string, string][]) {
    const sent = await postgres.query<SentPacket>(
      sender,
      `select k.condition, k.amount, k.state, q.receive_asset_code || ':' || q.receive_asset_scale as asset
       from outgoing_packet k join outgoing_payment p on p.ase = k.ase and p.id = k.payment_id
       join quote q on q.ase = p.ase and q.id = p.quote_id where k.ase = $1 and k.peer = $2`,
      [sender, receiver],
    );
    const answered = new Map(
      (
        await postgres.query<{ condition: string; amount: string }>(
          receiver,
          'select condition, amount from incoming_packet where ase = $1 and peer = $2 and get_byte(reply, 0) = 13',
          [receiver, sender],
        )
      ).map(({ condition, amount }) => [condition, amount]),
    );
    for (const { condition, amount, state, asset } of sent) {
      const credited = answered.get(condition);
      answered.delete(condition);
      const isRight =
        state === 'fulfilled' ? credited === amount : state === 'rejected' ? credited === undefined : true;
      if (!isRight) packets.push(`${sender} → ${receiver}: ${state} with ${amount}, credited ${credited}`);
      if (state === 'prepared' && credited !== undefined) add(asset, credited);
    }
    for (const amount of answered.values()) packets.push(`${sender} → ${receiver}: ${amount} credited, never sent`);
    const balances = await postgres.query<{ asset: string; balance: string }>(
      sender,
      `select a.asset_code || ':' || a.asset_scale as asset, coalesce(sum(e.amount), 0) as balance
       from account a left join ledger_entry e on e.ase = a.ase and e.account_id = a.id
       where a.ase = $1 and a.kind = 'peer' group by 1`,
      [sender],
    );
    for (const { asset, balance } of balances) add(asset, balance);
  }
  const unequal = [...totals].filter(([, difference]) => difference !== 0n);
  return [
    { rule: 'both ASEs say the same of each packet', broken: packets },
    {
      rule: 'peers owe each other the same, apart from what is in doubt',
      broken: unequal.map(([asset, difference]) => `${asset} differs by ${difference}`),
    },
  ];
}
