/** The settings cache: it loads changes of other processes, and queries nothing else without a change. */
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { setFees, setPrices } from '../../src/administration/fees.ts';
import { createPeer } from '../../src/administration/peers.ts';
import { addSecret } from '../../src/administration/secrets.ts';
import { openSettings } from '../../src/administration/settings.ts';
import { toJson } from '../../src/database/columns.ts';
import { createIds } from '../../src/ids.ts';
import { createPeers } from '../../src/payments/ilp/peers.ts';
import { useTestDatabase } from '../database/support/open.ts';

const usd = { code: 'USD', scale: 2 };
const ids = createIds('settings', 'test');

const db = useTestDatabase();
beforeEach(async () => {
  await db.clear(['granite', 'marble'], 'world');
  for (const ase of ['granite', 'marble']) {
    await db.query
      .insertInto('ase')
      .values({ ase, secrets: toJson(['first']) })
      .execute();
  }
});

const basalt = {
  name: 'basalt',
  prefix: 'test.basalt',
  endpoint: 'https://basalt.example',
  incomingToken: 'the-token-of-basalt',
  outgoingToken: 'the-token-for-basalt',
  maxPacketAmount: 7n,
};
const rules = { prefix: 'test.granite', allowHttp: false };

test('a refresh loads each change, in every process of the ASE and in no other ASE', async () => {
  const [one, two, other] = [
    await openSettings(db.query, 'granite'),
    await openSettings(db.query, 'granite'),
    await openSettings(db.query, 'marble'),
  ];
  const untouched = other.current();
  const fee = { basisPoints: 5, fixed: 3n };
  await db.transaction((tx) => setFees(tx, 'granite', [{ asset: usd, fee }]));
  await db.transaction((tx) => setPrices(tx, 'granite', { USD: '2' }));
  await db.transaction((tx) => createPeer(tx, 'granite', rules, basalt));
  await db.transaction((tx) => addSecret(tx, 'granite', ids));
  assert.deepEqual([one.current().version, one.current().peers], [0, []]);
  for (const memory of [one, two]) {
    const { version, prices, peers, secrets, fee: feeOf } = await memory.refresh();
    assert.deepEqual([version, prices, peers.length, secrets.length], [4, { USD: '2' }, 1, 2]);
    assert.deepEqual([feeOf(usd), feeOf({ code: 'USD', scale: 3 })], [fee, { basisPoints: 0, fixed: 0n }]);
    assert.equal(peers[0]?.balanceLimit, undefined);
    assert.equal(memory.current(), await memory.refresh(), 'without a change the settings are not read again');
  }
  assert.equal(await other.refresh(), untouched);
});

test('a change that is rolled back is not loaded', async () => {
  const memory = await openSettings(db.query, 'granite');
  const failing = db.transaction(async (tx) => {
    await setPrices(tx, 'granite', { USD: '2' });
    throw new Error('no');
  });
  await assert.rejects(failing, /no/);
  assert.deepEqual((await memory.refresh()).prices, {});
});

test('concurrent changes are all counted', async () => {
  const memory = await openSettings(db.query, 'granite');
  await Promise.all([1, 2, 3, 4].map(() => db.transaction((tx) => addSecret(tx, 'granite', ids))));
  const { secrets, version } = await memory.refresh();
  assert.deepEqual([new Set(secrets).size, version], [5, 4]);
});

test('links stay open until their peer changes or is removed', async () => {
  const memory = await openSettings(db.query, 'granite');
  const opened: string[] = [];
  const closed: string[] = [];
  const peers = createPeers(
    () => memory.current().peers,
    ({ outgoingToken }) => {
      opened.push(outgoingToken);
      return { send: async () => Buffer.alloc(0), close: () => closed.push(outgoingToken) };
    },
  );
  await db.transaction((tx) => createPeer(tx, 'granite', rules, basalt));
  await memory.refresh();
  assert.deepEqual(
    [peers.list().length, peers.identify(basalt.incomingToken), peers.identify('x')],
    [1, 'basalt', undefined],
  );
  await db.query.updateTable('peer').set({ max_packet_amount: '9' }).execute();
  await db.transaction((tx) => setPrices(tx, 'granite', {}));
  await memory.refresh();
  assert.equal(peers.list()[0]?.maxPacketAmount, 9n);
  assert.deepEqual([opened, closed], [[basalt.outgoingToken], []]);
  await db.query.deleteFrom('peer').execute();
  await db.transaction((tx) => setPrices(tx, 'granite', {}));
  await memory.refresh();
  assert.deepEqual(
    [peers.list(), closed, peers.identify(basalt.incomingToken)],
    [[], [basalt.outgoingToken], undefined],
  );
});
