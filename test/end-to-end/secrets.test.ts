/**
 * AS-N13: a whole world at log level debug, through grants, interactions, payments, refusals, failures and faults; then
 * every secret that its clients saw or sent, and those that it keeps, are looked for in what it tells.
 */
import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { sql } from 'kysely';
import pino from 'pino';
import { entities } from '../../src/database/entities.ts';
import { prepareResources } from '../support/prepared-resources.ts';
import { send } from '../support/signed-fetch.ts';
import { watchFetch } from '../support/watched-fetch.ts';
import { clientEnvironment, startWorld, type TestWorld } from '../support/world.ts';

/** Secrets that no client ever sees, from the database and the world's environment. */
async function listKeptSecrets({ db, env }: TestWorld): Promise<string[]> {
  const { query } = db;
  const ases = await query.selectFrom('ase').select('secrets').execute();
  const peers = await query.selectFrom('peer').select(['outgoing_token', 'incoming_token_digest']).execute();
  const grants = await query
    .selectFrom('gnap_grant')
    .select(['interaction_nonce', 'client_nonce', 'continue_digest', 'session_digest', 'interact_ref_digest'])
    .execute();
  const tokens = await query.selectFrom('access_token').select('value_digest').execute();
  const pem = env['TOUCHSTONE_PRIVATE_KEY']!;
  return [
    ...ases.flatMap(({ secrets }) => secrets),
    ...[...peers, ...grants, ...tokens].flatMap((row) => Object.values(row)),
    ...['CONTROL_TOKEN', 'INTROSPECTION_SECRET', 'BACK_CHANNEL_SECRET', 'PRIVATE_KEY_BASE64'].map(
      (name) => env[`TOUCHSTONE_${name}`],
    ),
    pem.split('\n')[1],
  ].filter((secret) => typeof secret === 'string');
}

/** All rows as text. */
async function dumpDatabase({ db }: TestWorld): Promise<string> {
  const rows = entities.map(async ({ meta }) => {
    const result = await sql`select t::text as row from ${sql.table(meta.tableName)} t`.execute(db.query);
    return JSON.stringify(result.rows);
  });
  return (await Promise.all(rows)).join('\n');
}

test('no secret is in the log, in errors, in the list of exchanges or in the metrics', async () => {
  let logged = '';
  const stream = new Writable({
    write(chunk, _encoding, done) {
      logged += chunk;
      done();
    },
  });
  const world = await startWorld({ log: pino({ level: 'debug' }, stream) });
  const watched = watchFetch();
  try {
    const environment = clientEnvironment(world);
    const prepared = await prepareResources(world, environment);
    const { env } = world;
    const control = (path: string, body?: unknown) =>
      fetch(env['TOUCHSTONE_CONTROL'] + path, {
        ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
        headers: { authorization: `Bearer ${env['TOUCHSTONE_CONTROL_TOKEN']}`, 'content-type': 'application/json' },
      });
    const ask = (nonce: string) =>
      send(environment, {
        method: 'POST',
        url: prepared.auth,
        body: {
          client: environment.client,
          access_token: { access: [{ type: 'outgoing-payment', actions: ['create'], identifier: prepared.payer }] },
          interact: { start: ['redirect'], finish: { method: 'redirect', uri: 'http://localhost:1/', nonce } },
        },
      });

    // A person decides, at the consent page and over the back channel.
    const { interact, continue: pending } = (await ask('a nonce of the client'.replaceAll(' ', '-'))).body;
    const started = await fetch(interact.redirect, { redirect: 'manual' });
    const cookie = started.headers.getSetCookie()[0]!.split(';')[0]!;
    assert.equal((await fetch(started.headers.get('location')!, { headers: { cookie } })).status, 200);
    const [, id, nonce] = /interact\/([^/]+)\/([^/?]+)/.exec(interact.redirect)!;
    const headers = { 'x-idp-secret': env['TOUCHSTONE_BACK_CHANNEL_SECRET']! };
    const grant = `${env['TOUCHSTONE_BACK_CHANNEL']}/grant/${id}/${nonce}`;
    assert.equal((await fetch(`${grant}/accept`, { method: 'POST', headers })).status, 202);
    assert.equal(
      (await fetch(`${grant}/accept`, { method: 'POST', headers: { 'x-idp-secret': 'wrong-secret' } })).status,
      401,
    );
    const finished = await fetch(`${interact.redirect.split('?')[0]}/finish`, {
      redirect: 'manual',
      headers: { cookie },
    });
    const reference = new URL(finished.headers.get('location')!).searchParams.get('interact_ref');
    assert.ok(reference);

    // Refusals with secrets at hand: malformed content, a broken signature, wrong tokens, late references.
    const continuing = { method: 'POST', url: pending.uri, token: pending.access_token.value };
    const spoil = (all: Record<string, string>): void => {
      all['signature'] = all['signature']!.replace(/:(.)/, (_, first) => (first === 'A' ? ':B' : ':A'));
    };
    await send(environment, { ...continuing, body: `{"interact_ref":"${reference}"` });
    await send(environment, { ...continuing, body: { interact_ref: reference }, spoil });
    await send(environment, { ...continuing, body: { interact_ref: `${reference}x` } });
    const issued = await send(environment, { ...continuing, body: { interact_ref: reference } });
    assert.equal(issued.status, 200, issued.text);
    await send(environment, { ...continuing, body: { interact_ref: reference } });
    const { value: token } = issued.body.access_token;
    for (const url of [prepared.quote, prepared.outgoingPayment, `${prepared.rs}/nothing`]) {
      await send(environment, { method: 'GET', url, token });
      await send(environment, { method: 'GET', url, token, signed: false });
      await send(environment, { method: 'GET', url, token, spoil });
      await send(environment, { method: 'GET', url: `${url}?nonce=in-a-query-0001&hash=a-hash-0001`, token });
    }
    const receivers = await send(environment, {
      method: 'GET',
      url: prepared.incomingPayment,
      token: prepared.tokens.incoming,
    });
    assert.ok(receivers.body.methods[0].sharedSecret);

    // Server failures, also of the database, and injected faults.
    await sql`alter table gnap_grant rename column client_name to renamed`.execute(world.db.query);
    assert.equal((await ask('nonce-of-a-failed-grant')).status, 500);
    await sql`alter table gnap_grant rename column renamed to client_name`.execute(world.db.query);
    await sql`alter table gnap_grant add constraint refused check (client_nonce <> 'nonce-that-is-refused')`.execute(
      world.db.query,
    );
    assert.equal((await ask('nonce-that-is-refused')).status, 500);
    for (const kind of ['crash', 'status', 'after-commit'])
      assert.equal((await control('/faults', { operation: 'create-quote', kind, status: 503 })).status, 201);
    await control('/faults', { operation: 'send-packet', kind: 'reset' });
    for (const _ of [1, 2, 3]) {
      await send(environment, {
        method: 'POST',
        url: `${prepared.rs}/quotes`,
        token: prepared.tokens.quote,
        body: {
          walletAddress: prepared.payer,
          receiver: prepared.incomingPayment,
          method: 'ilp',
          receiveAmount: { value: '1', assetCode: 'USD', assetScale: 2 },
        },
      }).catch(() => undefined);
    }
    await world.settled();

    const exchanges = await (await control('/exchanges?limit=1000')).text();
    const metrics = await (await control('/metrics')).text();
    watched.restore();
    const ids = (JSON.parse(exchanges).exchanges as { id: number }[]).map(({ id }) => id);
    const described = await Promise.all(ids.map(async (id) => (await control(`/exchanges/${id}`)).text()));
    const records = described.filter((text) => text.includes('"signature"'));

    const stored = await dumpDatabase(world);
    const digested = [
      token,
      pending.access_token.value,
      reference,
      cookie.split('=')[1]!,
      prepared.grant.continueToken,
    ];
    for (const secret of digested)
      assert.ok(!stored.includes(secret), 'a secret that is kept as a digest is in the database');

    const secrets = new Set([...watched.secrets, ...(await listKeptSecrets(world))]);
    for (const secret of secrets) if (secret.length < 6) secrets.delete(secret);
    assert.ok(secrets.size > 60, `${secrets.size} secrets`);
    assert.ok(watched.answers.length > 12, `${watched.answers.length} refusals`);
    assert.match(logged, /"level":20.*"refused"/);
    assert.match(logged, /"level":50.*"failed"/);
    assert.match(exchanges, /signature_mismatch/);
    assert.ok(records.length > 40, `${records.length} records`);
    assert.match(metrics, /touchstone_exchange_duration_seconds/);
    const told = { log: logged, exchanges, records: records.join('\n'), metrics, errors: watched.answers.join('\n') };
    for (const secret of secrets) {
      for (const form of new Set([secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')])) {
        for (const [where, text] of Object.entries(told)) {
          const at = text.indexOf(form);
          assert.ok(at < 0, `a secret is in the ${where}: ${text.slice(Math.max(0, at - 200), at)}…`);
        }
      }
    }
  } finally {
    watched.restore();
    await world.close();
  }
});
