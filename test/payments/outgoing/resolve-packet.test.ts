/** An operator who has asked the peer resolves a packet in doubt (ILP-18). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LinkError } from '../../../src/payments/ilp/link.ts';
import { type PacketFate, resolvePacketInDoubt } from '../../../src/payments/outgoing/resolve-packet.ts';
import { useTestDatabase } from '../../database/support/open.ts';
import { arrangePayment } from '../support/arrange-payment.ts';

const db = useTestDatabase();

const amounts = { debitAmount: 100n, receiveAmount: 90n };
type Arranged = Awaited<ReturnType<typeof arrangePayment>>;

async function resolve({ granite, clock, payment, read }: Arranged, fate: PacketFate): Promise<void> {
  const [packet] = (await read()).inDoubt;
  const now = { wallNow: clock.wallNow(), businessNow: clock.businessNow() };
  const subject = { paymentId: payment.id, condition: packet!.condition, fate };
  await db.transaction((tx) => resolvePacketInDoubt(tx, granite.ase, subject, now));
}

test('rejected, once it has expired: the payment goes on with another packet', async () => {
  const arranged = await arrangePayment(db, amounts, { fault: (n) => (n === 1 ? 'request lost' : undefined) });
  const { clock, granite, payment, read, packetCount } = arranged;
  const start = clock.wall;
  assert.equal(await granite.worker.processNow(payment.id), 'pending');
  clock.wall = start + 29_999;
  await assert.rejects(resolve(arranged, { kind: 'rejected' }), { code: 'conflict' });
  clock.wall = start + 30_000;
  await resolve(arranged, { kind: 'rejected' });
  assert.equal((await read()).inDoubt.length, 0);
  assert.equal((await read()).outgoing.isDue, true);
  assert.equal(await granite.worker.processNow(payment.id), 'completed');
  const { outgoing, incoming } = await read();
  assert.deepEqual([outgoing.sentAmount, incoming.receivedAmount, packetCount()], [100n, 90n, 2]);
});

test('a worker that is still waiting for the answer finds the payment taken from it', async () => {
  let answer: ((error: Error) => void) | undefined;
  let sent: (() => void) | undefined;
  const isSent = new Promise<void>((done) => {
    sent = done;
  });
  let packets = 0;
  const arranged = await arrangePayment(db, amounts, {
    wrapLink: (link) => ({
      send: (...packet) => {
        packets += 1;
        if (packets > 1) return link.send(...packet);
        sent!();
        return new Promise((_, refuse) => {
          answer = refuse;
        });
      },
    }),
  });
  const { clock, granite, payment, read } = arranged;
  const settling = granite.worker.processNow(payment.id);
  await isSent;
  clock.wall += 60_000;
  await resolve(arranged, { kind: 'rejected' });
  answer!(new LinkError('too late'));
  await settling;
  await granite.worker.processNow(payment.id);
  const { outgoing, incoming, payer } = await read();
  assert.deepEqual([outgoing.state, outgoing.sentAmount, incoming.receivedAmount, payer], ['completed', 100n, 90n, 0n]);
});
