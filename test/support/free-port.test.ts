import assert from 'node:assert/strict';
import { Server } from 'node:net';
import { test } from 'node:test';
import { findFreePort } from './free-port.ts';

test('a port that is reserved is not tried: the server that it is for may be about to listen there', async (t) => {
  const reserved = await findFreePort();
  const { mock } = t.mock.method(Server.prototype, 'listen');
  const found = await findFreePort(-1);
  const tried = mock.calls.map((call) => call.arguments[0]);
  assert.ok(found > reserved + 1 && tried.includes(found));
  assert.ok(!tried.includes(reserved));
});
