/** Sign-in (AS-N05): passphrases, bounded attempts, and sessions that end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAccount, setPassphrase } from '../../src/administration/accounts.ts';
import { digestPassphrase, matchesPassphrase } from '../../src/crypto/passphrase-digest.ts';
import { receiveRequest } from '../../src/http/received-request.ts';
import { createSignIn } from '../../src/identity-provider/sign-in.ts';
import { createIds } from '../../src/ids.ts';
import { useTestDatabase } from '../database/support/open.ts';

const db = useTestDatabase(prepare);
const ase = 'granite';
const asset = { code: 'USD', scale: 2 };
const clock = { now: 0, businessNow: () => clock.now };

async function prepare(): Promise<void> {
  const digest = await digestPassphrase('correct horse', Buffer.from('salt'));
  await db.transaction(async (tx) => {
    for (const id of ['/alice', '/bob', '/carol']) {
      await createAccount(tx, ase, { id, asset });
      if (id !== '/carol') await setPassphrase(tx, ase, id, digest);
    }
  });
}

const create = () => createSignIn({ ase, db, clock, ids: createIds(undefined, ase) });
const exchange = (cookie = '', origin = 'https://granite.example') =>
  receiveRequest({ method: 'GET', url: '/idp/consent?x=/y', rawHeaders: ['Cookie', cookie] }, origin, Buffer.alloc(0));

test('a digest hides the passphrase and matches only it', async () => {
  const digest = await digestPassphrase('correct horse', Buffer.from('salt'));
  assert.ok(!digest.includes('correct'));
  assert.equal(await matchesPassphrase('correct horse', digest), true);
  assert.equal(await matchesPassphrase('correct horse ', digest), false);
  assert.notEqual(digest, await digestPassphrase('correct horse', Buffer.from('pepper')));
  for (const absent of [null, undefined]) assert.equal(await matchesPassphrase('correct horse', absent), false);
});

const alice = { account: '/alice' };

test('requires the passphrase of the account', async () => {
  const signIn = create();
  assert.deepEqual(await signIn.authenticate('/alice', 'correct horse'), alice);
  assert.deepEqual(await signIn.authenticate(' alice ', 'correct horse'), alice, 'without the slash');
  assert.equal(await signIn.authenticate('/alice', 'wrong'), 'wrong');
  assert.equal(await signIn.authenticate('/carol', ''), 'wrong', 'an account without a passphrase');
  for (const account of ['/nobody', '', 'customer:/alice', '\0']) {
    assert.equal(await signIn.authenticate(account, 'correct horse'), 'wrong');
  }
});

for (const account of ['/alice', '/nobody']) {
  test(`locks ${account} for 15 minutes after five failures from an address, for all processes`, async () => {
    clock.now += 900_000;
    const [signIn, other] = [create(), create()];
    const guesses = Array.from({ length: 8 }, () => signIn.authenticate(account, 'guess'));
    const outcomes = await Promise.all(guesses);
    assert.equal(outcomes.filter((outcome) => outcome === 'wrong').length, 5, 'concurrent attempts count as well');
    assert.equal(await signIn.authenticate(account, 'correct horse'), 'locked');
    assert.equal(await other.authenticate(account.slice(1), 'correct horse'), 'locked', 'another spelling and process');
    assert.deepEqual(await signIn.authenticate('/bob', 'correct horse'), { account: '/bob' });
    assert.notEqual(await signIn.authenticate(account, 'correct horse', '192.0.2.7'), 'locked', 'another address');
    clock.now += 899_999;
    assert.equal(await signIn.authenticate(account, 'correct horse'), 'locked');
    clock.now += 1;
    assert.notEqual(await signIn.authenticate(account, 'correct horse'), 'locked');
  });
}

test('a success resets the count', async () => {
  clock.now += 900_000;
  const signIn = create();
  for (let round = 0; round < 2; round += 1) {
    for (let guess = 0; guess < 4; guess += 1) await signIn.authenticate('/alice', 'guess');
    assert.deepEqual(await signIn.authenticate('/alice', 'correct horse'), alice);
  }
});

test('limits the failures of an address at all accounts, known or not', async () => {
  clock.now += 900_000;
  const signIn = create();
  const address = '192.0.2.8';
  let wrong = 0;
  for (let guess = 0; guess < 60; guess += 1) {
    if ((await signIn.authenticate(`/unknown-${guess}`, 'guess', address)) === 'wrong') wrong += 1;
  }
  assert.equal(wrong, 50);
  assert.deepEqual(await signIn.authenticate('/alice', 'correct horse', '192.0.2.9'), alice, 'others are not affected');
});

test('many attempts at once: few passphrases are checked, and other addresses still find a place', async () => {
  clock.now += 900_000;
  const signIn = create();
  const flood = Array.from({ length: 40 }, (_, index) => signIn.authenticate(`/u${index}`, 'guess', '192.0.2.10'));
  const holder = signIn.authenticate('/alice', 'correct horse', '192.0.2.11');
  assert.deepEqual(await holder, alice);
  const outcomes = await Promise.all(flood);
  assert.ok(outcomes.filter((outcome) => outcome === 'busy').length >= 20, String(outcomes));
});

test('a session is a cookie for the path of the pages, valid for 15 minutes, for all processes', async () => {
  const signIn = create();
  const account = async (cookie: string, by = signIn, origin?: string) =>
    (await by.findSession(exchange(cookie, origin)))?.account;
  const line = await signIn.openSession(exchange('', 'http://localhost'), '/alice');
  assert.match(line, /^idp_session=[\w-]{43}; Path=\/idp; Max-Age=900; HttpOnly; SameSite=Lax$/);
  const secure = await signIn.openSession(exchange(), '/alice');
  assert.match(secure, /^__Host-idp_session=[^;]+; Path=\/; Max-Age=900; HttpOnly; SameSite=Lax; Secure$/);
  const cookie = secure.split(';')[0]!;
  assert.equal(await account(`other=1; ${cookie}`), '/alice');
  assert.equal(await account(cookie, create()), '/alice');
  assert.equal(await account(''), undefined);
  assert.equal(await account(cookie.replace('__Host-', '')), undefined, 'a sibling domain can plant such a cookie');
  for (const forged of [`${cookie}x`, '__Host-idp_session=', '__Host-idp_session=\0']) {
    assert.equal(await account(forged), undefined, forged);
  }
  assert.match(await signIn.closeSession(exchange(cookie)), /^__Host-idp_session=; .*Max-Age=0;/);
  assert.equal(await account(cookie), undefined, 'ended on the server');
  const later = (await signIn.openSession(exchange(), '/alice')).split(';')[0]!;
  clock.now += 899_999;
  assert.equal(await account(later), '/alice');
  clock.now += 1;
  assert.equal(await account(later), undefined);
});
