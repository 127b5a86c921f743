/** Consent by page and by back channel (AS-80…85, AS-93, AS-N05, AS-N07). */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { after, before, beforeEach, describe, test } from 'node:test';
import { createTestClient, type OneAuthServer, startAuthServer } from '../auth/support/one-auth-server.ts';
import type { Answer } from '../support/signed-fetch.ts';

let as: OneAuthServer;
const client = createTestClient('shop');
const limits = {
  debitAmount: { value: '1250', assetCode: 'USD', assetScale: 2 },
  interval: 'R3/2025-01-01T00:00:00Z/P1M',
  receiver: 'https://marble.example/incoming-payments/1',
};

before(async () => {
  as = await startAuthServer();
  as.world.keys.set(client.walletAddress, [client.jwk]);
});
after(() => as.close());
beforeEach(() => {
  as.world.consent = 'manual';
  as.world.names.set(client.walletAddress, 'The Shop');
});

async function requestGrant(uri = 'https://shop.example:8443/done') {
  const access = [{ type: 'outgoing-payment', actions: ['create'], identifier: as.alice, limits }];
  const interact = { start: ['redirect'], finish: { method: 'redirect', uri, nonce: 'n' } };
  const body = { client: client.walletAddress, access_token: { access }, interact };
  const answer = await as.send({ url: as.authServer, by: client, body });
  assert.equal(answer.status, 200, answer.text);
  const [, , , id, nonce] = new URL(answer.body.interact.redirect).pathname.split('/');
  return { ...answer.body, id: id!, nonce: nonce!, access };
}

const get = (url: string, cookie = ''): Promise<Answer> => as.send({ method: 'GET', url, headers: { cookie } });
const cookieOf = (answer: Answer): string => answer.headers.get('set-cookie')!.split(';')[0]!;
const fieldOf = (page: Answer, name: string): string =>
  new RegExp(`name="${name}" value="([^"]*)"`).exec(page.text)![1]!;

/** Status for a request with this Host, which `fetch` cannot set. */
const statusFor = async (host: string, method: string, url: string): Promise<number> => {
  const sent = request(url, { method, headers: { host } }).end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  response.resume();
  return response.statusCode!;
};

async function openPage(grant: { interact: { redirect: string } }) {
  const started = await get(grant.interact.redirect);
  const page = await get(started.headers.get('location')!);
  return { session: cookieOf(started), page };
}

function submit(
  page: Answer,
  fields: Record<string, string>,
  cookie = cookieOf(page),
  additional: Record<string, string> = {},
): Promise<Answer> {
  const hidden = ['interactId', 'nonce', 'csrf'].map((name) => [name, fieldOf(page, name)] as [string, string]);
  const headers = { 'content-type': 'application/x-www-form-urlencoded', cookie, ...additional };
  const body = new URLSearchParams([...hidden, ...Object.entries(fields)]).toString();
  return as.send({ url: `${as.origin}/idp/consent`, headers, body });
}

describe('the page', () => {
  test('AS-93: shows client, access, limits and two buttons', async () => {
    const { page } = await openPage(await requestGrant());
    assert.equal(page.status, 200);
    const text = page.text.replaceAll(/<[^>]+>/g, ' ');
    for (const words of [
      'The Shop',
      client.walletAddress,
      'Send payments',
      as.alice,
      'Up to  12.50 USD  each month, until 1 April 2025',
      '1 January 2025 to 1 February 2025',
      limits.receiver,
    ]) {
      assert.ok(text.includes(words), `${words} in ${text}`);
    }
    assert.match(page.text, /<button [^>]*aria-label="accept"/);
    assert.match(page.text, /<button [^>]*aria-label="deny"/);
    assert.ok(!page.text.includes('<script'));
  });

  test('AS-N07: forbids frames, referrers and caches; the form may lead to any site', async () => {
    const { page } = await openPage(await requestGrant());
    const policy = page.headers.get('content-security-policy')!;
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /form-action/, 'it would apply to redirects of the client');
    assert.equal(page.headers.get('referrer-policy'), 'no-referrer');
    assert.equal(page.headers.get('cache-control'), 'no-store');
    const refused = await submit(page, { decision: 'accept', csrf: 'x' });
    assert.match(refused.headers.get('content-security-policy')!, /form-action 'none'/);
  });

  test('escapes the names of clients', async () => {
    as.world.names.set(client.walletAddress, `<img src=x onerror="alert('1')">&`);
    const { page } = await openPage(await requestGrant());
    assert.ok(!page.text.includes('<img'));
    assert.ok(page.text.includes('&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;'));
  });

  for (const [decision, expected] of [
    ['accept', 'interact_ref'],
    ['reject', 'result'],
  ] as const) {
    test(`AS-85: ${decision}, back to the authorization server, and to the client`, async () => {
      const { session, page } = await openPage(await requestGrant());
      const decided = await submit(page, { decision });
      assert.equal(decided.status, 303, decided.text);
      const finished = await get(decided.headers.get('location')!, session);
      assert.equal(finished.status, 302, finished.text);
      assert.ok(new URL(finished.headers.get('location')!).searchParams.get(expected));
    });
  }

  test('only a form that this browser was shown decides', async () => {
    const [{ page }, { page: other }] = [await openPage(await requestGrant()), await openPage(await requestGrant())];
    for (const cookie of ['', cookieOf(other), `${cookieOf(page)}x`, 'consent_=']) {
      const answer = await submit(page, { decision: 'accept' }, cookie);
      assert.equal(answer.status, 403);
      assert.match(answer.headers.get('content-type')!, /^text\/html/);
    }
    assert.equal((await submit(page, { decision: 'accept' })).status, 303);
    assert.equal((await submit(other, { decision: 'accept' })).status, 303);
  });

  test('only a form of a page of this origin decides', async () => {
    const { page } = await openPage(await requestGrant());
    const port = new URL(as.origin).port;
    const foreign: Record<string, string>[] = [
      { origin: `http://127.0.0.1:${Number(port) + 1}` },
      { origin: 'null' },
      { origin: `http://sibling.localhost:${port}` },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'cross-site' },
      { origin: as.origin, 'sec-fetch-site': 'cross-site' },
    ];
    for (const headers of foreign) {
      const answer = await submit(page, { decision: 'accept' }, cookieOf(page), headers);
      assert.equal(answer.status, 403, JSON.stringify(headers));
    }
    const own = { origin: as.origin, 'sec-fetch-site': 'same-origin' };
    assert.equal((await submit(page, { decision: 'accept' }, cookieOf(page), own)).status, 303);
  });

  test('only the browser that decided can finish, whichever opened the link last', async () => {
    for (const order of ['before', 'after']) {
      const grant = await requestGrant();
      const strangers = async () => {
        const started = await get(grant.interact.redirect);
        return cookieOf(started);
      };
      const early = await strangers();
      const { session, page } = await openPage(grant);
      const late = order === 'after' ? await strangers() : early;
      const decided = await submit(page, { decision: 'accept' });
      const finish = decided.headers.get('location')!;
      const bare = finish.replace(/\?.*/, '');
      for (const [url, cookie] of [
        [bare, late],
        [bare, early],
        [bare, session],
        [`${bare}?ticket=x`, session],
        [finish, ''],
        [finish, late.replace(/\..*/, '')],
      ] as const) {
        assert.equal((await get(url, cookie)).status, 401);
      }
      const finished = await get(finish, session);
      assert.match(finished.headers.get('location')!, /interact_ref/);
      assert.equal((await get(finish, session)).status, 401, 'once');
    }
  });

  test('once the holder is known, another browser does not take over the session', async () => {
    const grant = await requestGrant();
    const { session } = await openPage(grant);
    await as.interactions.read(grant.id, grant.nonce, 'alice');
    const other = cookieOf(await get(grant.interact.redirect));
    assert.equal((await get(grant.interact.redirect, session)).headers.get('set-cookie'), null, 'its own stays');
    await as.interactions.decide(grant.id, grant.nonce, { choice: 'accept' });
    const finish = `${as.authServer}interact/${grant.id}/${grant.nonce}/finish`;
    assert.equal((await get(finish, other)).status, 401);
    assert.match((await get(finish, session)).headers.get('location')!, /interact_ref/);
  });

  test('answers for its own host only', async () => {
    const grant = await requestGrant();
    const { page } = await openPage(grant);
    const consent = `${as.origin}/idp/consent?${new URLSearchParams({ interactId: grant.id, nonce: grant.nonce })}`;
    const { port } = new URL(as.origin);
    for (const [method, url] of [
      ['GET', consent],
      ['POST', `${as.origin}/idp/consent`],
      ['POST', `${as.origin}/idp/sign-in`],
      ['POST', `${as.origin}/idp/sign-out`],
      ['GET', grant.interact.redirect],
      ['GET', `${grant.interact.redirect.replace(/\?.*/, '')}/finish`],
      ['GET', `${as.origin}/idp/nothing`],
      ['PUT', `${as.origin}/idp/consent`],
      ['PUT', grant.interact.redirect],
    ] as const) {
      for (const host of [`evil.example:${port}`, 'evil.example', `127.0.0.1:${Number(port) + 1}`, '127.0.0.1']) {
        assert.equal(await statusFor(host, method, url), 421, `${method} ${url} for ${host}`);
      }
    }
    assert.equal(await statusFor(`127.0.0.1:${port}`, 'GET', consent), 200);
    assert.equal((await submit(page, { decision: 'accept' })).status, 303);
  });

  test('AS-N05: an account that does not hold the wallet address cannot accept', async () => {
    const { page } = await openPage(await requestGrant());
    assert.equal((await submit(page, { decision: 'accept', holder: 'bob' })).status, 403);
    assert.equal((await submit(page, { decision: 'accept', holder: 'alice' })).status, 303);
  });

  test('allowing less: a malformed amount shows the page again, with all fields', async () => {
    const { session, page } = await openPage(await requestGrant());
    const field = /<input id="(amount-0)" name="amount-0" value=""/.exec(page.text)?.[1];
    assert.ok(field);
    const again = await submit(page, { decision: 'accept', [field]: '13.00' });
    assert.equal(again.status, 400);
    assert.match(again.text, /value="13.00"[^>]*aria-invalid="true"/);
    assert.match(again.text, /12\.50 USD at most/);
    assert.equal(fieldOf(again, 'csrf'), fieldOf(page, 'csrf'), 'the first page is as good as before');
    const decided = await submit(again, { decision: 'accept', [field]: '2.50' });
    assert.equal(decided.status, 303, decided.text);
    const finished = await get(decided.headers.get('location')!, session);
    assert.match(finished.headers.get('location')!, /interact_ref/);
    const { access } = await as.interactions.read(fieldOf(page, 'interactId'), fieldOf(page, 'nonce'));
    assert.equal((access[0] as { limits: typeof limits }).limits.debitAmount.value, '250');
  });

  test('a second click leads where the first did, in the same browser and until the interaction is finished', async () => {
    for (const [decision, other, expected] of [
      ['accept', 'reject', 'interact_ref'],
      ['reject', 'accept', 'result'],
    ] as const) {
      const grant = await requestGrant();
      const { session, page } = await openPage(grant);
      const stranger = await openPage(grant);
      const location = (await submit(page, { decision })).headers.get('location');
      const [again, opposite, elsewhere] = await Promise.all([
        submit(page, { decision }),
        submit(page, { decision: other }),
        submit(stranger.page, { decision }),
      ]);
      assert.deepEqual([again.status, again.headers.get('location')], [303, location]);
      assert.deepEqual([opposite.status, elsewhere.status], [400, 400]);
      assert.ok(opposite.text.includes(`href="${location}"`), 'the way back works in the browser that decided');
      assert.ok(!elsewhere.text.includes(location!));
      assert.ok(new URL((await get(location!, session)).headers.get('location')!).searchParams.get(expected));
      assert.equal((await submit(page, { decision })).status, 400);
    }
  });

  test('a cookie that a sibling domain or another port has set does not make the form useless', async () => {
    const { page } = await openPage(await requestGrant());
    const [name] = cookieOf(page).split('=');
    assert.equal((await submit(page, { decision: 'accept' }, `${name}=x; ${cookieOf(page)}`)).status, 303);
  });

  test('refusing needs no amount', async () => {
    const { page } = await openPage(await requestGrant());
    assert.equal((await submit(page, { decision: 'reject', 'amount-0': 'x' })).status, 303);
  });

  test('one interaction in two tabs: both forms are good, the second decision is too late', async () => {
    const grant = await requestGrant();
    const { page } = await openPage(grant);
    const url = `${as.origin}/idp/consent?${new URLSearchParams({ interactId: grant.id, nonce: grant.nonce })}`;
    const second = await get(url, cookieOf(page));
    assert.equal(fieldOf(second, 'csrf'), fieldOf(page, 'csrf'));
    assert.equal((await submit(page, { decision: 'accept' })).status, 303);
    assert.equal((await submit(second, { decision: 'reject' })).status, 400);
    // Tokens with an unknown format are replaced.
    const planted = await get(url, `${cookieOf(page).split('=')[0]}=x`);
    assert.notEqual(fieldOf(await openPage(await requestGrant()).then((opened) => opened.page), 'csrf'), 'x');
    assert.equal(planted.status, 400);
  });

  test('AS-91: an expired request shows no form and links back to the client', async () => {
    const grant = await requestGrant();
    const { page } = await openPage(grant);
    as.world.now += 600_000;
    const url = `${as.origin}/idp/consent?${new URLSearchParams({ interactId: grant.id, nonce: grant.nonce })}`;
    for (const answer of [await get(url), await submit(page, { decision: 'accept' })]) {
      assert.equal(answer.status, 400);
      assert.match(answer.text, /Request closed/);
      assert.ok(answer.text.includes(`href="${as.authServer}interact/${grant.id}/${grant.nonce}/finish"`));
    }
  });

  test('errors are pages', async () => {
    const grant = await requestGrant();
    const { page } = await openPage(grant);
    await submit(page, { decision: 'accept' });
    const url = `${as.origin}/idp/consent?`;
    for (const [answer, status] of [
      [await get(`${url}interactId=${grant.id}&nonce=${grant.nonce}`), 400],
      [await get(`${url}interactId=${grant.id}&nonce=x`), 404],
      [await get(`${url}interactId=%00&nonce=x`), 404],
      [await get(url), 400],
      [await submit(page, { decision: 'reject' }), 400],
      [await submit(page, { decision: 'maybe' }), 400],
      [await as.send({ method: 'PUT', url }), 405],
    ] as const) {
      assert.equal(answer.status, status, answer.text);
      assert.match(answer.headers.get('content-type')!, /^text\/html/);
      // Only a request with the right nonce gets the link back to the client.
      assert.ok(!answer.text.replaceAll(/href="[^"]*"/g, '').includes(grant.nonce));
    }
  });
});

describe('the back channel', () => {
  const call = (path: string, method = 'POST', secret: string | undefined = as.secrets.backChannel) =>
    as.send({ method, url: `${as.urls.backChannel}/grant/${path}`, headers: { 'x-idp-secret': secret } });
  const outcome = ({ status, body }: Answer) => [status, body?.error?.code];

  test('AS-80, AS-82: read, accept, read again', async () => {
    const { id, nonce, access } = await requestGrant();
    const { status, body } = await call(`${id}/${nonce}`, 'GET');
    assert.equal(status, 200);
    assert.deepEqual(body, {
      grantId: body.grantId,
      access,
      state: 'PENDING',
      client: { name: 'The Shop', uri: client.walletAddress },
      expiresAt: new Date(as.world.now + 600_000).toISOString(),
      finishUri: 'https://shop.example:8443/done',
    });
    assert.deepEqual(outcome(await call(`${id}/${nonce}/accept`)), [202, undefined]);
    assert.equal((await call(`${id}/${nonce}`, 'GET')).body.state, 'APPROVED');
    assert.deepEqual(outcome(await call(`${id}/${nonce}/reject`)), [400, 'invalid_interaction'], 'AS-83');
  });

  test('AS-82: reject', async () => {
    const { id, nonce } = await requestGrant();
    assert.equal((await call(`${id}/${nonce}/reject`)).status, 202);
    assert.equal((await call(`${id}/${nonce}`, 'GET')).body.state, 'DENIED');
  });

  test('AS-81, AS-84: rejects a wrong secret of any length, for known and unknown interactions', async () => {
    const { id, nonce } = await requestGrant();
    for (const secret of ['', 'x', `${as.secrets.backChannel}x`]) {
      assert.deepEqual(outcome(await call(`${id}/${nonce}`, 'GET', secret)), [401, 'invalid_request']);
      assert.deepEqual(outcome(await call(`${id}/${nonce}/accept`, 'POST', secret)), [401, 'invalid_interaction']);
      assert.deepEqual(outcome(await call('unknown/x/reject', 'POST', secret)), [401, 'invalid_interaction']);
    }
    assert.equal((await call(`${id}/${nonce}`, 'GET')).body.state, 'PENDING');
  });

  test('AS-83: rejects an unknown decision of an existing interaction', async () => {
    const { id, nonce } = await requestGrant();
    assert.deepEqual(outcome(await call(`${id}/${nonce}/maybe`)), [400, 'invalid_request']);
    assert.deepEqual(outcome(await call(`${id}/x/maybe`)), [404, 'unknown_interaction']);
    assert.deepEqual(outcome(await call(`${id}/${nonce}/maybe`, 'POST', 'x')), [401, 'invalid_interaction']);
    await call(`${id}/${nonce}/accept`);
    assert.deepEqual(outcome(await call(`${id}/${nonce}/maybe`)), [400, 'invalid_request']);
  });

  const accept = ({ id, nonce }: { id: string; nonce: string }, body: unknown, type = 'application/json') =>
    as.send({
      url: `${as.urls.backChannel}/grant/${id}/${nonce}/accept`,
      headers: { 'x-idp-secret': as.secrets.backChannel, 'content-type': type },
      body,
    });
  const amount = (value: string, assetCode = 'USD', assetScale = 2) => ({ value, assetCode, assetScale });

  test('AS-82: ignores a body that is not JSON', async () => {
    for (const [body, type] of [
      ['', 'application/json'],
      ['', 'application/x-www-form-urlencoded'],
      ['x=1', 'application/x-www-form-urlencoded'],
      ['x', 'text/plain'],
      ['{}', 'application/json'],
    ] as const) {
      assert.equal((await accept(await requestGrant(), body, type)).status, 202, `${type} ${body}`);
    }
  });

  test('allowing less: the token has the lower amount, and the request is the maximum', async () => {
    const grant = await requestGrant();
    const identifier = as.alice;
    for (const limits of [
      [{ identifier, debitAmount: amount('1251') }],
      [{ identifier, debitAmount: amount('0') }],
      [{ identifier, debitAmount: amount('-1') }],
      [{ identifier, debitAmount: amount('1', 'EUR') }],
      [{ identifier, debitAmount: amount('1', 'USD', 9) }],
      [{ identifier, receiveAmount: amount('1') }],
      [{ identifier: as.bob, debitAmount: amount('1') }],
      [
        { identifier, debitAmount: amount('1') },
        { identifier, debitAmount: amount('2') },
      ],
      [{ debitAmount: amount('1') }],
      'all',
    ]) {
      assert.deepEqual(outcome(await accept(grant, { limits })), [400, 'invalid_request'], JSON.stringify(limits));
    }
    assert.deepEqual(outcome(await accept(grant, '{')), [400, 'invalid_request']);
    assert.equal((await as.interactions.read(grant.id, grant.nonce)).state, 'pending');
    assert.equal((await accept(grant, { limits: [{ identifier, debitAmount: amount('250') }] })).status, 202);
    const [item] = (await as.interactions.read(grant.id, grant.nonce)).access;
    assert.deepEqual(item, { ...grant.access[0], limits: { ...limits, debitAmount: amount('250') } });
  });

  test('AS-83: unknown, expired, cancelled', async () => {
    const { id, nonce, continue: continuation } = await requestGrant();
    assert.deepEqual(outcome(await call(`${id}/x/accept`)), [404, 'unknown_interaction']);
    const token = continuation.access_token.value;
    await as.send({ method: 'DELETE', url: continuation.uri, token, by: client });
    assert.deepEqual(outcome(await call(`${id}/${nonce}/accept`)), [401, 'user_denied']);
    const late = await requestGrant();
    as.world.now += 600_000;
    assert.deepEqual(outcome(await call(`${late.id}/${late.nonce}/accept`)), [400, 'invalid_interaction']);
  });
});
