/**
 * Crash replay: two ASEs, each a process with a separate PostgreSQL database, over ILP over HTTP. One is killed
 * between two steps and started again; the books balance and the amount arrives once (ILP-18).
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Database, openDatabase } from '../../../src/database/database.ts';
import { readPacketsInDoubt } from '../../../src/payments/ilp/packet-journal.ts';
import { createTestDatabase, needsPostgres } from '../../support/postgresql.ts';
import type { AseProcessSetting } from '../support/ase-process.ts';
import {
  type AsePlace,
  createIncomingPayment,
  createOutgoingPayment,
  EUR,
  incomingPaymentUrl,
  readBalances,
  readIncomingPayment,
  readOutgoingPayment,
  USD,
} from '../support/payment-rows.ts';
import { type AseProcess, spawnAse } from '../support/spawn-ase.ts';

const AMOUNTS = { debitAmount: 103n, fee: 3n, receiveAmount: 90n };

describe('after kill -9', { skip: needsPostgres }, () => {
  const databases: { url: string; drop: () => Promise<void>; db: Database }[] = [];
  let granite: AsePlace;
  let marble: AsePlace;
  const running = new Set<AseProcess>();

  before(async () => {
    for (const _ of ['granite', 'marble']) {
      const place = await createTestDatabase();
      databases.push({ ...place, db: await openDatabase({ kind: 'postgresql', url: place.url }) });
    }
    granite = { ase: 'granite', db: databases[0]!.db, asset: USD };
    marble = { ase: 'marble', db: databases[1]!.db, asset: EUR };
  });
  after(async () => {
    for (const ase of running) await ase.kill();
    for (const { db, drop } of databases) {
      await db.close();
      await drop();
    }
  });

  async function start(setting: Pick<AseProcessSetting, 'ase' | 'peer'> & Partial<AseProcessSetting>) {
    const databaseUrl = databases[setting.ase === 'granite' ? 0 : 1]!.url;
    const ase = await spawnAse({ databaseUrl, port: 0, maxPacketAmount: '30', ...setting });
    running.add(ase);
    return ase;
  }
  const startMarble = (setting: Partial<AseProcessSetting> = {}) =>
    start({ ase: 'marble', peer: { name: 'granite', origin: 'http://127.0.0.1:1' }, ...setting });
  const startGranite = (receiver: AseProcess, failpoint?: string, maxPacketAmount = '30') =>
    start({
      ...{ ase: 'granite', peer: { name: 'marble', origin: receiver.origin }, maxPacketAmount },
      ...(failpoint && { failpoint }),
    });

  async function arrangePayment() {
    const incomingId = await createIncomingPayment(marble, { incomingAmount: AMOUNTS.receiveAmount });
    const receiver = incomingPaymentUrl('marble', incomingId);
    const payment = await createOutgoingPayment(granite, { ...AMOUNTS, receiver, receiveAsset: EUR });
    const owed = async () => (await readBalances(granite))['peer:marble:EUR:2'] ?? 0n;
    const owedBefore = await owed();
    const assertPaidOnce = async () => {
      const outgoing = await readOutgoingPayment(granite, payment.id);
      const incoming = await readIncomingPayment(marble, incomingId);
      const [atGranite, atMarble] = [await readBalances(granite), await readBalances(marble)];
      assert.deepEqual([outgoing.state, outgoing.sentAmount, outgoing.deliveredAmount], ['completed', 100n, 90n]);
      assert.deepEqual([incoming.receivedAmount, incoming.completed], [90n, true]);
      assert.equal(atMarble[incoming.accountId], 90n);
      assert.equal(atGranite[payment.payerAccountId], 0n);
      assert.equal(atGranite['hold:USD:2'], 0n);
      assert.equal((await owed()) - owedBefore, 90n);
      assert.equal(atMarble['peer:granite:EUR:2'], -atGranite['peer:marble:EUR:2']!);
      assert.deepEqual(await readPacketsInDoubt(granite.db.query, 'granite'), []);
    };
    return { payment, incomingId, assertPaidOnce };
  }

  it('of the sender at any step, again and again, the amount arrives once', async () => {
    const receiver = await startMarble();
    const { payment, assertPaidOnce } = await arrangePayment();
    // Three packets. Each process first repeats the packet that the one before it left in doubt.
    const deaths: [failpoint: string, inDoubt: number][] = [
      ['hold-stored', 0],
      ['prepare-stored:2', 1],
      ['packet-booked', 0],
      ['packet-sent', 1],
      ['packet-answered', 1],
    ];
    for (const [failpoint, inDoubt] of deaths) {
      const victim = await startGranite(receiver, failpoint);
      assert.equal(await victim.ended, 'SIGKILL', failpoint);
      assert.equal((await readOutgoingPayment(granite, payment.id)).state, 'pending', failpoint);
      assert.equal((await readPacketsInDoubt(granite.db.query, 'granite')).length, inDoubt, failpoint);
    }
    const successor = await startGranite(receiver);
    await successor.event('job-done');
    await assertPaidOnce();
    await successor.kill();
    await receiver.kill();
  });

  it('of the sender with several packets in flight, the amount arrives once', async () => {
    const receiver = await startMarble({ maxPacketAmount: '5' });
    const { payment, assertPaidOnce } = await arrangePayment();
    // Eighteen packets: the first alone, then as many as there are. Their copies are in flight together as well.
    const victim = await startGranite(receiver, 'prepare-stored:9', '5');
    assert.equal(await victim.ended, 'SIGKILL');
    assert.equal((await readOutgoingPayment(granite, payment.id)).state, 'pending');
    const inDoubt = await readPacketsInDoubt(granite.db.query, 'granite');
    assert.ok(inDoubt.length > 0 && inDoubt.length <= 17, `${inDoubt.length} packets in doubt`);
    const successor = await startGranite(receiver, undefined, '5');
    await successor.event('job-done');
    await assertPaidOnce();
    await successor.kill();
    await receiver.kill();
  });

  it('of the receiver between booking and answering, the amount arrives once', async () => {
    const { incomingId, assertPaidOnce } = await arrangePayment();
    const victim = await startMarble({ failpoint: 'packet-credited:2' });
    const sender = await startGranite(victim);
    assert.equal(await victim.ended, 'SIGKILL');
    assert.equal((await readIncomingPayment(marble, incomingId)).receivedAmount, 60n);
    const successor = await startMarble({ port: victim.port });
    await sender.event('job-done');
    await assertPaidOnce();
    await sender.kill();
    await successor.kill();
  });
});
