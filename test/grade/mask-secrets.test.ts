/** Secrets of an exchange are hidden wherever they occur, however they are spelled; the rest stays as received. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMasker } from '../../src/grade/mask-secrets.ts';
import type { ReceivedRequest } from '../../src/http/received-request.ts';

const request = (changes: Partial<ReceivedRequest>): ReceivedRequest => ({
  method: 'POST',
  rawTarget: '/',
  targetUri: 'https://ase.example/',
  rawHeaders: [],
  body: Buffer.alloc(0),
  ...changes,
});

test('a secret is hidden in the query, in the path, in headers and in JSON, as is its encoded form', () => {
  const rawTarget = '/interact/1/a%2Dnonce%2Din%2Dthe%2Dpath?interact_ref=4f%41cdefghijkl&first=2';
  const rawHeaders = [
    ['Authorization', 'GNAP token-0123456789'],
    ['Cookie', 'session=cookie-0123456789'],
    ['Signature', `sig1=:${'A'.repeat(86)}==:`],
    ['Accept', 'token-0123456789'],
  ] as const;
  const masker = createMasker({ request: request({ rawTarget, rawHeaders }), secrets: ['a-nonce-in-the-path'] });
  assert.equal(masker.text(rawTarget), '/interact/1/a%2D…(27)?interact_ref=4f%4…(15)&first=2');
  assert.deepEqual(
    rawHeaders.map(([name, value]) => masker.header(name, value)),
    ['GNAP toke…(16)', 'sess…(25)', 'sig1=:AAAA…(86)==:', 'toke…(16)'],
  );
  assert.equal(
    masker.base('"@method": POST\n"authorization": GNAP token-0123456789'),
    '"@method": POST\n"authorization": GNAP toke…(16)',
  );
  assert.equal(masker.base('"AUTHORIZATION":token-0123456789'), '"AUTHORIZATION":toke…(16)');
});

test('members of JSON are hidden, amounts are not; short secrets are hidden as whole strings', () => {
  const content =
    '{ "access_token": {"value": "token-0123456789"}, "amount": {"value": "100", "assetCode": "USD"}, "nonce": "100x" }';
  const masker = createMasker({ request: request({ body: Buffer.from(content) }) });
  const hidden = content.replace('token-0123456789', 'toke…(16)').replace('"100x"', '"…(4)"');
  assert.equal(masker.json(content), hidden);
});

test('JSON in which a secret is spelled with escapes, and content that is not JSON, are not shown', () => {
  const content = '{"interact_ref": "\\u0061bcdefghijklm"}';
  const masker = createMasker({ request: request({ body: Buffer.from(content) }) });
  assert.equal(masker.json(content), undefined);
  assert.equal(masker.json('interact_ref=abcdefghijklm'), undefined);
});
