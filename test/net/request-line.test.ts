/** Request targets and hosts as a listener takes them: RFC 9112 §3.2, RFC 9110 §4.2.3. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeMalformed, isHostOf, requestedHost } from '../../src/net/request-line.ts';

const describeTarget = (url: string, method = 'GET', hosts: readonly string[] = ['a']): string | undefined =>
  describeMalformed({ method, url, httpVersion: '1.1', rawHeaders: hosts.flatMap((host) => ['host', host]) });

test('targets in origin-form and absolute-form are taken, in any percent-encoding', () => {
  for (const url of [
    '/',
    '//',
    '/a?b=c&d',
    '/%2e%2e/%252F?%23',
    '/a?b={"c"}|^`',
    '/?a?b',
    'http://a/b',
    'HTTPS://a:1?b',
  ]) {
    assert.equal(describeTarget(url), undefined, url);
  }
  assert.equal(describeTarget('*', 'OPTIONS'), undefined);
});

test('fragments, backslashes, characters beyond ASCII and other forms are malformed', () => {
  const malformed = [
    ...['/a#b', '/#', '/a?b#c', 'http://a#b', 'http://a/#', '#', '/a\\b', '\\a', '/a?b\\c', 'http://a\\b/'],
    ...['/\u00fc', '/a b', '/a\tb', '/a\u0000', '/\u007f', '', 'a', 'a:443', '?a', '*', 'ftp://a/', 'javascript:a'],
    ...['http://', 'http:///a', 'http://b@a/', 'http://b:c@a/', 'http://a:x/', 'http://[::1/'],
  ];
  for (const url of malformed) assert.equal(typeof describeTarget(url), 'string', url);
  assert.equal(typeof describeTarget('*', 'GET'), 'string');
});

test('exactly one Host is needed', () => {
  assert.match(describeTarget('/', 'GET', []) ?? '', /Host/);
  assert.match(describeTarget('/', 'GET', ['a', 'a']) ?? '', /Host/);
  assert.equal(
    describeMalformed({ method: 'GET', url: '/', httpVersion: '1.0', rawHeaders: ['A', 'host'] }),
    undefined,
  );
});

test('a target in absolute-form takes the place of Host', () => {
  assert.equal(requestedHost({ url: '/a', headers: { host: 'B:80' } }), 'B:80');
  assert.equal(requestedHost({ url: 'http://c:1/a', headers: { host: 'b' } }), 'c:1');
  assert.equal(requestedHost({ url: '/a?http://c/', headers: {} }), '');
});

test('B11: case, default port and final dot do not tell hosts apart; another port or name does', () => {
  for (const host of [
    'ase.example',
    'ASE.Example',
    'ase.example:',
    'ase.example:80',
    'ase.example.',
    'ase.example.:80',
  ]) {
    assert.ok(isHostOf(host, 'http://ase.example/x'), host);
  }
  for (const host of ['ase.example', 'ase.example:443']) assert.ok(isHostOf(host, 'https://ase.example'), host);
  assert.ok(isHostOf('ase.example:0443', 'https://ase.example:443/'));
  assert.ok(isHostOf('[::1]:8080', 'http://[0:0:0:0:0:0:0:1]:8080'));
  for (const host of [
    '',
    'ase.example:443',
    'ase.example:8080',
    'ase.exampl',
    'a@ase.example',
    'ase.example/x',
    'x?y',
  ]) {
    assert.ok(!isHostOf(host, 'http://ase.example'), host);
  }
  assert.ok(!isHostOf('ase.example:80', 'https://ase.example'));
});
