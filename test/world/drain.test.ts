/** The end of a process in good order: requests in progress are answered as ever. */
import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { signRequest } from '../../src/http/signatures/sign.ts';
import { clientEnvironment, startWorld } from '../support/world.ts';

test('a request in progress can still call servers of the process that ends', async () => {
  const world = await startWorld();
  const environment = clientEnvironment(world);
  const { authServer: url } = (await (await fetch(environment.walletAddress)).json()) as { authServer: string };
  // The client's key and its name come from its wallet address, which is in the same process.
  const access = [{ type: 'outgoing-payment', actions: ['create'], identifier: environment.walletAddress }];
  const value = { client: environment.client, access_token: { access }, interact: { start: ['redirect'] } };
  const body = Buffer.from(JSON.stringify(value));
  const key = { keyid: environment.keyId, privateKey: createPrivateKey(environment.privateKey) };
  const unsigned = { method: 'POST', url, headers: { 'content-type': 'application/json' }, body };
  const headers = { ...signRequest(unsigned, key, Date.now()), expect: '100-continue' };
  const sent = httpRequest(url, { method: 'POST', headers });
  // The server asks for the body once the request is in progress.
  sent.flushHeaders();
  await once(sent, 'continue');

  const closed = world.close();
  const ready = new URL('/readyz', environment.walletAddress);
  while ((await fetch(ready)).status === 200);
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  assert.equal(response.statusCode, 200, await text(response));
  await closed;
  await assert.rejects(fetch(ready));
});
