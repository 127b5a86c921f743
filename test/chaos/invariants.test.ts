/** The rules of a chaos run hold for payments that went well or were refunded, and each is seen to be broken. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CompiledQuery, sql } from 'kysely';
import type { Queryable } from '../../src/database/database.ts';
import { useTestDatabase } from '../database/support/open.ts';
import {
  createIncomingPayment,
  createOutgoingPayment,
  EUR,
  incomingPaymentUrl,
  USD,
} from '../payments/support/payment-rows.ts';
import { createTwoAses } from '../payments/support/two-ases.ts';
import { findBrokenRules } from './invariants.ts';

const db = useTestDatabase(prepare);
let ases: [string, string];

/** Both ASEs are in one database here. */
const brokenIn = async (tx: Queryable): Promise<string[]> => {
  const query = async (_database: string, sql: string, values?: unknown[]) =>
    (await tx.executeQuery(CompiledQuery.raw(sql, values))).rows;
  const findings = await findBrokenRules({ query: query as never }, ases);
  return findings.filter(({ broken }) => broken.length > 0).map(({ rule }) => rule);
};

/** Runs `work` in a transaction without the triggers that would reject them, then rolls it back. */
async function withMischief(work: (tx: Queryable, run: (statement: string) => Promise<void>) => Promise<void>) {
  const tx = await db.query.startTransaction().execute();
  const run = async (statement: string) => {
    await tx.executeQuery(CompiledQuery.raw(statement));
  };
  try {
    await run('set local session_replication_role = replica');
    await work(tx, run);
  } finally {
    await tx.rollback().execute();
  }
}

async function prepare(): Promise<void> {
  const { granite, marble } = createTwoAses({ db, maxPacketAmount: 30n });
  ases = [granite.ase, marble.ase];
  const amounts = { debitAmount: 103n, fee: 3n, receiveAmount: 90n };
  const [across, tooSmall, here] = [
    await createIncomingPayment(marble, { incomingAmount: 90n }),
    await createIncomingPayment(marble, { incomingAmount: 50n }),
    await createIncomingPayment(granite),
  ];
  for (const [ase, id, receiveAsset] of [
    [marble.ase, across, EUR],
    [marble.ase, tooSmall, EUR],
    [granite.ase, here, USD],
  ] as const) {
    const receiver = incomingPaymentUrl(ase, id);
    const payment = await createOutgoingPayment(granite, { ...amounts, receiver, receiveAsset });
    const state = await granite.worker.processNow(payment.id);
    assert.equal(state, id === tooSmall ? 'failed' : 'completed');
  }
  await sql`update outgoing_payment set metadata = json_build_object('mark', id)`.execute(db.query);
  await sql`
    insert into gnap_grant
      (ase, id, state, client_id, access, continue_id, continue_digest, wait, continued_at, created_at)
    select ase, grant_id, 'finalized', 'client', '[{"limits":{"debitAmount":{"value":"103"}}}]',
      grant_id, '', 0, now(), now()
    from outgoing_payment_grant`.execute(db.query);
}

test('all hold', async () => {
  assert.deepEqual(await brokenIn(db.query), []);
});

const mischief: Readonly<Record<string, string>> = {
  'every transfer sums to zero in each asset': `update ledger_entry set amount = amount - 1 where account_id like 'deposit:%'`,
  'a customer has what was booked, and never less than nothing': `update account set balance = balance + 1 where kind = 'customer'`,
  'nothing is held any more': `update ledger_entry set amount = amount + 1 where account_id like 'hold:%'`,
  'every outgoing payment has ended': `update outgoing_payment set state = 'pending' where state = 'failed'`,
  'debit = sent + fee + refund, for each payment as booked': `update ledger_entry set amount = 0 where transfer_id like '%:refund'`,
  'what a payment delivered are its fulfilled packets, all of the amount if it completed': `update outgoing_payment set delivered_amount = 89 where state = 'completed'`,
  'no payment has ended with a packet in doubt': `update outgoing_packet set state = 'prepared' where sequence = 2`,
  'an incoming payment received what was delivered to it, and never more than its amount': `update incoming_payment set received_amount = received_amount - 1 where incoming_amount is null`,
  'every packet that was answered is in the books': `delete from ledger_entry where transfer_id like '%:in'`,
  'a grant has spent what its payments did': `update grant_spending set spent_receive = spent_receive + 1`,
  'no grant is above its limit': `update gnap_grant set access = '[{"limits":{"debitAmount":{"value":"102"}}}]'`,
  'nothing is paid twice': `update outgoing_payment set metadata = '{"mark":"one"}'`,
  'both ASEs say the same of each packet': `update outgoing_packet set state = 'rejected' where sequence = 2`,
  'peers owe each other the same, apart from what is in doubt': `update ledger_entry set amount = amount + 1 where account_id like 'peer:%'`,
};

for (const [rule, statement] of Object.entries(mischief)) {
  test(`seen to be broken: ${rule}`, () =>
    withMischief(async (tx, run) => {
      await run(statement);
      const broken = await brokenIn(tx);
      assert.ok(broken.includes(rule), `broken: ${broken.join('; ')}`);
    }));
}

test('a packet in doubt explains what peers owe each other', () =>
  withMischief(async (tx, run) => {
    await run(`delete from ledger_entry where transfer_id in
      (select 'packet:' || condition || ':out' from outgoing_packet where sequence = 2)`);
    const rule = 'peers owe each other the same, apart from what is in doubt';
    assert.ok((await brokenIn(tx)).includes(rule));
    await run(`update outgoing_packet set state = 'prepared' where sequence = 2`);
    assert.ok(!(await brokenIn(tx)).includes(rule));
  }));
