/** Clear text on a port for TLS is refused in HTTP, and cannot hold a connection. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:https';
import { connect, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { type ListenerLimits, listen } from '../../src/net/listener.ts';
import { createAuthority, issueCertificate } from '../../src/net/x509.ts';
import { findFreePort } from '../support/free-port.ts';
import { soon } from '../support/process-time.ts';

const authority = createAuthority(Date.now());
const credentials = issueCertificate(authority, ['127.0.0.1'], Date.now());
const opened: { close(graceMs: number): Promise<void> }[] = [];
after(async () => {
  for (const listener of opened) await listener.close(0);
});

async function serve(limits: Partial<ListenerLimits> = {}) {
  const listener = await listen('127.0.0.1', await findFreePort(), credentials, limits);
  opened.push(listener);
  listener.serve((_req, res) => void res.end('secret'));
  return listener;
}

async function readAll(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => {});
  await once(socket, 'close');
  return Buffer.concat(chunks).toString();
}

const plainRequest = 'GET /alice HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';

test('a request in clear text never reaches the handler', async () => {
  const { port } = await serve();
  const socket = connect(port, '127.0.0.1');
  socket.write(plainRequest);
  assert.match(await readAll(socket), /^HTTP\/1\.1 400 [\s\S]*"code":"invalid_request"[\s\S]*TLS only/);
});

test('it is handed to the handler for clear text, with its first byte', async () => {
  const listener = await serve();
  listener.refusePlain((req, res) => res.writeHead(421, { Connection: 'close' }).end(`${req.method} ${req.url}`));
  const socket = connect(listener.port, '127.0.0.1');
  socket.write(plainRequest);
  assert.match(await readAll(socket), /^HTTP\/1\.1 421 [\s\S]*GET \/alice\r\n0/);
});

test('a handshake that arrives byte by byte is completed', async () => {
  const { port } = await serve();
  const raw = connect(port, '127.0.0.1').setNoDelay();
  const write = raw.write.bind(raw);
  raw.write = ((bytes: Buffer, ...rest: []) => {
    const parts = [...bytes].map((byte) => Buffer.from([byte]));
    for (const part of parts.slice(0, -1)) write(part);
    return write(parts.at(-1)!, ...rest);
  }) as typeof raw.write;
  const secure = connectTls({ socket: raw, ca: authority.cert, servername: '', host: '127.0.0.1' });
  await once(secure, 'secureConnect');
  secure.end('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n');
  assert.match(await readAll(secure), /secret$/);
});

test('a request in TLS is answered as before', async () => {
  const { port } = await serve();
  const [response] = await once(
    request({ port, host: '127.0.0.1', ca: authority.cert, agent: false }).end(),
    'response',
  );
  assert.equal(response.statusCode, 200);
  response.resume();
});

test('silence, and half a request in clear text, end with the time for a header', async () => {
  const { port } = await serve({ headersTimeout: 50, connectionsCheckingInterval: 20 });
  const [silent, half] = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
  half.write(plainRequest.slice(0, -2));
  const [nothing] = await Promise.all([readAll(silent), readAll(half)]);
  assert.equal(nothing, '');
});

test('closing the listener ends connections that have sent nothing', async () => {
  // The limits would end it much later.
  const listener = await listen('127.0.0.1', 0, credentials, { headersTimeout: 600_000, requestTimeout: 600_000 });
  const silent = connect(listener.port, '127.0.0.1');
  await once(silent, 'connect');
  await soon(Promise.all([listener.close(60_000), readAll(silent)]));
});
