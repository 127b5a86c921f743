/**
 * A part of a payment is paid, even where the payer's unit is worth far more than what is missing: a bar of gold pays
 * once, although the receiver refuses the last cent each time (RS-OP-16, RS-OP-18, SET-12, LIM-14, OPI-070).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultWorld, type WorldDefinition } from '../../src/world/definition/definition.ts';
import { controlOf } from '../support/administration.ts';
import { createPayer, type Payer } from '../support/payer.ts';
import { clientEnvironment, startWorld, type TestWorld } from '../support/world.ts';
import { bookOf, eventually } from './support/books.ts';

const XAU = { code: 'XAU', scale: 0 };
const USD = { code: 'USD', scale: 2 };

/** All but the last cent of a bar fits into the first packet. */
const worldWithBars = (bars: bigint): WorldDefinition => ({
  ...defaultWorld,
  prices: { XAU: '100000', USD: '1' },
  maxPacketAmount: 9_999_999n,
  ases: defaultWorld.ases.map((ase) => ({
    ...ase,
    wallets: ase.wallets.map((wallet) => {
      if (wallet.path === '/alice') return { ...wallet, asset: XAU, balance: bars };
      return { ...wallet, asset: USD, balance: 0n };
    }),
  })),
});

/** A payment of one bar whose second packet, the last cent, is refused. Returns the status of its creation. */
async function payWithoutLastCent(world: TestWorld, payer: Payer): Promise<number> {
  const control = controlOf(world);
  await control('DELETE', '/faults');
  assert.equal((await control('POST', '/faults', { operation: 'send-packet', kind: 'status', nth: 2 })).status, 201);
  const incoming = await payer.receive(clientEnvironment(world).receiver, '10000000');
  const answer = await payer.pay((await payer.quote(incoming)).id);
  if (answer.status === 201) await eventually(async () => (await payer.read(answer.body.id)).failed);
  return answer.status;
}

async function balances(world: TestWorld) {
  const [granite, marble] = await world.controls.ledgers();
  assert.deepEqual([granite!.books.balanced, marble!.books.balanced], [true, true]);
  return { sold: bookOf(granite!, 'exchange:XAU:0'), owed: bookOf(granite!, 'peer:marble:USD:2') };
}

test('one bar of gold, three payments whose last cent is refused: the first takes the bar', async () => {
  await using world = await startWorld({ definition: worldWithBars(1n) });
  const payer = await createPayer(clientEnvironment(world));
  for (let n = 1; n <= 3; n += 1) {
    assert.equal(await payWithoutLastCent(world, payer), 201);
    assert.deepEqual(await balances(world), { sold: 1n, owed: 9_999_999n }, `payment ${n}`);
  }
});

test('a limit of one bar allows one of them', async () => {
  await using world = await startWorld({ definition: worldWithBars(3n) });
  const debitAmount = { value: '1', assetCode: 'XAU', assetScale: 0 };
  const payer = await createPayer(clientEnvironment(world), { debitAmount });
  assert.deepEqual([await payWithoutLastCent(world, payer), await payWithoutLastCent(world, payer)], [201, 403]);
  assert.deepEqual((await payer.spent()).spentDebitAmount, debitAmount);
  assert.deepEqual(await balances(world), { sold: 1n, owed: 9_999_999n });
});
