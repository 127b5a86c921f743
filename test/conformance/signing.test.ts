/** The signing code of the checks, compared with the official library where that supports a form. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { validateSignature } from '@interledger/http-signature-utils';
import { newIdentity } from '../../conformance/runner/run.ts';
import { parseTarget, TargetError } from '../../conformance/runner/target.ts';
import { targetOf } from '../../conformance/steps/http-exchange.ts';
import { CookieJar, interactionHash } from '../../conformance/steps/interaction.ts';
import { type Call, prepareRequest } from '../../conformance/steps/signed-client.ts';

const identity = newIdentity('key-1');

async function isValid(call: Call): Promise<boolean> {
  const sent = await prepareRequest(call, identity);
  const headers = Object.fromEntries(sent.headers.map(([name, value]) => [name.toLowerCase(), value]));
  const body = sent.body?.toString('utf8');
  return validateSignature(identity.jwk, { method: sent.method, url: sent.url, headers, ...(body ? { body } : {}) });
}

const call: Call = { url: 'https://server.example/quotes?a=b', json: { a: 1 }, token: 'token' };

test('usual signatures verify, by the library and by the deviating signer alike', async () => {
  assert.equal(await isValid(call), true);
  assert.equal(await isValid({ ...call, sign: {} }), true);
  assert.equal(await isValid({ ...call, sign: { parameters: ';alg="ed25519"', digest: 'sha-256' } }), true);
  assert.equal(await isValid({ url: call.url, token: 'token', sign: {} }), true);
});

test('deviations do not verify', async () => {
  assert.equal(await isValid({ ...call, sign: { broken: true } }), false);
  assert.equal(await isValid({ ...call, sendInstead: '{"a":2}' }), false);
  assert.equal(await isValid({ ...call, sign: newIdentity('key-1') }), false);
});

test('options leave out what they say', async () => {
  const names = async (change: Partial<Call>): Promise<string[]> =>
    (await prepareRequest({ ...call, ...change }, identity)).headers.map(([name]) => name.toLowerCase());
  assert.ok(!(await names({ sign: false })).includes('signature'));
  assert.ok(!(await names({ sign: { digest: null, components: ['@method'] } })).includes('content-digest'));
  const input = async (sign: Call['sign']): Promise<string> =>
    (await prepareRequest({ ...call, sign: sign ?? {} }, identity)).headers.find(
      ([name]) => name === 'signature-input',
    )![1];
  assert.equal(await input({ components: ['@method'], created: 1 }), 'sig1=("@method");created=1;keyid="key-1"');
  assert.equal(await input({ components: ['@method'], created: null, keyId: null }), 'sig1=("@method")');
  assert.equal(
    await input({ components: ['@method'], created: 1, form: 'rust' }),
    'sig1=(@method);created=1;keyid="key-1"',
  );
});

test('the request target is verbatim', () => {
  assert.equal(targetOf('http://h/a%2Fb?x=http://y/%41#f'), '/a%2Fb?x=http://y/%41');
  assert.equal(targetOf('http://h'), '/');
});

test('the interaction hash matches the published vector (AS-105)', () => {
  const parts = {
    clientNonce: 'VJLO6A4CATR0KRO',
    serverNonce: 'MBDOFXG4Y5CVJCX821LH',
    interactRef: '4IFWWIKYB2PQ6U56NL1',
    grantEndpoint: 'https://server.example.com/tx',
  };
  assert.equal(interactionHash(parts), 'x+gguKWTj8rQf7d7i3w3UhzvuJ5bpOlKyAlVpLxBffY=');
  assert.equal(interactionHash(parts, 'base64url'), 'x-gguKWTj8rQf7d7i3w3UhzvuJ5bpOlKyAlVpLxBffY');
});

test('the cookie jar keeps to origin and path, and forgets', () => {
  const jar = new CookieJar();
  const setting = (...cookies: string[]) => {
    const headers = new Headers();
    for (const cookie of cookies) headers.append('set-cookie', cookie);
    return { headers } as Parameters<CookieJar['store']>[1];
  };
  jar.store('http://h:1/interact/1/x', setting('s=one; Path=/interact/1', 'g=all; Path=/'));
  assert.equal(jar.header('http://h:1/interact/1/x/finish'), 's=one; g=all');
  assert.equal(jar.header('http://h:1/interact/12'), 'g=all');
  assert.equal(jar.header('http://h:2/interact/1'), undefined);
  jar.store('http://h:1/', setting('g=; Path=/; Max-Age=0'));
  assert.equal(jar.header('http://h:1/other'), undefined);
});

test('a wrong environment is refused with every complaint, and without its secrets', () => {
  const secret = 'bm90LWEta2V5LWJ1dC1zZWNyZXQ=';
  const variables = { TOUCHSTONE_WALLET_ADDRESS: 'alice', TOUCHSTONE_PRIVATE_KEY_BASE64: secret };
  assert.throws(
    () => parseTarget(variables),
    (error: unknown) => {
      assert.ok(error instanceof TargetError);
      assert.equal(error.complaints.length, 5);
      assert.match(error.message, /TOUCHSTONE_WALLET_ADDRESS is not an absolute/);
      assert.match(error.message, /TOUCHSTONE_PRIVATE_KEY_BASE64 holds no readable/);
      assert.doesNotMatch(error.message, /secret|bm90/);
      return true;
    },
  );
});

test('a complete environment is read', () => {
  const environment = parseTarget({
    TOUCHSTONE_WALLET_ADDRESS: 'http://localhost:4000/alice',
    TOUCHSTONE_RECEIVER: 'http://localhost:4100/bob',
    TOUCHSTONE_CLIENT: 'http://localhost:4000/client',
    TOUCHSTONE_KEY_ID: 'key-1',
    TOUCHSTONE_PRIVATE_KEY: identity.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    TOUCHSTONE_CONTROL: 'http://localhost:4900/',
    TOUCHSTONE_CONTROL_TOKEN: 'token',
  });
  assert.deepEqual(environment.control, { url: 'http://localhost:4900', token: 'token' });
  assert.equal(environment.identity.privateKey.asymmetricKeyType, 'ed25519');
});
