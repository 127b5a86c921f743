/** Sign-in (AS-N05): passphrases, bounded attempts, and signed sessions. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createAccount, setPassphrase } from '../../src/administration/accounts.ts';
import { digestPassphrase, matchesPassphrase } from '../../src/crypto/passphrase-digest.ts';
import type { Database } from '../../src/database/database.ts';
import { receiveRequest } from '../../src/http/received-request.ts';
import { createSignIn } from '../../src/identity-provider/sign-in.ts';
import { openEmbedded } from '../database/support/open.ts';

let db: Database;
const ase = 'granite';
const asset = { code: 'USD', scale: 2 };
const clock = { now: 0, businessNow: () => clock.now };

before(async () => {
  db = await openEmbedded();
  const digest = await digestPassphrase('correct horse', Buffer.from('salt'));
  await db.transaction(async (tx) => {
    for (const id of ['/alice', '/bob', '/carol']) {
      await createAccount(tx, ase, { id, asset });
      if (id !== '/carol') await setPassphrase(tx, ase, id, digest);
    }
  });
});
after(() => db.close());

const create = (secret = 'secret') => createSignIn({ ase, db, clock, secret });
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

test('requires the passphrase of the account', async () => {
  const signIn = create();
  assert.equal(await signIn.authenticate('/alice', 'correct horse'), '/alice');
  assert.equal(await signIn.authenticate(' alice ', 'correct horse'), '/alice', 'without the slash');
  assert.equal(await signIn.authenticate('/alice', 'wrong'), 'wrong');
  assert.equal(await signIn.authenticate('/carol', ''), 'wrong', 'an account without a passphrase');
  for (const account of ['/nobody', '', 'customer:/alice', '\0']) {
    assert.equal(await signIn.authenticate(account, 'correct horse'), 'wrong');
  }
});

test('locks an account for 15 minutes after five failures', async () => {
  const signIn = create();
  const guesses = Array.from({ length: 8 }, () => signIn.authenticate('/alice', 'guess'));
  const outcomes = await Promise.all(guesses);
  assert.equal(outcomes.filter((outcome) => outcome === 'wrong').length, 5, 'concurrent attempts count as well');
  assert.equal(await signIn.authenticate('/alice', 'correct horse'), 'locked');
  assert.equal(await signIn.authenticate('/bob', 'correct horse'), '/bob');
  clock.now += 899_999;
  assert.equal(await signIn.authenticate('/alice', 'correct horse'), 'locked');
  clock.now += 1;
  assert.equal(await signIn.authenticate('/alice', 'correct horse'), '/alice');
  for (let guess = 0; guess < 4; guess += 1) await signIn.authenticate('/alice', 'guess');
  assert.equal(await signIn.authenticate('/alice', 'correct horse'), '/alice', 'a success resets the count');
});

test('a session is a cookie for the path of the pages, valid for 15 minutes', () => {
  const signIn = create();
  const line = signIn.openSession(exchange(), '/alice');
  assert.match(line, /^idp_session=[^;]+; Path=\/idp; Max-Age=900; HttpOnly; SameSite=Lax; Secure$/);
  assert.ok(!signIn.openSession(exchange('', 'http://localhost'), '/alice').includes('Secure'));
  const cookie = line.split(';')[0]!;
  assert.equal(signIn.readSession(exchange(`other=1; ${cookie}`)), '/alice');
  assert.equal(signIn.readSession(exchange()), undefined);
  const [account, expiresAt, signature] = cookie.split('=')[1]!.split('.') as [string, string, string];
  const bob = Buffer.from('/bob').toString('base64url');
  for (const forged of [
    `${bob}.${expiresAt}.${signature}`,
    `${account}.${Number(expiresAt) + 1}.${signature}`,
    `${account}.${expiresAt}.`,
    `${account}.${expiresAt}`,
    '',
  ]) {
    assert.equal(signIn.readSession(exchange(`idp_session=${forged}`)), undefined, forged);
  }
  assert.equal(create('another').readSession(exchange(cookie)), undefined);
  assert.match(signIn.closeSession(exchange()), /^idp_session=; .*Max-Age=0;/);
  clock.now += 900_000;
  assert.equal(signIn.readSession(exchange(cookie)), undefined);
});
