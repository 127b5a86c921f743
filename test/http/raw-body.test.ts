/** Reading a body: limit, timeout, coding, broken connections (RFC 9110 §6.4, §8.4). */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { PassThrough } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { readRawBody, WireError } from '../../src/http/raw-body.ts';

const limits = { limitBytes: 10, timeoutMs: 1000 };

function incoming(headers: Record<string, string>): IncomingMessage & PassThrough {
  return Object.assign(new PassThrough(), { headers, socket: {} }) as unknown as IncomingMessage & PassThrough;
}

const code = async (body: Promise<Buffer>): Promise<string> =>
  body.then(
    (bytes) => `${bytes.length} bytes`,
    (error) => (error instanceof WireError ? error.code : String(error)),
  );

test('bytes are kept as received, split or whole', async () => {
  const req = incoming({ 'transfer-encoding': 'chunked' });
  const body = readRawBody(req, limits);
  req.write(Buffer.from([0xff, 0x00]));
  req.end(Buffer.from([0x20, 0x0a]));
  assert.deepEqual(await body, Buffer.from([0xff, 0x00, 0x20, 0x0a]));
});

test('no body needs no reading', async () => {
  assert.equal(await code(readRawBody(incoming({}), limits)), '0 bytes');
  assert.equal(await code(readRawBody(incoming({ 'content-length': '0' }), limits)), '0 bytes');
});

test('the limit holds for announced and for streamed bodies', async () => {
  assert.equal(await code(readRawBody(incoming({ 'content-length': '11' }), limits)), 'body_too_large');
  for (const [size, expected] of [
    [10, '10 bytes'],
    [11, 'body_too_large'],
  ] as const) {
    const req = incoming({ 'transfer-encoding': 'chunked' });
    const body = readRawBody(req, limits);
    req.end(Buffer.alloc(size));
    assert.equal(await code(body), expected);
  }
});

test('a content coding is refused, identity is none', async () => {
  assert.equal(
    await code(readRawBody(incoming({ 'content-encoding': 'gzip', 'content-length': '3' }), limits)),
    'content_encoding',
  );
  const req = incoming({ 'content-encoding': 'Identity', 'content-length': '3' });
  const body = readRawBody(req, limits);
  req.end('abc');
  assert.equal(await code(body), '3 bytes');
});

test('a body that does not end is given up', async (t: TestContext) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const req = incoming({ 'content-length': '3' });
  const body = code(readRawBody(req, limits));
  req.write('a');
  t.mock.timers.tick(1000);
  assert.equal(await body, 'body_timeout');
});

test('a connection that closes within the body is an error', async () => {
  const req = incoming({ 'content-length': '3' });
  const body = code(readRawBody(req, limits));
  req.destroy(new Error('reset'));
  assert.equal(await body, 'body_aborted');
});

test('a client that sends everything before it reads receives the refusal', async () => {
  const server = createServer(async (req, res) => {
    const answered = await code(readRawBody(req, limits));
    res.writeHead(413, { Connection: 'close' }).end(answered);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
    const length = 4_000_000;
    client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`);
    await new Promise<void>((resolve, reject) => {
      client.once('error', reject).write(Buffer.alloc(length), (error) => (error ? reject(error) : resolve()));
    });
    const chunks = await client.setEncoding('utf8').toArray();
    assert.match(chunks.join(''), /^HTTP\/1\.1 413 .*body_too_large\r\n/s);
  } finally {
    server.close();
  }
});
