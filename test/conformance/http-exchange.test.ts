/** A server under test cannot hold up the checks, nor fill their memory, with an answer without an end. */
import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { exchange } from '../../conformance/steps/http-exchange.ts';
import { sendRaw } from '../../conformance/steps/raw-request.ts';

/** The URL of a server that writes to each answer for ever. */
async function listen(t: TestContext, write: (res: ServerResponse) => void): Promise<string> {
  const server = createServer((_req, res) => write(res));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const get = (url: string) => ({ method: 'GET', url, headers: [], body: undefined });

test('an answer that comes byte by byte ends at the deadline', async (t) => {
  const url = await listen(t, (res) => {
    const timer = setInterval(() => res.write('x'), 5);
    res.once('close', () => clearInterval(timer));
  });
  await assert.rejects(exchange(get(url), { silenceMs: 60_000, wholeMs: 100 }), /no whole answer within 100 ms/);
});

test('an answer that is too large ends there', async (t) => {
  const chunk = 'x'.repeat(64 * 1024);
  const url = await listen(t, function write(res) {
    if (!res.destroyed) res.write(chunk, () => write(res));
  });
  await assert.rejects(exchange(get(url), { maxBytes: 200_000 }), /more than 200000 bytes/);
  const { text } = await sendRaw(url, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.ok(text.length < 9 * 1024 * 1024);
});

test('a usual answer is read as a whole', async (t) => {
  const url = await listen(t, (res) => res.end('whole'));
  assert.equal((await exchange(get(url))).text, 'whole');
});

test('bytes that are not HTTP are a failure of the check, not of the program', async (t) => {
  const server = createTcpServer((socket) => socket.end('HTTP/1.1 200 OK\r\nno colon here\r\n\r\n'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  await assert.rejects(sendRaw(url, 'GET / HTTP/1.1\r\n\r\n'), /not HTTP/);
  await assert.rejects(exchange(get(url)), /Parse Error/);
});
