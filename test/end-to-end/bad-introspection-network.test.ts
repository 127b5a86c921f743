/**
 * A bad network between the resource server and the authorization server: a request whose token cannot be judged is
 * refused as one to repeat, within a bound, never as one whose token is bad; what needs no token is served, and all is
 * when the network is back (INT-12, INT-13).
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { listen } from '../../src/net/listener.ts';
import { type FaultProxy, type NetworkFault, openFaultProxy } from '../support/fault-proxy.ts';
import { createTestDatabase, needsPostgres } from '../support/postgresql.ts';
import { startProcessTime } from '../support/process-time.ts';
import { send } from '../support/signed-fetch.ts';
import { clientEnvironment, startWorld, type TestWorld } from '../support/world.ts';

/** The resource server waits 5 s for the other. */
const boundMs = 10_000;

describe('token introspection over a network', { skip: needsPostgres }, () => {
  let database: Awaited<ReturnType<typeof createTestDatabase>>;
  let auth: TestWorld;
  let resource: TestWorld;
  let proxy: FaultProxy;
  let resourceServer: string;
  let token: string;

  before(async () => {
    database = await createTestDatabase();
    const free = await listen('127.0.0.1', 0);
    await free.close();
    resourceServer = `http://localhost:${free.port}`;
    const common = { only: 'granite', database: { kind: 'postgresql', url: database.url } } as const;
    const serves = ['auth', 'wallet-address', 'identity-provider'] as const;
    auth = await startWorld({ ...common, serves, servers: { resourceServer } });
    const { origin } = auth.ases[0]!;
    const endpoint = new URL(auth.env['TOUCHSTONE_INTROSPECTION']!);
    proxy = await openFaultProxy(Number(endpoint.port));
    endpoint.port = `${proxy.port}`;
    const servers = { walletAddressServer: origin, authServer: `${origin}/auth`, introspection: endpoint.href };
    resource = await startWorld({ ...common, serves: ['resource'], port: free.port, servers });
    const environment = clientEnvironment(auth);
    const { body, text } = await send(environment, {
      method: 'POST',
      url: `${origin}/auth/`,
      body: {
        client: environment.client,
        access_token: { access: [{ type: 'incoming-payment', actions: ['create', 'read'] }] },
      },
    });
    token = body.access_token?.value;
    assert.ok(token, text);
  });
  after(async () => {
    proxy?.set(undefined);
    await Promise.all([resource?.close(), auth?.close()]);
    proxy?.close();
    await database?.drop();
  });

  const create = (with_ = token) => {
    const environment = clientEnvironment(auth);
    const body = { walletAddress: environment.walletAddress };
    return send(environment, { method: 'POST', url: `${resourceServer}/incoming-payments`, token: with_, body });
  };

  const deadly: readonly [string, NetworkFault][] = [
    ['swallows everything', { kind: 'swallow' }],
    ['breaks in the middle of an answer', { kind: 'reset', afterBytes: 30, direction: 'back' }],
    ['takes no connection', { kind: 'close' }],
  ];
  for (const [name, fault] of deadly) {
    test(`that ${name}: 503 within the bound, and 201 when it is over`, async () => {
      const created = await create();
      assert.equal(created.status, 201, created.text);
      proxy.set(fault);
      const before = { ...proxy.seen };
      assert.equal((await fetch(created.body.id)).status, 200);
      assert.deepEqual(proxy.seen, before, 'what is public needs no token');
      const passed = startProcessTime();
      for (const { status, headers, body } of await Promise.all([token, 'x'.repeat(43)].map((one) => create(one)))) {
        assert.deepEqual([status, body.error.code, headers.get('retry-after')], [503, 'unavailable', '1']);
        assert.equal(headers.get('www-authenticate'), null);
      }
      const took = passed();
      assert.ok(took < boundMs, `${took} ms`);
      assert.notDeepEqual(proxy.seen, before);
      proxy.set(undefined);
      assert.equal((await create()).status, 201);
      assert.equal((await create('x'.repeat(43))).status, 401);
    });
  }

  test('that is slow: served', async () => {
    for (const fault of [
      { kind: 'delay', ms: 100 },
      { kind: 'throttle', bytesPerSecond: 2000 },
    ] as const) {
      proxy.set(fault);
      assert.equal((await create()).status, 201);
    }
    proxy.set(undefined);
  });
});
