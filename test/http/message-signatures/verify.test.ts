// Verification with fresh keys: an independent signer, requests of our own, keys, nonces (RFC 9421 §3, RFC 9635 §7.3.1).
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { createSignatureHeaders, validateSignature, validateSignatureHeaders } from '@interledger/http-signature-utils';
import { createContentDigest } from '../../../src/http/content-digest.ts';
import type { Exchange } from '../../../src/http/exchange.ts';
import { createNonceMemory } from '../../../src/http/message-signatures/nonces.ts';
import { signRequest } from '../../../src/http/message-signatures/sign.ts';
import { createSignatureBase } from '../../../src/http/message-signatures/signature-base.ts';
import { verifySignature } from '../../../src/http/message-signatures/verify.ts';
import { compat, selectProfile, strict } from '../../../src/http/profile.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const now = Date.now();
const signingKey = { keyid: 'key-1', privateKey };
const outcome = (exchange: Exchange, extra: Partial<Parameters<typeof verifySignature>[1]> = {}): string => {
  const verdict = verifySignature(exchange, { key: publicKey, switches: strict, now, ...extra });
  return verdict.ok ? 'ok' : verdict.reason;
};

function ownRequest(url: string, headers: Record<string, string> = {}, body = '', method = 'POST'): Exchange {
  const bytes = Buffer.from(body);
  const signed = signRequest({ method, url, headers, body: bytes }, signingKey, now);
  const { origin, pathname, search } = new URL(url);
  const rawTarget = pathname + search;
  return { method, rawTarget, targetUri: origin + rawTarget, rawHeaders: Object.entries(signed), body: bytes };
}

test('the Node client’s library signs what we accept', async () => {
  const body = JSON.stringify({ a: 1 });
  const headers = {
    authorization: 'GNAP token',
    'content-type': 'application/json',
    'content-digest': createContentDigest(body),
    'content-length': String(body.length),
  };
  const url = 'https://ase.example/quotes';
  const signature = await createSignatureHeaders({
    request: { method: 'POST', url, headers, body },
    privateKey,
    keyId: 'k',
  });
  const rawHeaders = Object.entries({ ...headers, ...signature });
  const exchange: Exchange = {
    method: 'POST',
    rawTarget: '/quotes',
    targetUri: url,
    rawHeaders,
    body: Buffer.from(body),
  };
  assert.equal(outcome(exchange, { now: Date.now() }), 'ok');
});

test('that library accepts what we sign', async () => {
  const body = JSON.stringify({ a: 1 });
  const url = 'https://ase.example/quotes?x=%2F';
  const exchange = ownRequest(url, { Authorization: 'GNAP token', 'Content-Type': 'application/json' }, body);
  const headers = Object.fromEntries(exchange.rawHeaders) as Record<string, string>;
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'key-1', alg: 'EdDSA' };
  assert.ok(validateSignatureHeaders({ method: 'POST', url, headers, body }));
  assert.ok(await validateSignature(jwk as never, { method: 'POST', url, headers, body }));
  assert.equal(outcome(exchange), 'ok');
});

test('signing covers what the request holds', () => {
  const input = (exchange: Exchange): string => Object.fromEntries(exchange.rawHeaders)['signature-input']!;
  assert.match(
    input(ownRequest('https://a.example', {}, '', 'GET')),
    /^sig1=\("@method" "@target-uri"\);created=\d+;keyid="key-1"$/,
  );
  assert.match(
    input(ownRequest('https://a.example', { authorization: 'GNAP t' }, '', 'GET')),
    /^sig1=\("@method" "@target-uri" "authorization"\);/,
  );
  assert.match(
    input(ownRequest('https://a.example', { 'content-type': 'application/json' }, '{}')),
    /^sig1=\("@method" "@target-uri" "content-digest" "content-length" "content-type"\);/,
  );
  assert.throws(() => ownRequest('https://a.example', { authorization: 'GNAP \u00fc' }), /cannot sign: authorization/);
});

test('SIG-32: keyid must be the expected one', () => {
  const exchange = ownRequest('https://ase.example/');
  assert.equal(outcome(exchange, { expectedKeyId: 'key-1' }), 'ok');
  assert.equal(outcome(exchange, { expectedKeyId: 'key-2' }), 'keyid_mismatch');
});

test('SIG-29: another key does not verify, nor does a key of another kind', () => {
  const exchange = ownRequest('https://ase.example/');
  assert.equal(outcome(exchange, { key: generateKeyPairSync('ed25519').publicKey }), 'signature_mismatch');
  assert.equal(outcome(exchange, { key: generateKeyPairSync('ed448').publicKey }), 'unsupported_key');
});

test('SIG-14: the tag can be asked for', () => {
  assert.equal(
    outcome(ownRequest('https://ase.example/'), { switches: selectProfile('strict', { requireTagGnap: true }) }),
    'unsupported_tag',
  );
});

test('SIG-16: equal signatures without a nonce are no replay, unless asked for', () => {
  const exchange = ownRequest('https://ase.example/');
  const nonces = createNonceMemory({ windowMs: 360_000 });
  const seenNonce = (nonce: string): boolean => nonces('thumbprint', nonce, now);
  for (const switches of [strict, compat]) {
    assert.equal(outcome(exchange, { switches, seenNonce }), 'ok');
    assert.equal(outcome(exchange, { switches, seenNonce }), 'ok');
  }
  const switches = selectProfile('compat', { rejectRepeatedSignatures: true });
  assert.equal(outcome(exchange, { switches, seenNonce }), 'ok');
  assert.equal(outcome(exchange, { switches, seenNonce }), 'nonce_replayed');
});

test('SIG-15: a forged request burns no nonce, a second use is refused', async () => {
  const { sign } = await import('node:crypto');
  const params = `("@method" "@target-uri");created=${Math.floor(now / 1000)};keyid="key-1";nonce="n1"`;
  const bare = {
    method: 'GET',
    rawTarget: '/',
    targetUri: 'https://ase.example/',
    rawHeaders: [],
    body: Buffer.alloc(0),
  };
  const built = createSignatureBase(bare, ['@method', '@target-uri'], params);
  assert.ok(built.ok);
  const withSignature = (bytes: Buffer): Exchange => ({
    ...bare,
    rawHeaders: [
      ['Signature-Input', `sig1=${params}`],
      ['Signature', `sig1=:${bytes.toString('base64')}:`],
    ],
  });
  const nonces = createNonceMemory({ windowMs: 360_000 });
  const seenNonce = (nonce: string): boolean => nonces('thumbprint', nonce, now);
  const signature = sign(null, Buffer.from(built.base), privateKey);
  assert.equal(outcome(withSignature(Buffer.alloc(64)), { seenNonce }), 'signature_mismatch');
  assert.equal(outcome(withSignature(signature), { seenNonce }), 'ok');
  assert.equal(outcome(withSignature(signature), { seenNonce }), 'nonce_replayed');
});

test('nonces are kept per key, for the window, within the bound', () => {
  const seen = createNonceMemory({ windowMs: 1000, maxNonces: 2 });
  assert.deepEqual([seen('a', 'n', 0), seen('b', 'n', 0), seen('a', 'n', 999)], [false, false, true]);
  assert.equal(seen('a', 'n', 1000), false);
  const small = createNonceMemory({ windowMs: 1000, maxNonces: 2 });
  assert.deepEqual(
    [small('a', '1', 0), small('a', '2', 0), small('a', '3', 0), small('a', '3', 0)],
    [false, false, false, true],
  );
  assert.equal(small('a', '1', 0), false);
});

test('a value that could forge a line of the base is refused', () => {
  const exchange = {
    method: 'GET',
    rawTarget: '/',
    targetUri: 'https://a/',
    rawHeaders: [['x', 'a\n"y": b']] as const,
    body: Buffer.alloc(0),
  };
  const built = createSignatureBase(exchange, ['x'], '()');
  assert.equal(!built.ok && built.reason, 'unprintable_value');
});
