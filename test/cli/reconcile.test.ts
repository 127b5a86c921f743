/** `touchstone ledger` and `touchstone reconcile` against a running world: what they print, and with what they exit. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { bookTransfer, internalAccountId } from '../../src/payments/ledger.ts';
import { type CallControl, controlOf } from '../support/administration.ts';
import { createPayer } from '../support/payer.ts';
import { clientEnvironment, startWorld, type TestWorld } from '../support/world.ts';

const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

let world: TestWorld;
let control: CallControl;
before(async () => {
  world = await startWorld({ consent: 'auto' });
  control = controlOf(world);
});
after(() => world.close());

const run = (command: string, ...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    const env = { ...process.env, TOUCHSTONE_CONTROL: world.controlUrl };
    execFile(process.execPath, [main, command, ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
const withToken = (command: string, ...args: string[]) => run(command, '--control-token', world.controlToken, ...args);

test('without a token it says what it needs', async () => {
  const { code, stderr } = await run('reconcile');
  assert.equal(code, 1);
  assert.match(stderr, /--control-token/);
  const other = await withToken('reconcile', '--peer-control', 'http://localhost:1');
  assert.equal(other.code, 1);
  assert.match(other.stderr, /--peer-control-token/);
});

test('the ledger shows reversals with their reason', async () => {
  const deposit = { id: 'wrong-7', account: '/alice', amount: '7' };
  assert.equal((await control('POST', '/ases/granite/deposits', deposit)).status, 201);
  const reversal = { transfer: 'deposit:wrong-7', reason: 'typed twice' };
  assert.equal((await control('POST', '/ases/granite/reversals', reversal)).status, 201);
  const { code, stdout } = await withToken('ledger');
  assert.equal(code, 0);
  assert.match(stdout, /reversed {2}deposit:wrong-7 at \S+: "typed twice"/);
  assert.match(stdout, /granite[\s\S]*balanced[\s\S]*marble[\s\S]*balanced/);
});

/** A payment of 40 from granite to marble. */
async function pay(): Promise<void> {
  const environment = clientEnvironment(world);
  const payer = await createPayer(environment);
  const quote = await payer.quote(await payer.receive(environment.receiver, '40'));
  assert.equal((await payer.pay(quote.id)).status, 201);
}

test('peers agree; a packet in doubt explains a difference; nothing else does', async () => {
  assert.match((await withToken('reconcile')).stdout, /granite – marble: no packets yet/);
  await pay();
  await world.settled();
  const agreed = await withToken('reconcile');
  assert.equal(agreed.code, 0, agreed.stderr);
  assert.match(agreed.stdout, /granite – marble +EUR\/2 +0\.40 +-0\.40 +0 +0\.00 +agreed/);

  // Marble books the packet, but granite never gets the answer.
  const fault = { operation: 'send-packet', ase: 'granite', kind: 'after-commit', times: 1_000_000 };
  assert.equal((await control('POST', '/faults', fault)).status, 201);
  await pay();
  await world.settled();
  const doubtful = await withToken('reconcile');
  assert.equal(doubtful.code, 0, doubtful.stdout);
  assert.match(doubtful.stdout, /granite – marble +EUR\/2 +0\.40 +-0\.80 +1 +0\.40 +agreed/);
  assert.match((await withToken('ledger')).stdout, /in doubt {2}0\.40 EUR to marble since \S+, payment \S+/);

  // The operator asks marble and settles it with the proof.
  const { packets } = (await control('GET', '/ases/granite/packets-in-doubt')).body;
  const [{ payment, condition }] = packets;
  const { fulfillment } = (await control('GET', `/ases/marble/peers/granite/packets/${condition}`)).body;
  const path = `/ases/granite/packets-in-doubt/${payment}/${condition}`;
  assert.equal((await control('POST', path, { fate: 'fulfilled', fulfillment })).status, 200);
  await world.settled();
  assert.match((await withToken('reconcile')).stdout, /EUR\/2 +0\.80 +-0\.80 +0 +0\.00 +agreed/);
  await control('DELETE', '/faults');

  // Something that no packet explains.
  const eur = { code: 'EUR', scale: 2 };
  await world.db.transaction((tx) =>
    bookTransfer(tx, 'granite', 'wrong', 0, [
      { accountId: internalAccountId('exchange', eur), amount: -5n },
      { accountId: internalAccountId('peer', eur, 'marble'), amount: 5n },
    ]),
  );
  const differing = await withToken('reconcile');
  assert.equal(differing.code, 1);
  assert.match(differing.stdout, /EUR\/2 +0\.85 +-0\.80 +0 +0\.00 +DIFFERENCE 0\.05/);
});
