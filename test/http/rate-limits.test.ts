/** Rate limits and quotas: counted for all processes together, answered with 429 in the format of each server. */
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { after, before, test } from 'node:test';
import { routes as authRoutes } from '../../generated/auth-server/routes.ts';
import { routes as identityProviderRoutes } from '../../generated/identity-provider/routes.ts';
import { routes as resourceRoutes } from '../../generated/resource-server/routes.ts';
import { openDatabase } from '../../src/database/database.ts';
import { RetryLater } from '../../src/errors.ts';
import { createRateLimiter, type RateLimit, rateLimits } from '../../src/http/rate-limits.ts';
import { networkOf } from '../../src/net/network-of.ts';
import { openTestDatabase } from '../database/support/open.ts';
import { createTestDatabase, needsPostgres } from '../support/postgresql.ts';
import { type PreparedResources, prepareResources } from '../support/prepared-resources.ts';
import { send } from '../support/signed-fetch.ts';
import { clientEnvironment, startWorld, type TestWorld } from '../support/world.ts';

const from = (remoteAddress: string, forwarded?: string) =>
  ({ socket: { remoteAddress }, headers: { 'x-forwarded-for': forwarded } }) as unknown as IncomingMessage;

const table: readonly RateLimit[] = [
  { name: 'some', operations: ['op'], unit: 'requests', seconds: 60, perAddress: 3, perKey: 2 },
  { name: 'stored', operations: ['op', 'store'], unit: 'bytes', seconds: 60, perAddress: 100 },
];

test('the operations of the table declare 429', () => {
  const routes = { ...authRoutes, ...resourceRoutes, ...identityProviderRoutes } as Record<
    string,
    { responses: readonly number[] }
  >;
  for (const { operations } of rateLimits) {
    for (const operation of operations) {
      if (operation !== 'get-spsp') assert.ok(routes[operation]?.responses.includes(429), operation);
    }
  }
});

test('a network is an IPv4 address or a /64', () => {
  for (const [address, network] of [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:0db8::', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
  ] as const) {
    assert.equal(networkOf(address), network, address);
  }
});

test('two processes share the counters, and each subject has its own', async () => {
  const db = await openTestDatabase();
  const create = (ase: string, trustedProxies = 0) => createRateLimiter({ ase, db, trustedProxies, limits: table });
  try {
    const [one, two] = [create('granite'), create('granite')];
    const started = Date.now();
    for (const limiter of [one, two, one]) await limiter.checkAddress(from('192.0.2.1'), 'op', 0);
    // The limits are for a minute.
    const isLimited = (error: unknown) =>
      error instanceof RetryLater &&
      error.retryAfterSeconds <= 60 &&
      error.retryAfterSeconds >= 60 - (Date.now() - started) / 1000;
    for (const limiter of [two, one, one])
      await assert.rejects(limiter.checkAddress(from('192.0.2.1'), 'op', 0), isLimited);
    await one.checkAddress(from('192.0.2.2'), 'op', 0);
    await one.checkAddress(from('192.0.2.1'), 'another-op', 0);
    await create('marble').checkAddress(from('192.0.2.1'), 'op', 0);
    for (const limiter of [one, two]) await limiter.checkKey('thumbprint', 'op', 0);
    await assert.rejects(one.checkKey('thumbprint', 'op', 0), isLimited);
    // Bytes of content.
    await one.checkAddress(from('192.0.2.9'), 'store', 60);
    await assert.rejects(two.checkAddress(from('192.0.2.9'), 'store', 60), isLimited);
    // Only the addresses that trusted proxies have seen count; a client can write the others.
    const behind = create('behind', 1);
    for (let n = 0; n < 3; n += 1) await behind.checkAddress(from('10.0.0.1', `${n}, 192.0.2.7`), 'op', 0);
    await assert.rejects(behind.checkAddress(from('10.0.0.1', '9, 192.0.2.7'), 'op', 0), isLimited);
    await behind.checkAddress(from('10.0.0.1', '192.0.2.7, 192.0.2.8'), 'op', 0);
    // Without trusted proxies, a client can write all of them.
    await assert.rejects(one.checkAddress(from('192.0.2.1', '192.0.2.77'), 'op', 0), isLimited);
  } finally {
    await db.close();
  }
});

test('two processes on PostgreSQL count concurrent requests together', { skip: needsPostgres }, async () => {
  const database = await createTestDatabase();
  const dbs = [];
  for (let n = 0; n < 2; n += 1) dbs.push(await openDatabase({ kind: 'postgresql', url: database.url }));
  try {
    const limiters = dbs.map((db) =>
      createRateLimiter({ ase: 'granite', db, trustedProxies: 0, limits: [{ ...table[0]!, perAddress: 20 }] }),
    );
    const tried = await Promise.allSettled(
      Array.from({ length: 60 }, (_, n) => limiters[n % 2]!.checkAddress(from('192.0.2.1'), 'op', 0)),
    );
    assert.equal(tried.filter(({ status }) => status === 'fulfilled').length, 20);
  } finally {
    for (const db of dbs) await db.close();
    await database.drop();
  }
});

let world: TestWorld;
let prepared: PreparedResources;
before(async () => {
  const limits = rateLimits.map((limit) => ({
    ...limit,
    perAddress: limit.unit === 'bytes' ? limit.perAddress : 30,
    perKey: 12 * (limit.unit === 'bytes' ? 1e6 : 1),
  }));
  world = await startWorld({ rateLimits: 'on', limits, signIn: true });
  prepared = await prepareResources(world, clientEnvironment(world));
});
after(() => world.close());

test('servers answer 429 with Retry-After in their error formats', async () => {
  const environment = clientEnvironment(world);
  const until429 = async (call: () => ReturnType<typeof send>) => {
    for (let n = 0; n < 40; n += 1) {
      const answer = await call();
      if (answer.status === 429) return answer;
    }
    return assert.fail('never limited');
  };
  const grant = { access_token: { access: [{ type: 'quote', actions: ['read'] }] }, client: environment.client };
  const fromAuth = await until429(() => send(environment, { method: 'POST', url: prepared.auth, body: grant }));
  assert.equal(fromAuth.body.error.code, 'request_denied');
  const payment = { walletAddress: environment.receiver };
  const url = prepared.incomingPayment.replace(/\/[^/]+$/, '');
  const fromResource = await until429(() =>
    send(environment, { method: 'POST', url, token: prepared.tokens.incoming, body: payment }),
  );
  assert.equal(fromResource.body.error.code, 'too_many_requests');
  for (const { headers } of [fromAuth, fromResource]) assert.match(headers.get('retry-after')!, /^[1-9]\d?$/);
});
