/** The library, as a client's tests use it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CreateWorldOptions, createWorld } from '../src/index.ts';
import { payAcross } from './end-to-end/support/official-client.ts';

test('a world lives as long as its scope, and so does its clock', async () => {
  let address: string;
  {
    await using world = await createWorld({ seed: '1' });
    address = world.env['TOUCHSTONE_WALLET_ADDRESS']!;
    assert.equal((await fetch(address)).status, 200);
    await payAcross({
      walletAddress: address,
      receiver: world.env['TOUCHSTONE_RECEIVER']!,
      client: world.env['TOUCHSTONE_CLIENT']!,
      keyId: world.env['TOUCHSTONE_KEY_ID']!,
      privateKey: world.clientKey!,
    });
    await world.settled();
    await world.setTime(Date.parse('2031-01-01T00:00:00Z'));
    assert.equal('db' in world, false);
  }
  await assert.rejects(fetch(address));
});

test('a world file and TLS', async () => {
  await using world = await createWorld({ world: 'examples/rust/world.yaml', tls: true });
  assert.match(world.env['TOUCHSTONE_WALLET_ADDRESS']!, /^https:/);
  assert.ok(world.authorityFile);
});

const wrong: readonly (readonly [options: object, message: string | RegExp])[] = [
  [{ profil: 'strict' }, 'createWorld: unknown option profil; did you mean profile?'],
  [{ nosuch: 1 }, /^createWorld: unknown option nosuch; the options are world, consent, /],
  [{ profile: 'lax' }, 'createWorld: profile must be one of strict, compat'],
  [{ consent: 'yes' }, 'createWorld: consent must be one of auto, deny, manual'],
  [{ seed: 42 }, "createWorld: seed must be a string that is not empty, such as '42'"],
  [{ port: 65_536, tls: {} }, /^createWorld: port must be .*\ncreateWorld: tls must be /],
  [{ database: 'mysql://localhost' }, 'createWorld: database must be the URL of a PostgreSQL database'],
  [{ world: 'nowhere.yaml' }, 'cannot read nowhere.yaml (ENOENT)'],
];

test('a wrong option is one sentence', async () => {
  for (const [options, message] of wrong) await assert.rejects(createWorld(options as CreateWorldOptions), { message });
});
