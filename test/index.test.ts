/** The library, as a test of somebody's client uses it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWorld } from '../src/index.ts';
import { payAcross } from './end-to-end/support/official-client.ts';
import { clientEnvironment } from './support/world.ts';

test('a world lives as long as its scope, and so does its clock', async () => {
  let address: string;
  {
    await using world = await createWorld({ seed: '1' });
    address = world.env['TOUCHSTONE_WALLET_ADDRESS']!;
    assert.equal((await fetch(address)).status, 200);
    await payAcross(clientEnvironment(world));
    await world.controls.changeClock({ action: 'set', time: Date.parse('2031-01-01T00:00:00Z') });
    assert.ok(world.controls.clock().now >= Date.parse('2031-01-01T00:00:00Z'));
    const [granite] = await world.controls.ledgers();
    assert.equal(granite?.books.balanced, true);
  }
  await assert.rejects(fetch(address));
});
