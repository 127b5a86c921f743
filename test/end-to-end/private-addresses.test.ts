/**
 * The world of the image's default command: other machines can reach it, and strangers must not be able to make it call
 * private addresses (RFC 9635 §11.34). Its ASEs still reach each other.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import type { EmbeddedWorldOptions } from '../../src/world/embedded.ts';
import { createPayer } from '../support/payer.ts';
import { send } from '../support/signed-fetch.ts';
import { clientEnvironment, startWorld } from '../support/world.ts';

/** The command of the Dockerfile, with automatic consent. */
const image: EmbeddedWorldOptions = { host: '0.0.0.0', controlHost: '0.0.0.0', insecure: true };

/** A service of the internal network, and the requests that reach it. */
async function openInternalService() {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    const authServer = `http://localhost:${port}/admin`;
    const receivedAmount = { value: '0', assetCode: 'USD', assetScale: 2 };
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ authServer, receivedAmount }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = async () => void server.close();
  return { origins: [`http://localhost:${port}`, `http://127.0.0.1:${port}`], requests, [Symbol.asyncDispose]: close };
}

async function readWalletAddress(url: string) {
  return (await (await fetch(url)).json()) as { id: string; authServer: string; resourceServer: string };
}

/** Names the service as client and as receiver. Resolves to the requests that it got. */
async function attack(options: EmbeddedWorldOptions): Promise<string[]> {
  await using service = await openInternalService();
  await using world = await startWorld({ ...image, ...options });
  const client = clientEnvironment(world);
  const payer = await createPayer(client);
  const quote = await payer.quote(await payer.receive(client.receiver, '100'));
  assert.ok(quote.id, 'the ASEs of the world reach each other');

  const { id, authServer, resourceServer } = await readWalletAddress(client.walletAddress);
  const access = [{ type: 'quote', actions: ['create'] }];
  const requestGrant = (walletAddress: string) =>
    send(client, { method: 'POST', url: authServer, body: { client: walletAddress, access_token: { access } } });
  const token = (await requestGrant(client.client)).body.access_token.value;
  for (const origin of service.origins) {
    assert.equal((await requestGrant(`${origin}/stranger`)).status, 400);
    const body = { walletAddress: id, receiver: `${origin}/incoming-payments/1`, method: 'ilp' };
    assert.equal((await send(client, { method: 'POST', url: `${resourceServer}/quotes`, token, body })).status, 400);
  }
  return service.requests;
}

test('the command of the image is the one that is tried here', () => {
  const dockerfile = readFileSync(join(import.meta.dirname, '..', '..', 'Dockerfile'), 'utf8');
  const command = JSON.parse(/^CMD (.*)$/m.exec(dockerfile)?.[1] ?? 'null');
  assert.deepEqual(command, ['start', '--host', '0.0.0.0', '--control-host', '0.0.0.0', '--insecure']);
});

test('private addresses that strangers name are not called', async () => {
  assert.deepEqual(await attack({}), []);
});

test('an operator can allow private addresses', async () => {
  const requests = await attack({ allowPrivateAddresses: 'loopback' });
  for (const request of ['GET /stranger/jwks.json', 'GET /incoming-payments/1', 'POST /admin'])
    assert.ok(requests.includes(request), `${request} in ${requests}`);
});
