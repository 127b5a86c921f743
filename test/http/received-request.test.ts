/** The record of a request: target URI and combined fields (RFC 9421 §2.2.2, RFC 9110 §5.3). */
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import {
  combinedHeader,
  createTargetUri,
  headerLines,
  onlyHeaderLine,
  parseQuery,
  receiveRequest,
} from '../../src/http/received-request.ts';

test('SIG-20, SIG-22: the target URI is the public origin and the request target verbatim', () => {
  const origin = 'https://ase.example';
  for (const [target, uri] of [
    ['/', 'https://ase.example/'],
    ['/a%2Fb/../c?x=https%3A%2F%2Fy&z=https://y', 'https://ase.example/a%2Fb/../c?x=https%3A%2F%2Fy&z=https://y'],
    ['//double', 'https://ase.example//double'],
    ['http://inner:8080/a?b', 'https://ase.example/a?b'],
    ['HTTP://inner?b', 'https://ase.example/?b'],
    ['*', 'https://ase.example'],
  ] as const) {
    assert.equal(createTargetUri(origin, target), uri);
  }
});

test('B14: a plus in a query is a plus, and a query may hold question marks', () => {
  assert.deepEqual(parseQuery('/a?wallet-address=https://a/team+bob&b=%2B%20+&b&c=d?e'), {
    'wallet-address': 'https://a/team+bob',
    b: ['+ +', ''],
    c: 'd?e',
  });
  assert.equal(Object.keys(parseQuery(`/?${Array.from({ length: 1500 }, (_, n) => `a${n}`).join('&')}`)).length, 1500);
});

test('only the whitespace of RFC 9110 is trimmed, and a repeated field has no only value', () => {
  const rawHeaders = [
    ['A', ' \t\u00a0b\u00a0\t '],
    ['c', 'd'],
    ['C', 'd'],
  ] as const;
  const request = { method: 'GET', rawTarget: '/', targetUri: '', rawHeaders, body: Buffer.alloc(0) };
  assert.deepEqual(headerLines(request, 'a'), ['\u00a0b\u00a0']);
  assert.deepEqual([onlyHeaderLine(request, 'c'), onlyHeaderLine(request, 'x')], [undefined, undefined]);
});

test('SIG-21, SIG-N03: every line is kept; Host and forwarding fields do not count', () => {
  const req = {
    method: 'GET',
    url: '/x',
    rawHeaders: [
      'Host',
      'evil.example',
      'X-Forwarded-Host',
      'evil.example',
      'X-List',
      ' a ',
      'authorization',
      'one',
      'x-LIST',
      'b',
      'Authorization',
      'two',
    ],
  };
  const exchange = receiveRequest(req as unknown as IncomingMessage, 'https://ase.example', Buffer.alloc(0));
  assert.equal(exchange.targetUri, 'https://ase.example/x');
  assert.deepEqual(headerLines(exchange, 'Authorization'), ['one', 'two']);
  assert.equal(combinedHeader(exchange, 'x-list'), 'a, b');
  assert.equal(combinedHeader(exchange, 'x-none'), undefined);
});
