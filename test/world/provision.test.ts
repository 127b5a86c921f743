/** Founding an ASE: repeated it adds what is missing and leaves alone what an administrator has changed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAccount, listAccounts, moveMoney } from '../../src/administration/accounts.ts';
import { findPrices, setFees, setPrices } from '../../src/administration/fees.ts';
import { changePeer, listPeers } from '../../src/administration/peers.ts';
import { openSettings } from '../../src/administration/settings.ts';
import { changeWalletAddress, listWalletAddresses } from '../../src/administration/wallet-addresses.ts';
import { createIds } from '../../src/ids.ts';
import { defaultWorld } from '../../src/world/definition/definition.ts';
import { type ProvisionOptions, provisionAse } from '../../src/world/provision.ts';
import { useTestDatabase } from '../database/support/open.ts';

const db = useTestDatabase();

const [granite] = defaultWorld.ases;
const marble = {
  name: 'marble',
  prefix: 'test.marble',
  endpoint: 'http://localhost:4100',
  incomingToken: 'token-of-marble-1',
  outgoingToken: 'token-for-marble-1',
  maxPacketAmount: 9n,
};
const founding: ProvisionOptions = {
  key: 'granite',
  prefix: 'test.granite',
  definition: granite!,
  origin: 'http://localhost:4000',
  ids: createIds('founding', 'granite'),
  now: 0,
  client: { path: '/client', keyId: 'key' },
  signIn: false,
  prices: { USD: '1' },
  fee: { basisPoints: 1, fixed: 2n },
  peers: [marble],
  replacePeerTokens: false,
};

test('a repetition adds what is missing and keeps changes', async () => {
  await provisionAse(db, founding);
  const balances = await listAccounts(db.query, 'granite');
  const wallets = await listWalletAddresses(db.query, 'granite');
  assert.deepEqual(
    wallets.map(({ url }) => new URL(url).pathname).toSorted(),
    granite!.wallets.map(({ path }) => path).toSorted(),
  );
  const usd = { code: 'USD', scale: 2 };
  const rules = { prefix: 'test.granite', allowHttp: true };
  await db.transaction(async (tx) => {
    await setFees(tx, 'granite', [{ asset: usd, fee: { basisPoints: 7, fixed: 0n } }]);
    await setPrices(tx, 'granite', { EUR: '3' });
    await changeWalletAddress(tx, 'granite', wallets[0]!.id, { active: false }, 0);
    await changePeer(tx, 'granite', rules, 'marble', { balanceLimit: 5n });
  });

  const added = { path: '/new', publicName: 'New', asset: usd, balance: 3n };
  const definition = { ...granite!, wallets: [...granite!.wallets, added] };
  const moved = { ...marble, endpoint: 'http://localhost:5100', outgoingToken: 'token-for-marble-2' };
  await provisionAse(db, { ...founding, definition, peers: [moved] });
  const after = await listAccounts(db.query, 'granite');
  assert.deepEqual(
    after.filter(({ id }) => id !== '/new'),
    balances,
  );
  assert.equal(after.find(({ id }) => id === '/new')?.balance, 3n);
  const again = await listWalletAddresses(db.query, 'granite');
  assert.equal(again.find(({ id }) => id === wallets[0]!.id)?.active, false);
  assert.deepEqual(await findPrices(db.query, 'granite'), { EUR: '3' });
  const { fee, peers, secrets } = (await openSettings(db.query, 'granite')).current();
  assert.equal(fee(usd).basisPoints, 7);
  assert.equal(secrets.length, 1);
  assert.deepEqual([peers[0]?.outgoingToken, peers[0]?.balanceLimit], [marble.outgoingToken, 5n]);
  assert.equal((await listPeers(db.query, 'granite'))[0]?.endpoint, moved.endpoint);

  await provisionAse(db, { ...founding, peers: [moved], replacePeerTokens: true });
  const renewed = await openSettings(db.query, 'granite');
  assert.equal(renewed.current().peers[0]?.outgoingToken, moved.outgoingToken);
});

test('a database is refused at another origin than that of its wallet addresses', async () => {
  await provisionAse(db, founding);
  await assert.rejects(
    provisionAse(db, { ...founding, origin: 'http://localhost:4300' }),
    /the database contains http:\/\/localhost:4000\/\w+, but granite would be at http:\/\/localhost:4300: start with/,
  );
});

test('a first deposit is in the asset of the account, if an operator has opened it with another one', async () => {
  const [usd, eur] = ['USD', 'EUR'].map((code) => ({ code, scale: 2 }));
  const options = {
    ...founding,
    key: 'opened',
    prefix: 'test.opened',
    origin: 'http://localhost:4400',
    client: undefined,
  };
  await provisionAse(db, { ...options, definition: { ...granite!, wallets: [] } });
  await db.transaction((tx) => createAccount(tx, 'opened', { id: '/carol', asset: eur! }));
  const carol = { path: '/carol', publicName: 'Carol', asset: usd!, balance: 3n };
  await provisionAse(db, { ...options, definition: { ...granite!, wallets: [carol] } });
  assert.deepEqual(await listAccounts(db.query, 'opened'), [{ id: '/carol', asset: eur, balance: 3n }]);
});

test('a first deposit that an operator has booked counts, if it is the same', async () => {
  const usd = { code: 'USD', scale: 2 };
  const [early, late] = ['/early', '/late'].map((path) => ({ path, publicName: path, asset: usd, balance: 3n }));
  const options = {
    ...founding,
    key: 'booked',
    prefix: 'test.booked',
    origin: 'http://localhost:4200',
    client: undefined,
  };
  const found = (...wallets: (typeof early)[]) =>
    provisionAse(db, { ...options, definition: { ...granite!, wallets: wallets.map((wallet) => wallet!) } });
  await found();
  await db.transaction(async (tx) => {
    await createAccount(tx, 'booked', { id: '/early', asset: usd });
    await moveMoney(tx, 'booked', 'deposit', { id: '/early:1', account: '/early', amount: 3n }, 0);
  });
  await assert.rejects(found({ ...early!, balance: 4n }, late), { code: 'conflict' });
  await found(early, late);
  const balances = (await listAccounts(db.query, 'booked')).map(({ id, balance }) => [id, balance]);
  assert.deepEqual(balances, [
    ['/early', 3n],
    ['/late', 3n],
  ]);
});
