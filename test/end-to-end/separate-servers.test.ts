/**
 * One ASE as four processes: wallet address, authorization and resource server and identity provider, with token
 * introspection and the back channel over HTTP. Only the authorization server may touch its tables: the database lets
 * none of the others (INT-01, INT-03, INT-12, INT-13, AS-78, AS-80, CT-08).
 */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { findFreePort } from '../support/free-port.ts';
import { createTestDatabase, needsPostgres } from '../support/postgresql.ts';
import { type RunningProcess, readEnvironment, startProcess } from '../support/process.ts';
import { type Answer, type RequestParts, send } from '../support/signed-fetch.ts';
import type { ClientEnvironment } from '../support/world.ts';
import { payAcross } from './support/official-client.ts';

const controlToken = 'control-token-of-a-test';
const firstPort = await findFreePort(1, 2, 3, 10, 11, 12, 13, 100);
const server = (offset: number): string => `http://localhost:${firstPort + offset}`;
const privateUrl = `${server(12)}/granite`;
/** The same for all processes; only what they serve, and where, differs. */
const urls = {
  '--wallet-address-server': server(1),
  '--auth-server': `${server(2)}/`,
  '--resource-server': `${server(0)}/open-payments`,
  '--identity-provider': `${server(3)}/consenting`,
  '--introspection-url': `${privateUrl}/introspect`,
  '--back-channel-url': `${privateUrl}/idp`,
};
const authTables = ['gnap_grant', 'access_token'];

describe('an ASE of four processes', { skip: needsPostgres }, () => {
  let database: Awaited<ReturnType<typeof createTestDatabase>>;
  let stranger: Awaited<ReturnType<typeof createStranger>>;
  const running = new Map<string, RunningProcess>();
  let environment: ClientEnvironment;

  const serve = async (name: string, port: number, databaseUrl: string): Promise<void> => {
    const common = ['--ase', 'granite', '--peer-secret', 'between the two', '--control-token', controlToken];
    const own = ['--serve', name, '--port', `${firstPort + port}`, '--control-port', `${firstPort + 10 + port}`];
    const rest = ['--consent', 'auto', '--database-url', databaseUrl, ...Object.entries(urls).flat()];
    running.set(name, await startProcess([...common, ...own, ...rest]));
  };

  before(async () => {
    database = await createTestDatabase();
    const marble = [
      '--ase',
      'marble',
      '--peer-secret',
      'between the two',
      '--port',
      `${firstPort}`,
      '--control-port',
      '0',
    ];
    running.set('marble', await startProcess([...marble, '--consent', 'auto']));
    await serve('auth', 2, database.url);
    stranger = await createStranger(database.url);
    await serve('resource', 0, stranger.url);
    await serve('wallet-address', 1, stranger.url);
    await serve('identity-provider', 3, stranger.url);
    environment = readEnvironment(running.get('resource')!.ready);
  });
  after(async () => {
    await Promise.all([...running.values()].map((process) => process.stop()));
    await database?.drop();
    await stranger?.drop();
  });

  test('each publishes the same addresses and serves its own part', async () => {
    const response = await fetch(environment.walletAddress);
    const walletAddress = (await response.json()) as Record<string, string>;
    assert.equal(walletAddress['id'], `${server(1)}/alice`);
    assert.equal(walletAddress['authServer'], `${server(2)}/`);
    assert.equal(walletAddress['resourceServer'], `${server(0)}/open-payments`);
    for (const [offset, path] of [
      [2, '/alice'],
      [0, '/alice'],
      [3, '/alice'],
      [1, '/open-payments/quotes'],
      [1, '/consenting/consent?interactId=1&nonce=1'],
      [0, '/auth/'],
    ] as const) {
      assert.equal((await fetch(server(offset) + path)).status, 404, `${offset} ${path}`);
    }
    for (const port of [10, 11, 13]) {
      assert.equal((await fetch(`${server(port)}/granite/introspect`, { method: 'POST' })).status, 404);
    }
    assert.equal((await fetch(urls['--introspection-url'], { method: 'POST' })).status, 401);
    assert.equal((await fetch(`${urls['--back-channel-url']}/grant/1/2`)).status, 401);
  });

  test('the official client pays across', () => payAcross(environment));

  test('consent on the page of the identity provider, decided through the back channel', async () => {
    await setConsent('manual');
    const grant = await askConsent();
    const started = await fetch(grant.interact.redirect, { redirect: 'manual' });
    const page = await fetch(started.headers.get('location')!);
    const html = await page.text();
    assert.equal(page.status, 200, html);
    assert.equal(new URL(page.url).origin, server(3));
    assert.match(html, /Test client/);
    const fields = [...html.matchAll(/type="hidden" name="([^"]*)" value="([^"]*)"/g)];
    const form = new URLSearchParams(fields.map(([, name, value]) => [name!, value!] as [string, string]));
    form.set('decision', 'accept');
    const decided = await fetch(`${server(3)}/consenting/consent`, {
      method: 'POST',
      body: form,
      headers: { cookie: cookieOf(page) },
      redirect: 'manual',
    });
    assert.equal(decided.status, 303);
    const finished = await fetch(decided.headers.get('location')!, {
      headers: { cookie: cookieOf(started) },
      redirect: 'manual',
    });
    const reference = new URL(finished.headers.get('location')!).searchParams.get('interact_ref');
    const continued = await ask({
      method: 'POST',
      url: grant.continue.uri,
      token: grant.continue.access_token.value,
      body: { interact_ref: reference },
    });
    assert.equal(continued.status, 200, continued.text);
    assert.ok(continued.body.access_token.value);
    await setConsent('auto');
  });

  test('what only the authorization server may read, the database refuses to the others', async () => {
    const client = new pg.Client({ connectionString: stranger.url });
    await client.connect();
    try {
      await client.query('select from wallet_address');
      for (const table of authTables) {
        await assert.rejects(client.query(`select from ${table}`), { code: '42501' }, table);
      }
    } finally {
      await client.end();
    }
    const { rows } = await query(database.url, 'select count(*)::int as granted from access_token');
    assert.ok(rows[0].granted > 0, 'tokens are in that table');
  });

  test('a revoked token is refused at once; without introspection the answer is 503 and never 401', async () => {
    const access = [{ type: 'incoming-payment', actions: ['create', 'read'] }];
    const grant = () => requestGrant({ access_token: { access } });
    const create = (token: string) =>
      ask({
        method: 'POST',
        url: `${urls['--resource-server']}/incoming-payments`,
        token,
        body: { walletAddress: environment.walletAddress },
      });
    const [kept, revoked] = [await grant(), await grant()];
    const created = await create(revoked.access_token.value);
    assert.equal(created.status, 201, created.text);
    await ask({ method: 'DELETE', url: revoked.access_token.manage, token: revoked.access_token.value });
    const refused = await create(revoked.access_token.value);
    assert.deepEqual([refused.status, refused.body.error.code], [401, 'invalid_token']);

    await running.get('auth')!.stop();
    for (const token of [kept.access_token.value, revoked.access_token.value, 'x'.repeat(43)]) {
      const { status, body, headers } = await create(token);
      assert.deepEqual([status, body.error.code], [503, 'unavailable']);
      assert.equal(headers.get('retry-after'), '1');
      assert.equal(headers.get('www-authenticate'), null);
    }
    assert.equal((await fetch(created.body.id)).status, 200, 'what is public needs no token');
    await serve('auth', 2, database.url);
    assert.equal((await create(kept.access_token.value)).status, 201);
  });

  const ask = (parts: RequestParts): Promise<Answer> => send(environment, parts);

  async function requestGrant(body: object): Promise<Answer['body']> {
    const answer = await ask({
      method: 'POST',
      url: urls['--auth-server'],
      body: { client: environment.client, ...body },
    });
    assert.equal(answer.status, 200, answer.text);
    return answer.body;
  }

  const askConsent = (): Promise<Answer['body']> =>
    requestGrant({
      access_token: {
        access: [{ type: 'outgoing-payment', actions: ['create'], identifier: environment.walletAddress }],
      },
      interact: {
        start: ['redirect'],
        finish: { method: 'redirect', uri: 'http://localhost:1/done', nonce: randomUUID() },
      },
    });

  async function setConsent(mode: string): Promise<void> {
    const response = await fetch(`${server(12)}/consent`, {
      method: 'POST',
      headers: { authorization: `Bearer ${controlToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ mode }),
    });
    assert.equal(response.status, 200);
  }
});

const cookieOf = (response: Response): string => response.headers.get('set-cookie')!.split(';')[0]!;

async function query(url: string, ...statements: string[]): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    let result: pg.QueryResult | undefined;
    for (const statement of statements) result = await client.query(statement);
    return result!;
  } finally {
    await client.end();
  }
}

/** A role that may do everything in the database but look into the authorization server's tables. */
async function createStranger(databaseUrl: string): Promise<{ url: string; drop: () => Promise<void> }> {
  const role = `touchstone_${randomBytes(6).toString('hex')}`;
  const password = randomBytes(12).toString('hex');
  await query(
    databaseUrl,
    `create role ${role} login password '${password}'`,
    `grant select, insert, update, delete on all tables in schema public to ${role}`,
    `grant usage on all sequences in schema public to ${role}`,
    ...authTables.map((table) => `revoke all on ${table} from ${role}`),
  );
  const url = new URL(databaseUrl);
  url.username = role;
  url.password = password;
  // After its database: nothing is owned, and no rights are left.
  const administrative = new URL(databaseUrl);
  administrative.pathname = '/postgres';
  return { url: url.href, drop: () => query(administrative.href, `drop role ${role}`).then(() => {}) };
}
