/**
 * Two delivering processes on one PostgreSQL: each event arrives once while both live, and none is lost when one is
 * killed. One test lets the leases expire, to prove that the lease is what prevents a second delivery.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { type Database, openDatabase } from '../../src/database/database.ts';
import { createTestDatabase, needsPostgres } from '../support/postgresql.ts';
import { createOneAse, marble, type OneAse } from './support/one-ase.ts';

const skip = needsPostgres;
const options = { skip, timeout: 120_000 };
let url: string;
let drop: () => Promise<void>;
let db: Database;
let one: OneAse;
let first: ChildProcess;
let second: ChildProcess;

before(async () => {
  if (skip) return;
  ({ url, drop } = await createTestDatabase());
  db = await openDatabase({ kind: 'postgresql', url });
  const racer = join(import.meta.dirname, 'support', 'delivery-racer.ts');
  [first, second] = [fork(racer, [url]), fork(racer, [url])];
  await Promise.all([said(first, 'ready'), said(second, 'ready')]);
});
beforeEach(async () => {
  if (!skip) one = await createOneAse(db);
});
afterEach(async () => {
  if (skip) return;
  await one.close();
  await db.clear([marble], 'none');
});
after(async () => {
  if (skip) return;
  for (const child of [first, second]) child.kill('SIGKILL');
  await db.close();
  await drop();
});

const said = (child: ChildProcess, word: string): Promise<void> =>
  new Promise((resolve) => {
    const listen = (message: unknown): void => {
      if (message !== word) return;
      child.off('message', listen);
      resolve();
    };
    child.on('message', listen);
  });

/** Makes the process deliver what is due by a wall clock that is `ahead`; resolves when it has. */
const look = (child: ChildProcess, ahead = 0): Promise<void> => {
  const done = said(child, 'looked');
  child.send({ ahead, webhook: one.webhook });
  return done;
};

/** Stores the events of a payment; only the child processes deliver. */
async function tell(id: string, count = 2): Promise<void> {
  await one.openPayment(id);
  const types = ['incoming_payment.created', 'incoming_payment.completed'] as const;
  await one.announce(id, ...types.slice(0, count));
}

/** The first delivery is answered only when `release` is called; `arrived` resolves when it has arrived. */
function holdFirst(): { arrived: Promise<void>; release: () => void } {
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  one.receiver.react = () => 200;
  one.receiver.before = ({ event }) =>
    event.data.id === 'p' && one.receiver.deliveries.length === 1 ? released : undefined;
  return { arrived: one.receiver.arrived(1), release };
}

test('two processes that look at the same time deliver each event once, in order', options, async () => {
  const payments = Array.from({ length: 60 }, (_, n) => `p${n}`);
  await Promise.all(payments.map((id) => tell(id)));
  await Promise.all([look(first), look(second)]);
  assert.equal(one.receiver.deliveries.length, 2 * payments.length);
  for (const id of payments) {
    const types = one.receiver.deliveries.filter(({ event }) => event.data.id === id).map(({ event }) => event.type);
    assert.deepEqual(types, ['incoming_payment.created', 'incoming_payment.completed'], id);
  }
});

for (const [what, ahead, deliveries] of [
  ['is left alone by another', 0, 1],
  ['would be delivered by another, too, without its lease', 86_400_000, 2],
] as const) {
  test(`what one process is delivering ${what}`, options, async () => {
    const { arrived, release } = holdFirst();
    await tell('p', 1);
    const done = look(first);
    await arrived;
    await look(second, ahead);
    assert.equal(one.receiver.deliveries.length, deliveries);
    release();
    await done;
    assert.equal(one.receiver.deliveries.length, deliveries);
  });
}

test('a process that is killed while it delivers loses nothing: another continues, in order', options, async () => {
  const { arrived, release } = holdFirst();
  await tell('p');
  void look(first);
  await arrived;
  first.kill('SIGKILL');
  await once(first, 'exit');
  release();
  await look(second);
  assert.equal(one.receiver.deliveries.length, 1, 'the lease has not expired');
  await look(second, 15_000);
  const [lost, again, next, ...more] = one.receiver.deliveries;
  assert.equal(again!.event.id, lost!.event.id);
  assert.equal(next!.event.type, 'incoming_payment.completed');
  assert.deepEqual(more, []);
});
