/** Faults over the control API need a loopback-only world (CT-06). Their effect is checked in `conformance/`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startWorld } from '../support/world.ts';

test('a world that is reachable from other machines rejects faults', async () => {
  for (const [insecure, expected] of [
    [false, 403],
    [true, 201],
  ] as const) {
    await using world = await startWorld({
      publicUrl: 'https://ase.example',
      consent: 'manual',
      signIn: true,
      insecure,
    });
    const response = await fetch(`${world.controlUrl}/faults`, {
      method: 'POST',
      headers: { authorization: `Bearer ${world.controlToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ operation: 'create-quote', kind: 'reset' }),
    });
    assert.equal(response.status, expected, `insecure ${insecure}`);
  }
});
