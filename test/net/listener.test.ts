/**
 * Attacks on a listener, threat by threat: each is rejected in the error format or cut off, while a
 * well-behaved client is answered (RFC 9112 §3.2, §6.1, §9.3.2, §11; RFC 9635 §11).
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { RequestListener, ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { after, describe, test } from 'node:test';
import { type ListenerLimits, listen } from '../../src/net/listener.ts';
import { soon } from '../support/process-time.ts';
import { openRaw, splitAnswer } from '../support/raw-connection.ts';

const opened: { close(graceMs: number): Promise<void> }[] = [];
after(async () => {
  for (const listener of opened) await listener.close(0);
});

async function serve(handler: RequestListener, limits: Partial<ListenerLimits> = {}): Promise<string> {
  const listener = await listen('127.0.0.1', 0, undefined, limits);
  listener.serve(handler);
  opened.push(listener);
  return `http://127.0.0.1:${listener.port}`;
}

const answerOk: RequestListener = (req, res) => {
  req.resume();
  req.on('end', () => res.end('ok'));
};

const MAX_ASKED = 10;

/** Asks again after a refusal: on a busy machine, the limits of a test can strike this client as well. */
async function isServed(origin: string): Promise<void> {
  const ask = () => fetch(origin, { headers: { connection: 'close' } }).then((answer) => answer.text());
  let answer = await ask().catch(String);
  for (let asked = 1; answer !== 'ok' && asked < MAX_ASKED; asked += 1) answer = await ask().catch(String);
  assert.equal(answer, 'ok');
}

/** Refused in the error format, and the connection ends. */
function assertRefused(text: string, status: number): void {
  const answer = splitAnswer(text);
  assert.equal(answer.status, status, text.slice(0, 300));
  assert.match(answer.head, /^Connection: close\r?$/im);
  const json = /\{.*\}/s.exec(answer.body)?.[0] ?? '';
  const { error } = JSON.parse(json);
  assert.deepEqual([error.code, typeof error.description], ['invalid_request', 'string']);
}

const head = (...lines: string[]): string => [...lines, '', ''].join('\r\n');

describe('requests that two parsers could read in two ways are refused', () => {
  const post = 'POST / HTTP/1.1';
  const cases: Record<string, [text: string, status: number]> = {
    'Content-Length and Transfer-Encoding': [
      `${head(post, 'Host: a', 'Content-Length: 4', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
      400,
    ],
    'two lengths': [`${head(post, 'Host: a', 'Content-Length: 1', 'Content-Length: 2')}ab`, 400],
    'a length with a sign': [`${head(post, 'Host: a', 'Content-Length: +1')}a`, 400],
    'an unknown transfer coding': [`${head(post, 'Host: a', 'Transfer-Encoding: xchunked')}0\r\n\r\n`, 400],
    'a blank before the colon': [`${head(post, 'Host: a', 'Transfer-Encoding : chunked')}0\r\n\r\n`, 400],
    'chunked before another coding': [`${head(post, 'Host: a', 'Transfer-Encoding: chunked, gzip')}0\r\n\r\n`, 400],
    'a folded line': [head(post, 'Host: a', 'A: b', ' c'), 400],
    'lines that end in LF': ['GET / HTTP/1.1\nHost: a\n\n', 400],
    'NUL in a header': [head('GET / HTTP/1.1', 'Host: a', 'A: \0'), 400],
    'a fragment': [head('GET /a#?b=c HTTP/1.1', 'Host: a'), 400],
    'a backslash': [head('GET /a\\b HTTP/1.1', 'Host: a'), 400],
    'an authority alone': [head('GET a:443 HTTP/1.1', 'Host: a'), 400],
    'no Host': [head('GET / HTTP/1.1'), 400],
    'two Hosts': [head('GET / HTTP/1.1', 'Host: a', 'Host: b'), 400],
    'another expectation': [head('GET / HTTP/1.1', 'Host: a', 'Expect: cake'), 417],
    'chunk extensions without end': [
      `${head(post, 'Host: a', 'Transfer-Encoding: chunked')}1;${'a'.repeat(20_000)}\r\n`,
      413,
    ],
    'a header of 20 KB': [head('GET / HTTP/1.1', 'Host: a', `A: ${'a'.repeat(20_000)}`), 431],
    'a target of 20 KB': [head(`GET /${'a'.repeat(20_000)} HTTP/1.1`, 'Host: a'), 431],
    '201 header lines': [
      head('GET / HTTP/1.1', 'Host: a', 'Connection: close', ...Array<string>(199).fill('A: b')),
      431,
    ],
    'ten thousand header lines': [head('GET / HTTP/1.1', 'Host: a', ...Array<string>(10_000).fill('A:')), 431],
    'no HTTP': ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
  };
  for (const [name, [text, status]] of Object.entries(cases)) {
    test(name, async () => {
      const origin = await serve(answerOk);
      assertRefused(await openRaw(origin, text).closed, status);
      await isServed(origin);
    });
  }

  test('HTTP/1.0 without Host and a target in absolute form are served', async () => {
    const seen: unknown[] = [];
    const origin = await serve((req, res) => {
      seen.push(req.url);
      res.end('ok');
    });
    assert.equal(splitAnswer(await openRaw(origin, head('GET /a HTTP/1.0')).closed).status, 200);
    const absolute = head('GET http://elsewhere.example/b HTTP/1.1', 'Host: a', 'Connection: close');
    assert.equal(splitAnswer(await openRaw(origin, absolute).closed).status, 200);
    assert.deepEqual(seen, ['/a', 'http://elsewhere.example/b']);
  });

  test('as many header lines as are allowed all reach the handler', async () => {
    let lines = 0;
    const origin = await serve((req, res) => {
      lines = req.rawHeaders.length / 2;
      res.end('ok');
    });
    const many = head('GET / HTTP/1.1', 'Host: a', 'Connection: close', ...Array<string>(198).fill('A:b'));
    assert.equal(splitAnswer(await openRaw(origin, many).closed).status, 200);
    assert.equal(lines, 200);
  });
});

test('bytes that are not HTTP get no answer that could be taken for that to an earlier request', async () => {
  const held: ServerResponse[] = [];
  const origin = await serve((_req, res) => void held.push(res));
  const raw = openRaw(origin, `${head('GET /first HTTP/1.1', 'Host: a')}junk\r\n\r\n`);
  assert.equal(await raw.closed, '');
  assert.equal(held.length, 1);
});

const quick = { headersTimeout: 100, requestTimeout: 200, connectionsCheckingInterval: 20 };

test('a head that does not come, or byte by byte, is given up', async () => {
  const origin = await serve(answerOk, quick);
  const silent = openRaw(origin);
  const slow = openRaw(origin, 'GET / HTTP/1.1\r\nHost: a\r\n');
  const drip = setInterval(() => slow.socket.write('A: b\r\n'), 10);
  await isServed(origin);
  assertRefused(await soon(slow.closed), 408);
  clearInterval(drip);
  assertRefused(await soon(silent.closed), 408);
});

test('a client that does not read its answer loses the connection, and what it was to get is let go', async () => {
  const size = 64 * 1024 * 1024;
  const ended = Promise.withResolvers<void>();
  const origin = await serve(
    (req, res) => {
      if (req.url === '/') return void res.end('ok');
      res.once('close', () => ended.resolve());
      res.end(Buffer.alloc(size));
    },
    { timeout: 100 },
  );
  const raw = openRaw(origin, head('GET /large HTTP/1.1', 'Host: a'));
  raw.socket.pause();
  await isServed(origin);
  await soon(ended.promise);
  raw.socket.resume();
  assert.ok((await raw.closed).length < size);
});

/**
 * Answers `/` with ok and anything else with 64 MB. `ended` resolves with the target of the first response that closes;
 * `answered` with the sockets of two such requests, once the second response is written.
 */
async function serveLarge(limits: Partial<ListenerLimits>) {
  const ended = Promise.withResolvers<string | undefined>();
  const answered = Promise.withResolvers<readonly Socket[]>();
  const sockets: Socket[] = [];
  const origin = await serve((req, res) => {
    if (req.url === '/') return void res.end('ok');
    res.once('close', () => ended.resolve(req.url));
    res.end(Buffer.alloc(64 * 1024 * 1024));
    if (sockets.push(req.socket) === 2) answered.resolve(sockets);
  }, limits);
  const openUnread = (target: string) => {
    const raw = openRaw(origin, head(`GET ${target} HTTP/1.1`, 'Host: a'));
    raw.socket.pause();
    return raw;
  };
  return { origin, ended: ended.promise, answered: answered.promise, openUnread };
}

test('a client that does not read its answer is cut off in time, however busy its connection is', async () => {
  const { origin, ended, openUnread } = await serveLarge({ writeTimeout: 100, maxUnreadBytes: Infinity });
  const raw = openUnread('/large');
  raw.socket.write('GET /next HTTP/1.1\r\nHost: a\r\n');
  const busy = setInterval(() => raw.socket.write('A: b\r\n'), 10);
  await isServed(origin);
  assert.equal(await soon(ended), '/large');
  clearInterval(busy);
  raw.socket.destroy();
});

test('answers that wait for clients are bounded in bytes, and of the largest the oldest is cut off', async () => {
  const { origin, answered, openUnread } = await serveLarge({ maxUnreadBytes: 100 * 1024 * 1024 });
  const first = openUnread('/first');
  await once(first.socket, 'connect');
  await isServed(origin);
  const second = openUnread('/second');
  assert.deepEqual(
    (await answered).map(({ destroyed }) => destroyed),
    [true, false],
  );
  await isServed(origin);
  for (const { socket } of [first, second]) socket.destroy();
});

test('requests sent without waiting for answers are bounded', async () => {
  const held: ServerResponse[] = [];
  let most = 0;
  const origin = await serve((req, res) => {
    if (req.url === '/') return void res.end('ok');
    held.push(res);
    most = Math.max(most, held.length);
    if (most > 32) req.socket.destroy();
  });
  const one = head('GET /held HTTP/1.1', 'Host: a');
  const raw = openRaw(origin, one.repeat(10_000));
  await isServed(origin);
  assert.equal(await raw.closed, '');
  assert.equal(most, 32);

  // The allowed number are all answered, in order, and then as many again.
  const fitting = await serve((req, res) => void setImmediate(() => res.end(req.url)));
  const targets = Array.from({ length: 31 }, (_, index) => `/${index}`);
  const requests = targets.map((target) => head(`GET ${target} HTTP/1.1`, 'Host: a')).join('');
  const pipelined = openRaw(fitting, requests);
  await pipelined.received(/\r\n\r\n\/30$/);
  pipelined.socket.write(requests + head('GET /last HTTP/1.1', 'Host: a', 'Connection: close'));
  const order = (await pipelined.closed).match(/\r\n\r\n(\/\d+|\/last)/g)?.map((match) => match.trim());
  assert.deepEqual(order, [...targets, ...targets, '/last']);
});

test('connections are bounded; one that closes makes room', async () => {
  const origin = await serve(answerOk, { maxConnections: 5 });
  const idle = Array.from({ length: 5 }, () => openRaw(origin));
  await Promise.all(idle.map(({ socket }) => once(socket, 'connect')));
  assert.equal(await openRaw(origin, head('GET / HTTP/1.1', 'Host: a', 'Connection: close')).closed, '');
  for (const { socket } of idle) socket.destroy();
  await Promise.all(idle.map(({ closed }) => closed));
  let text = '';
  while (!text.includes('200 OK'))
    text = await openRaw(origin, head('GET / HTTP/1.1', 'Host: a', 'Connection: close')).closed;
});

// Only Linux has more than one IPv4 address on loopback.
const elsewhere = { skip: process.platform !== 'linux' };
test('a client with many connections leaves room for one with fewer', elsewhere, async () => {
  const origin = await serve(answerOk, { maxConnections: 5 });
  const greedy = Array.from({ length: 5 }, () => openRaw(origin));
  await Promise.all(greedy.map(({ socket }) => once(socket, 'connect')));
  const other = connect({ port: Number(new URL(origin).port), host: '127.0.0.1', localAddress: '127.0.0.2' });
  other.end(head('GET / HTTP/1.1', 'Host: a', 'Connection: close'));
  assert.match(Buffer.concat(await other.toArray()).toString(), /200 OK/);
  await Promise.race(greedy.map(({ closed }) => closed));
  assert.equal(await greedy[0]!.closed, '', 'it loses the oldest one');
});
