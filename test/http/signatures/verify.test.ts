/** Verification with new keys: an independent signer, our requests, keys, replays (RFC 9421 §3, RFC 9635 §7.3.1). */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { createSignatureHeaders, validateSignature, validateSignatureHeaders } from '@interledger/http-signature-utils';
import type { ReceivedRequest } from '../../../src/http/received-request.ts';
import { createContentDigest } from '../../../src/http/signatures/content-digest.ts';
import { signRequest } from '../../../src/http/signatures/sign.ts';
import { createSignatureBase } from '../../../src/http/signatures/signature-base.ts';
import { readSignature } from '../../../src/http/signatures/signature-input.ts';
import { singleUseValue, verifySignature } from '../../../src/http/signatures/verify.ts';
import { compat, selectProfile, strict } from '../../../src/profile.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const now = Date.now();
const signingKey = { keyid: 'key-1', privateKey };
const outcome = (exchange: ReceivedRequest, extra: Partial<Parameters<typeof verifySignature>[1]> = {}): string => {
  const verdict = verifySignature(exchange, { key: publicKey, switches: strict, now, ...extra });
  return verdict.ok ? 'ok' : verdict.reason;
};

function ownRequest(url: string, headers: Record<string, string> = {}, body = '', method = 'POST'): ReceivedRequest {
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
  const exchange: ReceivedRequest = {
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
  const input = (exchange: ReceivedRequest): string => Object.fromEntries(exchange.rawHeaders)['signature-input']!;
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

test('SIG-15, SIG-16: the nonce may be used once; the signature only where asked for', () => {
  const plain = readSignature(ownRequest('https://ase.example/'), strict, now);
  assert.ok(plain.ok);
  assert.equal(singleUseValue(plain, strict), undefined);
  assert.equal(singleUseValue(plain, compat), undefined);
  const asked = selectProfile('compat', { rejectRepeatedSignatures: true });
  assert.equal(singleUseValue(plain, asked), plain.signature.toString('base64'));
  const withNonce = { ...plain, params: { ...plain.params, nonce: 'n1' } };
  assert.equal(singleUseValue(withNonce, strict), 'n1');
  assert.equal(singleUseValue(withNonce, asked), 'n1');
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
