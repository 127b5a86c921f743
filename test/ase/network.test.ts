/** The ASE as a client of other authorization servers (RFC 9635 §11.12). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exportPublicJwk } from '../../src/crypto/derived-keys.ts';
import type { Database } from '../../src/database/database.ts';
import { testAse } from '../support/test-ase.ts';

test('is another client with another key for each authorization server, and publishes each key', async (t) => {
  const ase = await testAse({ db: {} as Database, servers: ['wallet-address'] });
  t.after(ase.close);
  const { clientOf } = ase.network;
  const first = clientOf('https://auth.marble.example');
  const second = clientOf('https://auth.chalk.example');
  assert.notEqual(first.walletAddress, second.walletAddress);
  assert.ok(!first.privateKey.equals(second.privateKey));
  const slashed = clientOf('https://auth.marble.example/');
  assert.equal(slashed.walletAddress, first.walletAddress);
  assert.ok(slashed.privateKey.equals(first.privateKey));

  for (const { walletAddress, privateKey, keyid } of [first, second]) {
    const { keys } = (await (await fetch(`${walletAddress}/jwks.json`)).json()) as { keys: unknown };
    assert.deepEqual(keys, [exportPublicJwk(privateKey, keyid)]);
  }
});
