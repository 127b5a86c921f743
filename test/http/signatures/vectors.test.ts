/**
 * Recorded signed requests and digests, judged by both profiles: RFC 9421 Appendix B.2.6, RFC 9530, the wire forms of
 * clients, and a rejection for each rule.
 */
import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { test } from 'node:test';
import digests from '../../../conformance/vectors/digests.json' with { type: 'json' };
import recorded from '../../../conformance/vectors/signatures.json' with { type: 'json' };
import { createTargetUri, type ReceivedRequest } from '../../../src/http/received-request.ts';
import { verifyContentDigest } from '../../../src/http/signatures/content-digest.ts';
import { createSignatureBase } from '../../../src/http/signatures/signature-base.ts';
import { readSignature } from '../../../src/http/signatures/signature-input.ts';
import type { Verdict } from '../../../src/http/signatures/verdict.ts';
import { checkSignature } from '../../../src/http/signatures/verify.ts';
import { compat, strict } from '../../../src/profile.ts';

interface SignatureVector {
  id: string;
  now: number;
  required?: string[];
  request: { method: string; origin: string; target: string; headers: string[][]; body: string };
  base?: string;
  strict: string;
  compat: string;
  lenient?: string[];
  /** The signed parts that differ from the parts that were sent. */
  signed?: { method?: string; target?: string; token?: string };
}

const key = createPublicKey({ key: recorded.keys['test-key-ed25519'], format: 'jwk' });

function toExchange({ method, origin, target, headers, body }: SignatureVector['request']): ReceivedRequest {
  return {
    method,
    rawTarget: target,
    targetUri: createTargetUri(origin, target),
    rawHeaders: headers.map(([name, value]) => [name!, value!] as const),
    body: Buffer.from(body),
  };
}

/** The request as it was signed. */
function asSigned({ request, signed = {} }: SignatureVector): SignatureVector['request'] {
  const { method = request.method, target = request.target, token } = signed;
  const headers = request.headers.map(([name, value]) => [
    name!,
    token && name === 'Authorization' ? `GNAP ${token}` : value!,
  ]);
  return { ...request, method, target, headers };
}

const outcome = (verdict: Verdict): string => (verdict.ok ? 'ok' : verdict.reason);

for (const vector of recorded.vectors as SignatureVector[]) {
  for (const [profile, switches] of Object.entries({ strict, compat })) {
    test(`signature ${vector.id}: ${profile}`, () => {
      const exchange = toExchange(vector.request);
      const read = readSignature(exchange, switches, vector.now, vector.required);
      const verdict = read.ok ? checkSignature(exchange, read, { key, switches }) : read;
      assert.equal(outcome(verdict), profile === 'strict' ? vector.strict : vector.compat, JSON.stringify(verdict));
      if (verdict.ok) {
        // `alg` is accepted in both profiles; what only compat accepts shows there alone
        assert.deepEqual(verdict.lenient, vector.lenient ?? []);
      } else {
        assert.doesNotMatch(verdict.detail, /OS9M2PMHKUR64TB8N6BW7OZB8CDFONP219RP1LT0/);
      }
      if (read.ok && vector.base !== undefined) {
        const built = createSignatureBase(exchange, read.components, read.signatureParams);
        assert.equal(built.ok && built.base, vector.base);
      }
    });
  }
}

for (const vector of (recorded.vectors as SignatureVector[]).filter(({ signed }) => signed)) {
  test(`signature ${vector.id}: right for what was signed`, () => {
    const exchange = toExchange(asSigned(vector));
    const read = readSignature(exchange, strict, vector.now);
    assert.ok(read.ok);
    assert.equal(outcome(checkSignature(exchange, read, { key, switches: strict })), 'ok');
  });
}

for (const vector of digests.vectors) {
  for (const [profile, switches] of Object.entries({ strict, compat })) {
    test(`digest ${vector.name}: ${profile}`, () => {
      const headers = ('field' in vector ? (vector.field ?? []) : []).map((line) => ['content-digest', line]);
      const exchange = toExchange({ method: 'POST', origin: 'https://a', target: '/', headers, body: vector.body });
      const verdict = verifyContentDigest(exchange, switches);
      assert.equal(outcome(verdict), profile === 'strict' ? vector.strict : vector.compat);
      if (verdict.ok) assert.equal(verdict.lenient.length, vector.strict === 'ok' ? 0 : 1);
    });
  }
}

test('vectors: each one names its rows, names are unique', () => {
  assert.equal(new Set(recorded.vectors.map(({ id }) => id)).size, recorded.vectors.length);
  assert.equal(new Set(digests.vectors.map(({ name }) => name)).size, digests.vectors.length);
  for (const { vectors } of [recorded, digests]) {
    assert.ok(vectors.every(({ rows }) => rows.length > 0 && rows.every((row) => /^SIG-N?\d\d[a-z]?$/.test(row))));
  }
});
