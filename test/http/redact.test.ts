/** Secrets are removed from targets and signature bases; the rest stays as received. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redactSignatureBase, redactTarget, secretParameters } from '../../src/http/redact.ts';

test('targets and signature bases without secrets', () => {
  assert.equal(
    redactTarget('/interact/1/n0/finish?interact_ref=r&hash=h&nonce=n&first=2', { nonce: 'n0' }),
    '/interact/1/[redacted]/finish?interact_ref=[redacted]&hash=[redacted]&nonce=[redacted]&first=2',
  );
  for (const name of secretParameters) assert.equal(redactTarget(`/?${name}=secret`, {}), `/?${name}=[redacted]`);
  const base = [
    '"@method": GET',
    '"@target-uri": http://localhost/quotes/1',
    '"authorization": GNAP secret',
    '"cookie": secret',
    '"@query": ?interact_ref=secret',
    '"content-digest": sha-256=:AA==:',
    '"@signature-params": ("@method" "authorization");created=1;nonce="se\\"cret";keyid="k"',
  ];
  const redacted = redactSignatureBase(base.join('\n')).split('\n');
  assert.deepEqual(redacted.slice(0, 4), [base[0], base[1], '"authorization": [redacted]', '"cookie": [redacted]']);
  assert.deepEqual(redacted.slice(4), [
    '"@query": [redacted]',
    base[5],
    '"@signature-params": ("@method" "authorization");created=1;nonce="[redacted]";keyid="k"',
  ]);
  assert.equal(
    redactSignatureBase('"@signature-params": ();x=";nonce="; nonce="secret"'),
    '"@signature-params": ();x=";nonce="; nonce="[redacted]"',
  );
});
