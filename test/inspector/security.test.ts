/** Access to the inspector: a link works once, a session needs its cookie, a known Host, and its forms need their token. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, test } from 'node:test';
import { createSessions, hasFormToken } from '../../src/inspector/session.ts';
import { startWorld, type TestWorld } from '../support/world.ts';
import { cookieOf, read, type Visitor, visitInspector, visitorWith } from './inspector.ts';

let world: TestWorld;
let visitor: Visitor;
before(async () => {
  world = await startWorld({});
  visitor = await visitInspector(world);
});
after(() => world.close());

const inspector = () => `${visitor.origin}/inspector`;

test('a link works once, opens a session with a strict cookie, and leaves no secret in a later URL', async () => {
  const link = world.issueInspectorLink();
  const first = await read(await fetch(link));
  assert.equal(first.status, 200);
  assert.match(
    first.headers.get('set-cookie')!,
    /^touchstone_inspector_\d+=[\w-]{43}; Path=\/inspector; Max-Age=43200; HttpOnly; SameSite=Strict$/,
  );
  assert.match(first.text, /<meta http-equiv="refresh" content="0; url=\/inspector\/requests">/);
  const second = await read(await fetch(link));
  assert.deepEqual([second.status, second.headers.get('set-cookie')], [401, null]);
  assert.match(second.text, /used before, or it has expired/);
  assert.equal((await visitorWith(visitor.origin, cookieOf(first)).get('/requests')).status, 200);
});

test('codes expire after 15 minutes, sessions after 12 hours; neither is accepted in the place of the other', () => {
  let now = 0;
  const sessions = createSessions({ wallNow: () => now, port: 4900, isSecure: true, path: '/inspector' });
  const code = sessions.issueCode();
  now = 15 * 60 * 1000;
  assert.equal(sessions.redeemCode(code), undefined);
  const cookie = sessions.redeemCode(sessions.issueCode())!;
  assert.match(cookie, /^__Secure-touchstone_inspector_4900=.*; Secure$/);
  const pair = cookie.split(';')[0]!;
  const session = sessions.find(`other=1; ${pair}`)!;
  assert.ok(session);
  assert.ok(hasFormToken(session, session.formToken));
  assert.ok(!hasFormToken(session, undefined));
  assert.ok(!hasFormToken(session, session.id));
  assert.equal(sessions.redeemCode(session.id), undefined);
  assert.equal(sessions.find(`${pair.split('=')[0]}=${sessions.issueCode()}`), undefined);
  assert.equal(sessions.find(pair.replace('4900', '4901')), undefined);
  now += 12 * 60 * 60 * 1000;
  assert.equal(sessions.find(pair), undefined);
});

test('at most a hundred sessions are open: the oldest one ends', () => {
  const sessions = createSessions({ wallNow: () => 0, port: 1, isSecure: false, path: '/inspector' });
  const cookies = Array.from({ length: 101 }, () => sessions.open().split(';')[0]!);
  assert.deepEqual([sessions.find(cookies[0]), sessions.find(cookies[1]) !== undefined], [undefined, true]);
});

test('without a session, every page answers 401 and says how to sign in, and no form does anything', async () => {
  const stranger = visitorWith(visitor.origin, '');
  for (const path of ['/', '/requests', '/requests/1', '/wallets', '/controls', '/report', '/worlds/x/requests']) {
    const { status, text } = await stranger.get(path);
    assert.equal(status, 401, path);
    assert.match(text, /Control token/);
  }
  const { status } = await stranger.post('/controls/clock', { action: 'freeze' });
  assert.equal(status, 401);
  assert.equal(world.controls.clock().mode, 'live');
});

test('the control token signs in, a wrong one does not, and the session ends with the sign-out', async () => {
  const signIn = (token: string, headers: Record<string, string> = {}) =>
    fetch(`${inspector()}/sign-in`, { method: 'POST', headers, body: new URLSearchParams({ token }) }).then(read);
  assert.equal((await signIn(`${world.controlToken}x`)).status, 401);
  assert.equal((await signIn('')).status, 401);
  assert.equal((await signIn(world.controlToken, { origin: 'http://evil.example' })).status, 403);
  const signedIn = await signIn(world.controlToken);
  assert.equal(signedIn.status, 200);
  const own = visitorWith(visitor.origin, cookieOf(signedIn));
  assert.equal((await own.get('/requests')).status, 200);
  await own.post('/sign-out');
  assert.equal((await own.get('/requests')).status, 401);
  assert.equal((await visitor.get('/requests')).status, 200, 'other sessions stay');
});

test('forms need the token of their session and a page of this origin', async () => {
  const post = (fields: Record<string, string>, headers?: Record<string, string>) =>
    visitor.post('/controls/clock', { action: 'freeze', ...fields }, headers);
  const other = await visitInspector(world);
  const foreign = /name="form" value="([^"]*)"/.exec((await other.get('/requests')).text)![1]!;
  for (const [why, reply] of [
    ['without a token', await post({ form: '' })],
    ['with the token of another session', await post({ form: foreign })],
    ['from another origin', await post({}, { origin: 'http://evil.example' })],
    ['from another port', await post({}, { origin: world.ases[0]!.origin })],
    ['from another site', await post({}, { 'sec-fetch-site': 'cross-site' })],
    ['from an opaque origin', await post({}, { origin: 'null' })],
  ] as const) {
    assert.equal(reply.status, 403, why);
  }
  assert.equal(world.controls.clock().mode, 'live');
  assert.equal((await post({})).status, 303);
  assert.equal(world.controls.clock().mode, 'frozen');
  assert.equal((await visitor.post('/controls/clock', { action: 'run' })).status, 303);
});

test('a foreign Host is refused, with a session too', async () => {
  const { port } = new URL(visitor.origin);
  const status = await new Promise((resolve, reject) => {
    const headers = { host: `evil.example:${port}`, cookie: visitor.cookie };
    const sent = request({ host: '127.0.0.1', port, path: '/inspector/requests', headers, agent: false }, (reply) => {
      reply.resume();
      resolve(reply.statusCode);
    });
    sent.once('error', reject).end();
  });
  assert.equal(status, 403);
});

test('the cookie opens the inspector only, and the control token in a header does not', async () => {
  const state = await fetch(world.controlUrl, { headers: { cookie: visitor.cookie } });
  assert.equal(state.status, 401);
  const page = await fetch(`${inspector()}/requests`, { headers: { authorization: `Bearer ${world.controlToken}` } });
  assert.equal(page.status, 401);
});

test('every page forbids inline scripts and styles, frames, other sites and caches', async () => {
  for (const path of ['/requests', '/nowhere', '/report']) {
    const { headers, text } = await visitor.get(path);
    const policy = headers.get('content-security-policy')!;
    assert.ok(policy.startsWith("default-src 'none'; "), policy);
    assert.ok(policy.includes("frame-ancestors 'none'") && !policy.includes('unsafe'), policy);
    assert.equal(headers.get('cache-control'), 'no-store');
    assert.doesNotMatch(text, /<script(?! src="\/inspector\/live\.js" defer><)|<[a-z][^>]* (?:style|on[a-z]+)=/i);
  }
  const script = await read(await fetch(`${inspector()}/live.js`));
  assert.equal(script.headers.get('content-type'), 'text/javascript; charset=utf-8');
  assert.doesNotThrow(() => new Function(script.text));
});

test('a form that is too large, and paths that cannot be decoded, are refused in words', async () => {
  const { status, text } = await visitor.post('/controls/consent', { mode: 'x'.repeat(70_000) });
  assert.deepEqual([status, text.includes('larger than 65536 bytes')], [400, true]);
  assert.equal((await visitor.get('/requests/%zz')).status, 404);
});
