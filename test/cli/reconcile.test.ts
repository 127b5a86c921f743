/** `touchstone ledger`, `reconcile`, `payments` and `log` against a running world: what they print, and with what they exit. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import pino from 'pino';
import { bookTransfer, internalAccountId } from '../../src/payments/ledger.ts';
import { type CallControl, controlOf } from '../support/administration.ts';
import { createPayer } from '../support/payer.ts';
import { clientEnvironment, startWorld, type TestWorld } from '../support/world.ts';

const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

let world: TestWorld;
let control: CallControl;
const logged: string[] = [];
before(async () => {
  world = await startWorld({
    consent: 'auto',
    log: pino({ level: 'warn' }, { write: (line) => void logged.push(line) }),
  });
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

test('payments lists what is stuck and why, and cancels it with a refund; a failed payment is logged with its reason', async () => {
  const inject = (code: string) =>
    control('PUT', '/faults', { operation: 'send-packet', ase: 'granite', kind: 'status', code, times: 1_000_000 });
  const balanceOf = async (account: string) => {
    const { accounts } = (await control('GET', '/ases/granite/accounts')).body;
    return accounts.find(({ id }: { id: string }) => id === account).balance;
  };
  assert.equal((await inject('F99')).status, 200);
  await pay();
  await world.settled();
  const failed = (await control('GET', '/ases/granite/outgoing-payments?state=failed')).body.payments[0];
  assert.deepEqual(
    [failed.failure, failed.lastError],
    ['packet_rejected_F99', 'packet_rejected_F99: a fault on purpose'],
  );
  const line = logged.map((text) => JSON.parse(text)).find(({ payment }) => payment === failed.id);
  assert.deepEqual([line.msg, line.reason, line.ase], ['payment failed', 'packet_rejected_F99', 'granite']);

  assert.equal((await inject('T04')).status, 200);
  const before = await balanceOf('/alice');
  await pay();
  await world.settled();
  const listed = await withToken('payments');
  assert.equal(listed.code, 0, listed.stderr);
  // While an attempt is under way, its packet is in doubt.
  assert.match(
    listed.stdout,
    /granite\n {2}pending since \S+ {2}\S+ USD, sent 0\.00, held \d+\.\d\d {2}\d attempts, next attempt \S+\n.*\n(?: {4}packets in doubt: 1\n)? {4}packet rejected with T04: a fault on purpose\nmarble\n {2}none\n/,
  );
  assert.match((await withToken('payments', '--older-than', '100000')).stdout, /granite\n {2}none/);
  const [, id] = /payment (\S+) to/.exec(listed.stdout)!;
  assert.equal(
    (await control('GET', '/ledger')).body.ases[0].accounts.some(
      (account: { account: string; balance: string }) => account.account === 'hold:USD:2' && account.balance !== '0',
    ),
    true,
  );

  const unexplained = await withToken('payments', '--cancel', id!);
  assert.match(unexplained.stderr, /--cancel needs --reason/);
  let cancelled: Awaited<ReturnType<typeof withToken>>;
  // Its next attempt can be under way.
  do cancelled = await withToken('payments', '--cancel', id!, '--reason', 'stuck since noon');
  while (cancelled.stderr.includes('a packet is in flight'));
  assert.equal(cancelled.code, 0, cancelled.stderr);
  assert.match(cancelled.stdout, /^failed .*held 0\.00[\s\S]*cancelled: stuck since noon/);
  assert.equal(await balanceOf('/alice'), before);
  const [action] = (await control('GET', '/ases/granite/actions')).body.actions;
  assert.deepEqual([action.operation, action.detail], ['cancel-payment', { reason: 'stuck since noon', payment: id }]);
  const again = await withToken('payments', '--cancel', id!, '--reason', 'again');
  assert.equal(again.code, 1);
  assert.match(again.stderr, /the payment has ended/);
  const unknown = await withToken('payments', '--cancel', crypto.randomUUID(), '--reason', 'x');
  assert.match(unknown.stderr, /no ASE of this world has the outgoing payment/);
});

test('log prints the newest requests', async () => {
  await fetch(clientEnvironment(world).walletAddress);
  const { code, stdout } = await withToken('log', '--once');
  assert.equal(code, 0);
  assert.match(stdout, /#\d+ [\d:.]+ granite get-wallet-address 200 [\d.]+ ms {2}GET \/alice\n$/);
});
