/** The URL template of a wallet address's web page (WA-16). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expandWebPage } from '../../src/wallet-address/extensions.ts';

const fill = (template: string) => expandWebPage(template, 'https://wallet.example/a/alice');

test('each placeholder stands for its form of the address', () => {
  assert.equal(fill('https://page.example/?of=%wa'), 'https://page.example/?of=https://wallet.example/a/alice');
  assert.equal(
    fill('https://page.example/?of=%ewa'),
    'https://page.example/?of=https%3A%2F%2Fwallet.example%2Fa%2Falice',
  );
  assert.equal(fill('https://page.example/%wp'), 'https://page.example/wallet.example/a/alice');
  assert.equal(fill('https://page.example/%ewp'), 'https://page.example/wallet.example%2Fa%2Falice');
});

test('placeholders may repeat, and other text is unchanged', () => {
  assert.equal(
    fill('%wp %20 %wx %ewp %wp'),
    `${'wallet.example/a/alice'} %20 %wx wallet.example%2Fa%2Falice wallet.example/a/alice`,
  );
});

test('removes an http scheme as well, and treats $ as text', () => {
  assert.equal(expandWebPage('/%wp', 'http://localhost:3000/$&'), '/localhost:3000/$&');
});
