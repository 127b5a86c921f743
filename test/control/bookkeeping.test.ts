/** Bookkeeping over the control API: reversals, payments of a grant, the audit log and pagination. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type CallControl, controlOf } from '../support/administration.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
let control: CallControl;
before(async () => {
  world = await startWorld();
  control = controlOf(world);
});
after(() => world.close());

const granite = '/ases/granite';

async function openAccount(id: string): Promise<void> {
  const account = { id, assetCode: 'USD', assetScale: 2 };
  assert.equal((await control('POST', `${granite}/accounts`, account)).status, 201);
}
const move = (kind: 'deposits' | 'withdrawals', id: string, account: string, amount: string) =>
  control('POST', `${granite}/${kind}`, { id, account, amount });
const reverse = (transfer: string, reason = 'booked by mistake') =>
  control('POST', `${granite}/reversals`, { transfer, reason });
async function balanceOf(account: string): Promise<string> {
  const { accounts } = (await control('GET', `${granite}/accounts`)).body;
  return accounts.find(({ id }: { id: string }) => id === account).balance;
}
async function expectBalanced(): Promise<void> {
  const { ases } = (await control('GET', '/ledger')).body;
  assert.deepEqual(
    ases.map(({ balanced }: { balanced: boolean }) => balanced),
    [true, true],
  );
}

test('deposits and withdrawals are reversed once, by a transfer that names them and the reason', async () => {
  await openAccount('hanna');
  await move('deposits', 'hanna-1', 'hanna', '70');
  await move('withdrawals', 'hanna-1', 'hanna', '30');
  assert.equal((await reverse('deposit:hanna-1')).status, 409, 'part of it is gone');
  assert.equal(await balanceOf('hanna'), '40');
  const back = await reverse('withdrawal:hanna-1');
  assert.equal(back.status, 201, back.text);
  assert.deepEqual(
    [back.body.id, back.body.reverses, back.body.reason],
    ['reversal:withdrawal:hanna-1', 'withdrawal:hanna-1', 'booked by mistake'],
  );
  assert.equal(await balanceOf('hanna'), '70');
  assert.equal((await reverse('deposit:hanna-1')).status, 201);
  assert.equal(await balanceOf('hanna'), '0');
  for (const again of ['deposit:hanna-1', 'withdrawal:hanna-1']) assert.equal((await reverse(again)).status, 409);
  assert.equal((await reverse('deposit:nothing')).status, 404);
  assert.equal((await reverse('outgoing:nothing')).status, 404);
  for (const part of ['reversal:deposit:hanna-1', 'outgoing:x:hold', 'packet:x:out', 'whatever']) {
    assert.equal((await reverse(part)).status, 400, part);
  }
  assert.equal((await reverse('deposit:hanna-1', '')).status, 400);
  const { transfers } = (await control('GET', `${granite}/reversals`)).body;
  assert.deepEqual(transfers.map(({ reverses }: { reverses: string }) => reverses).toSorted(), [
    'deposit:hanna-1',
    'withdrawal:hanna-1',
  ]);
  await expectBalanced();
});

test('pages of transfers list each transfer once', async () => {
  await openAccount('ida');
  for (let n = 1; n <= 7; n += 1) await move('deposits', `ida ${n} – ü`, 'ida', `${n}`);
  const seen: string[] = [];
  for (let cursor = ''; ; ) {
    const { body } = await control('GET', `${granite}/transfers?first=3${cursor}`);
    seen.push(...body.transfers.map(({ id }: { id: string }) => id));
    if (!body.hasNextPage) break;
    cursor = `&cursor=${body.endCursor}`;
  }
  assert.equal(new Set(seen).size, seen.length);
  for (let n = 1; n <= 7; n += 1) assert.ok(seen.includes(`deposit:ida ${n} – ü`));
  assert.equal((await control('GET', `${granite}/transfers?cursor=nonsense`)).status, 400);
});

test('pages of a ledger have each account once, and their totals add up', async () => {
  const whole = (await control('GET', '/ledger?ase=granite')).body.ases;
  assert.deepEqual(
    whole.map(({ name, hasNextPage }: { name: string; hasNextPage: boolean }) => [name, hasNextPage]),
    [['granite', false]],
  );
  const accounts: unknown[] = [];
  const debits = new Map<string, bigint>();
  for (let cursor = ''; ; ) {
    const [page] = (await control('GET', `/ledger?ase=granite&first=2${cursor}`)).body.ases;
    assert.ok(page.accounts.length <= 2);
    accounts.push(...page.accounts);
    for (const total of page.totals) {
      debits.set(total.assetCode, (debits.get(total.assetCode) ?? 0n) + BigInt(total.debits));
    }
    if (!page.hasNextPage) break;
    cursor = `&cursor=${page.endCursor}`;
  }
  assert.deepEqual(accounts, whole[0].accounts);
  for (const { assetCode, debits: total } of whole[0].totals) assert.equal(debits.get(assetCode), BigInt(total));
  assert.equal((await control('GET', '/ledger?cursor=x')).status, 400);
  assert.equal((await control('GET', '/ledger?ase=gneiss')).status, 404);
});

test('the audit log records committed changes without secrets, and omits rejected ones', async () => {
  await openAccount('jana');
  await move('deposits', 'jana-1', 'jana', '5');
  await move('deposits', 'jana-1', 'jana', '5');
  await move('deposits', 'jana-1', 'jana', '6');
  const secret = 'token-that-nobody-may-see';
  const peer = { name: 'gneiss', prefix: 'test.gneiss', endpoint: 'http://localhost:1', maxPacketAmount: '10' };
  await control('POST', `${granite}/peers`, { ...peer, incomingToken: `${secret}-1`, outgoingToken: `${secret}-2` });
  const hook = { url: `http://localhost:1/hook?key=${secret}`, secret: `${secret}-3` };
  assert.equal((await control('PUT', `${granite}/webhook`, hook)).status, 200);
  const { text, body } = await control('GET', `${granite}/actions?first=100`);
  assert.ok(!text.includes(secret));
  const done = body.actions.map(({ operation, status }: { operation: string; status: number }) => [operation, status]);
  const count = (operation: string, status: number) =>
    done.filter((entry: unknown) => JSON.stringify(entry) === JSON.stringify([operation, status])).length;
  assert.ok(count('create-peer', 201) === 1 && count('set-webhook', 200) === 1);
  const deposits = body.actions.filter(({ detail }: { detail: { id?: string } }) => detail.id === 'jana-1');
  assert.deepEqual(
    deposits.map(({ status }: { status: number }) => status).toSorted(),
    [200, 201],
    'the refused one is not there',
  );
  assert.deepEqual(deposits[0].detail, { id: 'jana-1', account: 'jana', amount: '5' });
  await control('DELETE', `${granite}/webhook`);
});
