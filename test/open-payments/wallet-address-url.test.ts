/** One spelling of a wallet address (WA-20, OPI-081; RFC 3986 §6.2). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalWalletAddress, parseWalletAddress } from '../../src/open-payments/wallet-address-url.ts';
import fc from '../support/fast-check.ts';

test('all spellings of a wallet address are one', () => {
  for (const spelling of [
    ...[
      'https://ase.example/client',
      'https://ase.example/CLIENT',
      'HTTPS://ASE.example/client/',
      'https://ase.example//client',
    ],
    ...['https://ase.example:443/client//', 'https://ase.example./client', 'https://ase.example/%63lient'],
    ...['https://ase.example/a/../client', 'https://ase.example/%2E/client', 'https://ase.example/client?'],
  ]) {
    assert.equal(parseWalletAddress(spelling), 'https://ase.example/client', spelling);
  }
  assert.equal(parseWalletAddress('http://localhost:80/'), 'http://localhost');
  assert.equal(parseWalletAddress('http://localhost:8080/A%2fb'), 'http://localhost:8080/a%2fb');
});

test('different wallet addresses stay different, and other texts are not wallet addresses', () => {
  const different = [
    ...['https://ase.example/client', 'https://ase.example/client2', 'http://ase.example/client'],
    ...['https://ase.example:8443/client', 'https://ase.example/client/x', 'https://ase.example/a%2fclient'],
  ];
  assert.equal(new Set(different.map(parseWalletAddress)).size, different.length);
  for (const text of [
    'client',
    'ftp://a/b',
    'https://a/b?c',
    'https://a/b#c',
    'https://a@b/c',
    '$ase.example/client',
  ]) {
    assert.equal(parseWalletAddress(text), undefined, text);
    assert.equal(canonicalWalletAddress(text), text);
  }
});

test('the canonical spelling is its own canonical spelling', () => {
  const path = fc.array(fc.constantFrom('/', '//', 'a', 'B', '%41', '%2F', '%2e', '.', '..', '%25', '%2561', '+'), {
    maxLength: 8,
  });
  fc.assert(
    fc.property(path, (parts) => {
      const canonical = parseWalletAddress(`https://ase.example/${parts.join('')}`);
      assert.ok(canonical !== undefined);
      assert.equal(parseWalletAddress(canonical), canonical);
    }),
  );
});
