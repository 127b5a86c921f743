/** ILP over HTTP (ILP-0035): who may send, what is refused, and that only a definite answer is one. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { serializeIlpPrepare } from 'ilp-packet';
import type { Asset } from '../../../src/open-payments/amount.ts';
import { createIlpOverHttpHandler, createIlpOverHttpLink } from '../../../src/payments/ilp/ilp-over-http.ts';
import { LinkError } from '../../../src/payments/ilp/link.ts';

const EUR: Asset = { code: 'EUR', scale: 2 };
const prepare = serializeIlpPrepare({
  amount: '100',
  executionCondition: Buffer.alloc(32),
  expiresAt: new Date('2030-01-01'),
  destination: 'test.marble.abc',
  data: Buffer.alloc(0),
});
const ANSWER = Buffer.from('the answer');

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function serve(receive = async (..._packet: [string, Asset, Buffer]) => ANSWER) {
  const seen: [string, Asset, Buffer][] = [];
  const handler = createIlpOverHttpHandler({
    identify: (token) => /^token-of-(granite|basalt)$/.exec(token)?.[1],
    receive(...packet) {
      seen.push(packet);
      return receive(...packet);
    },
  });
  const origin = await listen(createServer(handler));
  return { origin, seen };
}

const post = (origin: string, { path = '/ilp/EUR/2', body = prepare, headers = {}, method = 'POST' } = {}) =>
  fetch(`${origin}${path}`, {
    method,
    ...(method === 'POST' && { body: new Uint8Array(body) }),
    headers: { authorization: 'Bearer token-of-granite', 'content-type': 'application/octet-stream', ...headers },
  });

function connect(origin: string, options: { token?: string; timeoutMs?: number } = {}) {
  const link = createIlpOverHttpLink({ origin, token: 'token-of-granite', ...options });
  closers.push(() => link.close());
  return link;
}

describe('ILP over HTTP', () => {
  it('carries the bytes, the asset and the name of the peer', async () => {
    const { origin, seen } = await serve();
    let sent = 0;
    const answer = await connect(origin).send(EUR, prepare, () => {
      sent += 1;
    });
    assert.deepEqual(answer, ANSWER);
    assert.deepEqual(seen, [['granite', EUR, prepare]]);
    assert.equal(sent, 1);
    await connect(origin, { token: 'token-of-basalt' }).send(EUR, prepare);
    assert.equal(seen[1]?.[0], 'basalt');
  });

  it('refuses whom it does not know, before it looks at anything else', async () => {
    const { origin, seen } = await serve();
    for (const authorization of ['', 'Bearer', 'Bearer token-of-granit', 'Basic token-of-granite', 'Bearer a b']) {
      const response = await post(origin, { headers: { authorization }, body: Buffer.from('junk') });
      assert.equal(response.status, 401);
      assert.equal(response.headers.get('www-authenticate'), 'Bearer');
    }
    assert.equal(seen.length, 0);
  });

  it('rejects content that is not a packet, is too long, or names an unknown asset', async () => {
    const { origin, seen } = await serve();
    assert.equal((await post(origin, { body: Buffer.from('junk') })).status, 400);
    assert.equal((await post(origin, { body: Buffer.alloc(0) })).status, 400);
    assert.equal((await post(origin, { body: Buffer.alloc(65 * 1024) })).status, 413);
    for (const path of ['/ilp/EUR', '/ilp/EUR/256', '/ilp/EUR/02', '/ilp/EUR/2/', '/ilp/E%55R/2', '/other']) {
      assert.equal((await post(origin, { path })).status, 404);
    }
    assert.equal((await post(origin, { method: 'GET' })).status, 405);
    assert.equal(seen.length, 0);
  });

  it('an error while the packet is booked is answered without its message', async () => {
    const { origin } = await serve(async () => {
      throw new Error('database gone');
    });
    const response = await post(origin);
    assert.equal(response.status, 500);
    assert.equal(await response.text(), '');
    await assert.rejects(connect(origin).send(EUR, prepare), LinkError);
  });

  it('a wrong token, a closed port, silence, half an answer and an endless one are all no answer', async () => {
    const { origin } = await serve();
    await assert.rejects(connect(origin, { token: 'wrong' }).send(EUR, prepare), LinkError);

    const closed = await listen(createServer());
    closers.pop()!();
    await assert.rejects(connect(closed).send(EUR, prepare), LinkError);

    const silent = await listen(createServer(() => {}));
    await assert.rejects(connect(silent, { timeoutMs: 50 }).send(EUR, prepare), LinkError);

    const broken = await listen(
      createServer((_req, res) => {
        res.writeHead(200, { 'content-length': 100 });
        res.write('half', () => res.destroy());
      }),
    );
    await assert.rejects(connect(broken).send(EUR, prepare), LinkError);

    const endless = await listen(createServer((_req, res) => res.end(Buffer.alloc(65 * 1024))));
    await assert.rejects(connect(endless).send(EUR, prepare), LinkError);
  });
});
