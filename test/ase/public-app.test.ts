import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createPublicApp, type Mounted } from '../../src/ase/public-app.ts';
import type { ServerRouter } from '../../src/http/router.ts';

/** Answers with its name and the target that it is given; `?fail` makes it throw, `?leave` leaves the request to others. */
const echo =
  (name: string): ServerRouter =>
  (req, res) => {
    if (req.url.endsWith('?leave')) return undefined;
    if (req.url.endsWith('?fail')) return Promise.reject(new Error('failed'));
    res.end(`${name} ${req.url} of ${req.originalUrl}`);
    return Promise.resolve();
  };

async function startApp(mounted: readonly Mounted[]) {
  const errors: unknown[] = [];
  const app = createPublicApp({
    mounted,
    whyNotReady: async () => 'payments_stopped',
    answerPacket: undefined,
    route: undefined,
    answerNotFound: async (_req, res) => void res.end('nobody'),
    log: { error: (error: unknown) => void errors.push(error) },
  });
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    errors,
    get: async (target: string) => {
      const response = await fetch(origin + target);
      return [response.status, await response.text()] as const;
    },
    [Symbol.dispose]: () => void server.close(),
  };
}

const mounted = [
  { urls: ['http://a.example'], routers: [echo('root')] },
  { urls: ['http://a.example/auth/', 'http://b.example/x/auth'], routers: [echo('auth')] },
];

test('a request goes to the server with the longest base path, and to the next one that takes it', async () => {
  using app = await startApp(mounted);
  assert.deepEqual(await app.get('/AUTH//token/1/?a=/'), [200, 'auth /token/1?a=/ of /AUTH//token/1/?a=/']);
  assert.deepEqual(await app.get('/x/auth'), [200, 'auth / of /x/auth']);
  assert.deepEqual(await app.get('/authority'), [200, 'root /authority of /authority']);
  assert.deepEqual(await app.get('/auth?leave'), [200, 'nobody']);
});

test('health checks are answered before any server', async () => {
  using app = await startApp(mounted);
  assert.deepEqual(await app.get('/livez'), [200, '']);
  assert.deepEqual(await app.get('/readyz/'), [503, '{"ready":false,"reason":"payments_stopped"}']);
});

test('a request whose answer fails gets 500, and those after it are answered', async () => {
  using app = await startApp(mounted);
  assert.deepEqual(await app.get('/auth/?fail'), [500, '']);
  assert.equal(app.errors.length, 1);
  assert.equal((await app.get('/auth'))[0], 200);
});
