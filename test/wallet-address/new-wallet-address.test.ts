/** Validation of new wallet addresses (WA-19, WA-21…23, AMB-20). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routes as authRoutes } from '../../generated/auth-server/routes.ts';
import { routes as resourceRoutes } from '../../generated/resource-server/routes.ts';
import { routes as walletAddressRoutes } from '../../generated/wallet-address-server/routes.ts';
import { Problem } from '../../src/errors.ts';
import { parseNewWalletAddress, reservedSegments } from '../../src/wallet-address/new-wallet-address.ts';

const published = { origin: 'https://bank.example', local: false };
const local = { origin: 'http://localhost:4000', local: true };

const refused = (text: string, rules = published) =>
  assert.throws(
    () => parseNewWalletAddress(text, rules),
    (error) => error instanceof Problem && error.code === 'invalid_request',
    text,
  );

test('canonicalises the path: lower case, no trailing slash', () => {
  for (const [text, path] of [
    ['https://bank.example/alice', '/alice'],
    ['https://BANK.example/Alice/', '/alice'],
    ['https://bank.example//a//b', '/a/b'],
    ['https://bank.example/a.b_c-d~e/@1', '/a.b_c-d~e/@1'],
    ['https://bank.example', '/.well-known/pay'],
    ['https://bank.example/', '/.well-known/pay'],
    ['https://bank.example/.well-known/pay', '/.well-known/pay'],
    ['$bank.example/alice', '/alice'],
    ['$bank.example', '/.well-known/pay'],
  ] as const) {
    assert.deepEqual(parseNewWalletAddress(text, published), { path, url: `https://bank.example${path}` }, text);
  }
});

test('requires https, ASCII and this origin, without user information, port, query and fragment', () => {
  for (const text of [
    'http://bank.example/alice',
    'https://bank.example:8443/alice',
    'https://bank.example:443/alice',
    'https://alice@bank.example/alice',
    'https://bank.example/alice?x=1',
    'https://bank.example/alice?',
    'https://bank.example?x',
    'https://bank.example/alice#x',
    'https://bank.example/älice',
    'https://other.example/alice',
    'https://bank.example.evil.example/alice',
    'ftp://bank.example/alice',
    'bank.example/alice',
    '$bank.example:443/alice',
    '$alice@bank.example',
    '',
    '$',
  ]) {
    refused(text);
  }
});

test('rejects percent-encoding, dot segments and other characters', () => {
  for (const path of ['/%61lice', '/a/../b', '/./a', '/a\\b', '/a b', '/a"b', '/{a}', `/${'a'.repeat(600)}`]) {
    refused(`https://bank.example${path}`);
  }
});

test('accepts http and the port of the origin if `local` is set', () => {
  assert.deepEqual(parseNewWalletAddress('http://localhost:4000/alice', local), {
    path: '/alice',
    url: 'http://localhost:4000/alice',
  });
  for (const text of ['http://localhost:4001/alice', 'http://localhost/alice', 'http://localhost:4000/a?b']) {
    refused(text, local);
  }
});

test('rejects paths that collide with an endpoint, by whole segments', () => {
  for (const segment of reservedSegments) {
    refused(`https://bank.example/${segment}`);
    refused(`https://bank.example/${segment.toUpperCase()}/x`);
    refused(`https://bank.example/x/${segment}`);
    const longer = `https://bank.example/${segment}s-of-alice`;
    assert.equal(parseNewWalletAddress(longer, published).url, longer);
  }
  refused('https://bank.example/.well-known/ase');
  refused('https://bank.example/.well-known/other');
});

test('reserves every endpoint of the documents', () => {
  const paths = [authRoutes, resourceRoutes, walletAddressRoutes].flatMap((routes) =>
    Object.values(routes).map(({ path }) => path.split('/')[1]!),
  );
  assert.deepEqual(
    [...new Set(paths)].filter((segment) => segment !== '' && !reservedSegments.has(segment)),
    [],
  );
});
