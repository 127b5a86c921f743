/**
 * Hostile key servers and clients that name them: fetching keys stays within its limits of time and size, reaches no
 * internal address and delays no other client (RFC 9635 §11; AS-30, AS-N09).
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, test } from 'node:test';
import { assertGrowsLess, assertRefused, startAttackedWorld } from '../support/attacked-world.ts';
import { send } from '../support/signed-fetch.ts';

const attacked = startAttackedWorld();

describe('key servers', () => {
  const held: ServerResponse[] = [];
  const servers: { close(): void }[] = [];
  let seen: string[] = [];
  after(() => {
    for (const response of held) response.destroy();
    for (const server of servers) server.close();
  });

  async function hostClient(answer: RequestListener): Promise<string> {
    const server = createServer((req, res) => {
      seen.push(req.url ?? '');
      answer(req, res);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    servers.push({
      close() {
        server.closeAllConnections();
        server.close();
      },
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/client`;
  }

  const ask = (client: string, keyId: string = attacked.environment.keyId) =>
    send(attacked.environment, {
      method: 'POST',
      url: attacked.prepared.auth,
      body: { client, access_token: { access: [{ type: 'quote', actions: ['create'] }] } },
      signed: { privateKey: attacked.environment.privateKey, keyId },
    });

  const json = (res: ServerResponse, body: string): void =>
    void res.writeHead(200, { 'content-type': 'application/json' }).end(body);
  const entry = (kid: string) => ({ kid, alg: 'EdDSA', kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43) });

  test('those that hang, send byte by byte, redirect, compress, or send megabytes: invalid_client', async () => {
    const drips: NodeJS.Timeout[] = [];
    const hostile: Record<string, RequestListener> = {
      hangs: (_req, res) => void held.push(res),
      'byte by byte': (_req, res) => {
        held.push(res.writeHead(200, { 'content-type': 'application/json' }));
        drips.push(setInterval(() => res.write(' '), 50));
      },
      'a megabyte': (_req, res) =>
        json(res, JSON.stringify({ keys: Array(10_000).fill(entry(attacked.environment.keyId)) })),
      'endless megabytes': (_req, res) => {
        res.on('error', () => {});
        const more = (): void => {
          while (!res.destroyed && res.write('x'.repeat(65_536)));
          if (!res.destroyed) res.once('drain', more);
        };
        more();
      },
      'a hundred thousand levels': (_req, res) => json(res, `{"keys":${'['.repeat(100_000)}${']'.repeat(100_000)}}`),
      'away to another origin': (_req, res) => void res.writeHead(302, { location: 'http://127.0.0.1:9/' }).end(),
      'away to metadata': (_req, res) => void res.writeHead(302, { location: 'http://169.254.169.254/' }).end(),
      'round and round': (_req, res) => void res.writeHead(302, { location: '/client/jwks.json' }).end(),
      'a bomb': (_req, res) => void res.writeHead(200, { 'content-encoding': 'gzip' }).end('\x1f\x8b'),
      'no HTTP': (req) => void req.socket.end('junk\r\n\r\n'),
      'ends at once': (req) => void req.socket.destroy(),
      'a header of 100 KB': (_req, res) => void res.writeHead(200, { a: 'a'.repeat(100_000) }).end('{}'),
      'keys without a usable id': (_req, res) => json(res, '{"keys":[null,1,"x",[],{"kid":{}},{"kid":"__proto__"}]}'),
      'no key set': (_req, res) => json(res, '{"keys":{"length":4294967295}}'),
    };
    await attacked.leavesNothing(async () => {
      await assertGrowsLess(10_000_000, async () => {
        const answers = Object.entries(hostile).map(async ([name, answer]) => {
          const refused = await ask(await hostClient(answer));
          assert.equal(refused.body?.error?.code, 'invalid_client', `${name}: ${refused.status} ${refused.text}`);
          assertRefused(refused, 400, 401);
        });
        // While they wait, everybody else does not.
        await attacked.isServed();
        await Promise.all(answers);
      });
    });
    for (const drip of drips) clearInterval(drip);
  });

  test('addresses inside, however they are written', async () => {
    await attacked.leavesNothing(async () => {
      for (const host of [
        '169.254.169.254',
        '2852039166',
        '0xa9fea9fe',
        '[::ffff:169.254.169.254]',
        '0.0.0.0',
        '[fe80::1]',
      ]) {
        assertRefused(await ask(`http://${host}/latest`), 400, 401);
      }
      for (const client of [
        'file:///etc/passwd',
        'http://user:pass@localhost/',
        'gopher://localhost/',
        'http://localhost/?a=b',
      ]) {
        assertRefused(await ask(client), 400, 401);
      }
    });
  });

  test('a flood of unknown key ids: one set is not fetched for each', async () => {
    const client = await hostClient((_req, res) => json(res, '{"keys":[]}'));
    seen = [];
    await attacked.leavesNothing(async () => {
      const asked = performance.now();
      await Promise.all(Array.from({ length: 100 }, () => ask(client, randomUUID())));
      // One to begin with, then at most one each second.
      const most = 2 + Math.floor((performance.now() - asked) / 1000);
      assert.ok(seen.length <= most, `${seen.length} fetches`);
    });
  });

  test('a flood of clients with large key sets: what is kept of them is bounded', async () => {
    const keys = JSON.stringify({
      keys: Array.from({ length: 2000 }, (_, index) => entry(`key-${index}`)),
    });
    assert.ok(keys.length > 180_000);
    const origin = new URL(await hostClient((_req, res) => json(res, keys))).origin;
    await attacked.leavesNothing(async () => {
      const askAll = async (from: number, to: number) => {
        for (let index = from; index < to; index++) assertRefused(await ask(`${origin}/${index}`), 400, 401);
      };
      await askAll(0, 30);
      await assertGrowsLess((100 * keys.length) / 2, () => askAll(30, 130));
    });
  });
});
