/** Interactive grants over HTTP, from the request to the end (AS-63, AS-73…91, AS-100…106, AS-110…133, AS-N02…06). */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import { compat } from '../../src/profile.ts';
import type { Answer } from '../support/signed-fetch.ts';
import { createTestClient, type OneAuthServer, startAuthServer } from './support/one-auth-server.ts';

let as: OneAuthServer;
const client = createTestClient('shop');
const stranger = createTestClient('stranger');
const FINISH = 'https://shop.example/done?order=7&note=a%20b';
const NONCE = 'LKLTI25DK82FX4T4QFZC';

before(async () => {
  as = await startAuthServer();
});
after(() => as.close());
beforeEach(async () => {
  Object.assign(as.world, { consent: 'manual', waitSeconds: 0, switches: compat });
  as.world.keys.set(client.walletAddress, [client.jwk]).set(stranger.walletAddress, [stranger.jwk]);
  as.world.names.set(client.walletAddress, 'The Shop').set(stranger.walletAddress, 'Stranger');
});

interface Pending {
  readonly redirect: string;
  readonly finish: string;
  readonly uri: string;
  readonly token: string;
}

const outgoing = () => ({ type: 'outgoing-payment', actions: ['create', 'read'], identifier: as.alice });

async function requestGrant(options: { finish?: object | null; rest?: object } = {}): Promise<Pending> {
  const {
    finish = { method: 'redirect', uri: FINISH, nonce: NONCE },
    rest = { access_token: { access: [outgoing()] } },
  } = options;
  const body = { client: client.walletAddress, interact: { start: ['redirect'], ...(finish && { finish }) }, ...rest };
  const answer = await as.send({ url: as.authServer, body, by: client });
  assert.equal(answer.status, 200, answer.text);
  const { interact, continue: continuation } = answer.body;
  return { ...interact, uri: continuation.uri, token: continuation.access_token.value };
}

const browse = (url: string, cookie?: string): Promise<Answer> =>
  as.send({ method: 'GET', url, ...(cookie !== undefined && { headers: { cookie } }) });
const continueGrant = ({ uri, token }: Pending, interactRef?: string | null, by = client): Promise<Answer> =>
  as.send({ url: uri, token, by, ...(interactRef != null && { body: { interact_ref: interactRef } }) });
const cancel = ({ uri, token }: Pending): Promise<Answer> => as.send({ method: 'DELETE', url: uri, token, by: client });
const locationOf = (answer: Answer): URL => new URL(answer.headers.get('location')!);
const queryOf = (answer: Answer): Record<string, string> => Object.fromEntries(locationOf(answer).searchParams);
const parts = (grant: Pending): [id: string, nonce: string] => {
  const [, , , id, nonce] = new URL(grant.redirect).pathname.split('/');
  return [id!, nonce!];
};
const finishUrl = (grant: Pending): string => `${grant.redirect.split('?')[0]}/finish`;

/** Starts the interaction in a browser and returns its session cookie. */
async function start(grant: Pending): Promise<string> {
  const answer = await browse(grant.redirect);
  assert.equal(answer.status, 302, answer.text);
  return answer.headers.get('set-cookie')!.split(';')[0]!;
}

async function accept(grant: Pending): Promise<string> {
  as.world.consent = 'auto';
  const answer = await browse(grant.redirect);
  assert.equal(answer.status, 302, answer.text);
  return queryOf(answer)['interact_ref']!;
}

const assertRefused = (answer: Answer, status: number, code: string): void => {
  assert.deepEqual([answer.status, answer.body?.error?.code], [status, code], answer.text);
  assert.equal(typeof answer.body.error.description, 'string');
};

describe('the main path', () => {
  test('request, start, scripted consent, finish, continue, rotate, revoke, cancel', async () => {
    const grant = await requestGrant();
    const started = new URL(grant.redirect);
    assert.equal(started.pathname.split('/').at(-1), grant.finish, 'AS-75');
    assert.equal(started.searchParams.get('clientName'), 'The Shop');
    as.world.consent = 'auto';
    const redirected = await browse(grant.redirect);
    assert.equal(redirected.status, 302);
    assert.equal(redirected.headers.get('referrer-policy'), 'no-referrer', 'AS-N07');
    assert.equal(redirected.headers.get('cache-control'), 'no-store');
    assert.ok(locationOf(redirected).href.startsWith(`${FINISH}&`), 'AS-86');
    const { hash, interact_ref: interactRef } = queryOf(redirected);
    assert.match(interactRef!, /^[0-9a-f]{8}-[0-9a-f]{4}-4/, 'AS-106');
    const base = [NONCE, grant.finish, interactRef, as.authServer].join('\n');
    assert.equal(hash, createHash('sha256').update(base).digest('base64'), 'AS-100…104');

    const continued = await continueGrant(grant, interactRef);
    assert.equal(continued.status, 200, continued.text);
    assert.equal(continued.headers.get('cache-control'), 'no-store', 'AS-14');
    assert.equal(continued.body.continue.access_token.value, grant.token, 'AS-124');
    const token = continued.body.access_token;
    assert.deepEqual(token.access, [outgoing()], 'AS-49');
    assert.equal(token.expires_in, 600);
    assert.ok(!token.manage.includes(token.value), 'AS-11');

    const rotated = await as.send({ url: token.manage, token: token.value, by: client });
    assert.equal(rotated.status, 200, rotated.text);
    const fresh = rotated.body.access_token;
    assert.notEqual(fresh.value, token.value);
    assert.notEqual(fresh.manage, token.manage);
    assert.deepEqual(fresh.access, token.access);
    assertRefused(await as.send({ url: token.manage, token: token.value, by: client }), 401, 'invalid_client');

    const revoke = () => as.send({ method: 'DELETE', url: fresh.manage, token: fresh.value, by: client });
    assert.equal((await revoke()).status, 204);
    assertRefused(await revoke(), 401, 'invalid_client');
    assert.equal((await cancel(grant)).status, 204);
    assertRefused(await cancel(grant), 401, 'invalid_continuation');
    assertRefused(await continueGrant(grant, interactRef), 401, 'invalid_continuation');
    assertRefused(await continueGrant(grant, interactRef, stranger), 401, 'invalid_continuation');
  });

  test('manual consent: session, consent page, back channel, finish', async () => {
    const grant = await requestGrant();
    const answer = await browse(grant.redirect);
    const consent = locationOf(answer);
    assert.equal(consent.pathname, '/idp/consent');
    assert.deepEqual(Object.keys(queryOf(answer)), ['interactId', 'nonce', 'clientName', 'clientUri'], 'AS-77');
    const cookie = answer.headers.get('set-cookie')!;
    assert.match(cookie, /; Path=\/auth\/interact\/[0-9a-f-]{36}; Max-Age=600; HttpOnly; SameSite=Lax$/, 'AS-N06');
    const decided = await as.send({
      url: `${as.urls.backChannel}/grant/${parts(grant).join('/')}/accept`,
      headers: { 'x-idp-secret': as.secrets.backChannel },
    });
    assert.equal(decided.status, 202, decided.text);
    const finished = await browse(finishUrl(grant), cookie.split(';')[0]);
    assert.equal(finished.status, 302, finished.text);
    assert.match(finished.headers.get('set-cookie')!, /Max-Age=0/);
    assert.equal((await continueGrant(grant, queryOf(finished)['interact_ref'])).status, 200);
  });

  test('AS-63: returns subject information, without a token if none was requested', async () => {
    const subject = { sub_ids: [{ id: as.alice, format: 'uri' }] };
    const grant = await requestGrant({ rest: { subject } });
    const { body } = await continueGrant(grant, await accept(grant));
    assert.deepEqual(body.subject, subject);
    assert.equal(body.access_token, undefined);
    assert.ok(body.continue);
  });

  test('AMB-01: the hash is base64url if the switch says so', async () => {
    as.world.switches = { ...compat, hashEncoding: 'base64url' };
    const grant = await requestGrant();
    as.world.consent = 'auto';
    assert.match(queryOf(await browse(grant.redirect))['hash']!, /^[A-Za-z0-9_-]{43}$/);
  });
});

describe('denied', () => {
  test('AS-87, AS-115, AS-118: no hash, no reference, no token', async () => {
    const grant = await requestGrant();
    as.world.consent = 'deny';
    const answer = await browse(grant.redirect);
    assert.deepEqual(queryOf(answer), { order: '7', note: 'a b', result: 'grant_rejected' });
    assertRefused(await continueGrant(grant), 401, 'request_denied');
    assertRefused(await continueGrant(grant, crypto.randomUUID()), 404, 'invalid_continuation');
  });
});

describe('an interaction reference is single-use', () => {
  test('AS-117: a second use is rejected and the first token stays valid', async () => {
    const grant = await requestGrant();
    const interactRef = await accept(grant);
    const { access_token: token } = (await continueGrant(grant, interactRef)).body;
    assertRefused(await continueGrant(grant, interactRef), 401, 'request_denied');
    assert.equal((await as.send({ url: token.manage, token: token.value, by: client })).status, 200);
  });

  test('two concurrent uses return one token', async () => {
    const grant = await requestGrant();
    const interactRef = await accept(grant);
    const answers = await Promise.all([continueGrant(grant, interactRef), continueGrant(grant, interactRef)]);
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 401]);
  });

  test('AS-115: the reference of another grant is rejected', async () => {
    const [grant, other] = [await requestGrant(), await requestGrant()];
    await accept(grant);
    assertRefused(await continueGrant(grant, await accept(other)), 404, 'invalid_continuation');
  });

  test('AS-N02: repeated finish and start create no second reference', async () => {
    const grant = await requestGrant();
    const cookie = await start(grant);
    await as.interactions.decide(...parts(grant), { choice: 'accept' });
    const interactRef = queryOf(await browse(finishUrl(grant), cookie))['interact_ref'];
    assertRefused(await browse(finishUrl(grant), cookie), 401, 'invalid_request');
    assert.equal((await continueGrant(grant, interactRef)).status, 200);
    assertRefused(await browse(finishUrl(grant), cookie), 401, 'invalid_request');
    await assertClosed(grant, cookie);
    assertRefused(await continueGrant(grant, interactRef), 401, 'request_denied');
  });
});

/** Only the browser that started a closed interaction is sent back to the client (OPI-089). */
async function assertClosed(grant: Pending, cookie: string): Promise<void> {
  const other = await start(await requestGrant());
  for (const stranger of [undefined, other, cookie.replace(/\..*/, '.x')])
    assertRefused(await browse(grant.redirect, stranger), 403, 'invalid_interaction');
  assert.equal(queryOf(await browse(grant.redirect, cookie))['result'], 'invalid_interaction');
}

describe('sessions', () => {
  test('AS-90: only the browser that started can finish', async () => {
    const [grant, other] = [await requestGrant(), await requestGrant()];
    const [cookie, foreign] = [await start(grant), await start(other)];
    await as.interactions.decide(...parts(grant), { choice: 'accept' });
    assertRefused(await browse(finishUrl(grant)), 401, 'invalid_request');
    assertRefused(await browse(finishUrl(grant), foreign), 401, 'invalid_request');
    assertRefused(
      await browse(finishUrl(grant).replace(grant.finish, other.finish), cookie),
      404,
      'unknown_interaction',
    );
    assert.ok(queryOf(await browse(finishUrl(grant), `${foreign}; ${cookie}`))['interact_ref']);
    await as.interactions.decide(...parts(other), { choice: 'accept' });
    assert.ok(
      queryOf(await browse(finishUrl(other), foreign))['interact_ref'],
      'the other interaction is not affected',
    );
  });

  test('AS-N06: a second start opens a new session and ends the old one', async () => {
    const grant = await requestGrant();
    const first = await start(grant);
    const second = await start(grant);
    assert.notEqual(first, second);
    assertRefused(await browse(finishUrl(grant), first), 401, 'invalid_request');
  });
});

describe('interactions that fail', () => {
  test('AS-79: unknown id or nonce', async () => {
    const [grant, other] = [await requestGrant(), await requestGrant()];
    const [id] = parts(grant);
    assertRefused(await browse(`${as.authServer}interact/${id}/${other.finish}`), 400, 'unknown_interaction');
    assertRefused(await browse(`${as.authServer}interact/%00/x`), 400, 'unknown_interaction');
  });

  test('AS-88: finished too early', async () => {
    const grant = await requestGrant();
    assert.equal(queryOf(await browse(finishUrl(grant), await start(grant)))['result'], 'grant_invalid');
  });

  test('AS-88, AS-91, AS-N10: expired', async () => {
    const grant = await requestGrant();
    const polling = await requestGrant({ finish: null });
    const accepted = await requestGrant();
    const [cookie, acceptedCookie] = [await start(grant), await start(accepted)];
    await as.interactions.decide(...parts(accepted), { choice: 'accept' });
    as.world.now += 600_000;
    assert.equal(queryOf(await browse(finishUrl(accepted), acceptedCookie))['result'], 'invalid_interaction');
    await assert.rejects(as.interactions.decide(...parts(grant), { choice: 'accept' }), { code: 'interaction_closed' });
    const { result, message } = queryOf(await browse(finishUrl(grant), cookie));
    assert.deepEqual([result, message], ['invalid_interaction', 'interaction expired']);
    await assertClosed(grant, cookie);
    assertRefused(await browse(polling.redirect), 403, 'invalid_interaction');
    assertRefused(await continueGrant(polling), 401, 'request_denied');
  });

  test('AS-133: cancelled by the client', async () => {
    const [grant, started] = [await requestGrant(), await requestGrant()];
    assert.equal((await cancel(grant)).status, 204);
    await assert.rejects(as.interactions.decide(...parts(grant), { choice: 'accept' }), { code: 'user_denied' });
    assertRefused(await browse(grant.redirect), 403, 'invalid_interaction');
    const cookie = await start(started);
    await cancel(started);
    await assertClosed(started, cookie);
    assert.equal(queryOf(await browse(finishUrl(started), cookie))['result'], 'unknown_interaction');
  });

  test('AS-N05: another account cannot consent', async () => {
    const grant = await requestGrant();
    const cookie = await start(grant);
    await assert.rejects(as.interactions.decide(...parts(grant), { choice: 'accept', holder: 'bob' }), {
      code: 'foreign_holder',
    });
    assert.equal(queryOf(await browse(finishUrl(grant), cookie))['result'], 'grant_invalid');
    await as.interactions.decide(...parts(grant), { choice: 'accept', holder: 'alice' });
    await assert.rejects(as.interactions.decide(...parts(grant), { choice: 'reject' }), { code: 'interaction_closed' });
  });
});

describe('polling', () => {
  test('AS-119, AS-120, AS-N03: pending until the decision, then one token', async () => {
    const grant = await requestGrant({ finish: null });
    const cookie = await start(grant);
    const pending = await continueGrant(grant);
    assert.deepEqual(Object.keys(pending.body), ['continue']);
    assert.equal(pending.body.continue.wait, 0);
    await as.interactions.decide(...parts(grant), { choice: 'accept' });
    const body = { client: client.walletAddress };
    const polled = await as.send({ url: grant.uri, token: grant.token, by: client, body });
    assert.ok(polled.body.access_token, 'AS-113');
    assertRefused(await continueGrant(grant), 401, 'request_denied');
    assert.equal((await browse(finishUrl(grant), cookie)).status, 202, 'AS-89');
  });

  test('AS-121: a client with a finish method must present the reference', async () => {
    const grant = await requestGrant();
    assertRefused(await continueGrant(grant), 401, 'request_denied');
    await accept(grant);
    assertRefused(await continueGrant(grant), 401, 'request_denied');
  });

  test('AS-122, AS-123: rejects calls before `wait` has passed; an early call does not extend it', async () => {
    as.world.waitSeconds = 5;
    const grant = await requestGrant({ finish: null });
    assertRefused(await continueGrant(grant), 400, 'too_fast');
    as.world.now += 4_999;
    assertRefused(await continueGrant(grant), 400, 'too_fast');
    as.world.now += 1;
    assert.equal((await continueGrant(grant)).status, 200);
    assertRefused(await continueGrant(grant), 400, 'too_fast');
  });
});

describe('authentication of continuations', () => {
  test('AS-110, AS-111, AS-132, AS-N04: the token must belong to the id', async () => {
    const [grant, other] = [await requestGrant(), await requestGrant()];
    assertRefused(await continueGrant({ ...grant, token: other.token }), 401, 'invalid_continuation');
    assertRefused(await as.send({ url: grant.uri, by: client }), 401, 'invalid_client');
    assertRefused(await cancel({ ...grant, uri: `${grant.uri}x` }), 401, 'invalid_continuation');
    const { access_token: token } = (await continueGrant(grant, await accept(grant))).body;
    assertRefused(await continueGrant({ ...other, token: token.value }), 401, 'invalid_continuation');
  });

  test('AS-25: rejects the signature of another client, whatever its kid', async () => {
    const grant = await requestGrant({ finish: null });
    assertRefused(await continueGrant(grant, null, stranger), 400, 'invalid_client');
    assertRefused(await continueGrant(grant, null, { ...stranger, keyId: client.keyId }), 401, 'invalid_client');
  });

  test('AS-26: accepts a new key of the wallet address and rejects a removed one', async () => {
    const grant = await requestGrant({ finish: null });
    const { jwk, keyId, privateKey } = createTestClient('newer');
    as.world.keys.set(client.walletAddress, [jwk]);
    assertRefused(await continueGrant(grant), 400, 'invalid_client');
    assert.equal((await continueGrant(grant, null, { ...client, jwk, keyId, privateKey })).status, 200);
  });

  test('AS-127: PATCH is not supported', async () => {
    const grant = await requestGrant();
    const answer = await as.send({ method: 'PATCH', url: grant.uri, token: grant.token, by: client });
    assertRefused(answer, 405, 'invalid_request');
    assert.equal(answer.headers.get('allow'), 'DELETE, POST');
  });
});
