/** Secrets disappear from every text of a report, however JSON spells them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutSecrets } from '../../src/grade/without-secrets.ts';

test('a secret is hidden in every text, also one with quotes, line ends or other scripts', () => {
  for (const secret of ['token-0123', 'a "quoted" \\ secret', 'two\nlines\tand\u0000more', 'ключ 🔑 \u2028 ÿ']) {
    const data = { deep: [{ text: `before ${secret} after ${secret}` }], same: secret, other: 'plain', count: 1 };
    const hidden = `…(${secret.length})`;
    assert.deepEqual(withoutSecrets(data, ['absent', secret, '']), {
      deep: [{ text: `before ${hidden} after ${hidden}` }],
      same: hidden,
      other: 'plain',
      count: 1,
    });
  }
});

test('the longest of secrets that contain each other is hidden first; the lines of a private key are secrets', () => {
  assert.equal(withoutSecrets('ab abc abcd', ['ab', 'abcd', 'abc']), '…(2) …(3) …(4)');
  const line = 'x'.repeat(64);
  const pem = `-----BEGIN PRIVATE KEY-----\n${line}\n-----END PRIVATE KEY-----\n`;
  assert.deepEqual(withoutSecrets([pem, `> ${line}`], [pem]), [`…(${pem.length})`, '> …(64)']);
});
