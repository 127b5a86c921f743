/** Requests to addresses that others name: AS-30, AS-N14, RFC 6890. */
import assert from 'node:assert/strict';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { loopbackRanges, privateRanges } from '../../src/net/addresses.ts';
import { createOutbound, OutboundError, type OutboundOptions } from '../../src/net/outbound.ts';

const opened: { close(): unknown }[] = [];
after(() => {
  for (const closable of opened) closable.close();
});

async function serve(listener: RequestListener): Promise<string> {
  const server: Server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened.push({
    close() {
      server.closeAllConnections();
      server.close();
    },
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function outbound(options: Partial<OutboundOptions> = {}) {
  const created = createOutbound({
    allowedRanges: privateRanges,
    allowHttp: true,
    timeoutMs: 2000,
    maxBytes: 1000,
    userAgent: 'test',
    ...options,
  });
  opened.push(created);
  return created;
}

const code = (answer: Promise<unknown>): Promise<string> =>
  answer.then(
    () => 'answered',
    (error) => (error instanceof OutboundError ? error.code : String(error)),
  );

test('answers of any status come back with headers and bytes; headers and body go out', async () => {
  const seen: unknown[] = [];
  const origin = await serve((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk) => chunks.push(chunk));
    req.on('end', () => {
      seen.push([req.method, req.url, req.headers['user-agent'], req.headers['x-a'], Buffer.concat(chunks).toString()]);
      res.writeHead(404, { 'X-Answer': 'b' }).end(Buffer.from([0xff]));
    });
  });
  const answer = await outbound().request({
    url: `${origin}/p?q=%2F`,
    method: 'POST',
    headers: { 'x-a': 'a' },
    body: Buffer.from('hi'),
  });
  assert.deepEqual([answer.status, answer.headers['x-answer'], answer.body], [404, 'b', Buffer.from([0xff])]);
  assert.deepEqual(seen, [['POST', '/p?q=%2F', 'test', 'a', 'hi']]);
});

test('AS-30: internal addresses are blocked before a connection, literal or resolved', async () => {
  let requests = 0;
  const origin = await serve((_req, res) => {
    requests++;
    res.end();
  });
  const port = new URL(origin).port;
  const closed = outbound({ allowedRanges: [] });
  for (const host of ['127.0.0.1', '0x7f.1', '[::1]', '[::ffff:127.0.0.1]', 'localhost', '169.254.169.254']) {
    assert.equal(await code(closed.request({ url: `http://${host}:${port}/` })), 'blocked_address', host);
  }
  assert.equal(await code(outbound().request({ url: 'http://169.254.169.254/' })), 'blocked_address');
  assert.equal(requests, 0);
  assert.equal(await code(outbound().request({ url: `http://localhost:${port}/` })), 'answered');
});

test('a name is resolved once for a connection, and all its addresses must be allowed', async () => {
  const origin = await serve((_req, res) => res.setHeader('connection', 'close').end());
  const answers = [['127.0.0.1'], ['10.0.0.1'], ['127.0.0.1', '10.0.0.1'], ['1.1.1.1', '169.254.169.254']];
  let calls = 0;
  const resolve = ((_name: string, _options: unknown, done: (...result: unknown[]) => void) => {
    const addresses = answers[calls++]!.map((address) => ({ address, family: 4 }));
    process.nextTick(done, null, addresses);
  }) as NonNullable<OutboundOptions['resolve']>;
  const { request } = outbound({ resolve, allowedRanges: loopbackRanges });
  const url = origin.replace('127.0.0.1', 'rebinding.example');
  assert.equal(await code(request({ url })), 'answered');
  for (let i = 1; i < answers.length; i++) assert.equal(await code(request({ url })), 'blocked_address');
  assert.equal(calls, answers.length);
});

test('a URL that a public server named leads to no private address, though others may', async () => {
  const origin = await serve((_req, res) => res.end());
  const { request } = outbound({ hosts: new Map([['http://known.example', origin]]) });
  const named = origin.replace('127.0.0.1', 'localhost');
  assert.equal((await request({ url: named })).isPublic, false);
  // The connection that is open now is not used either.
  for (const url of [origin, named]) assert.equal(await code(request({ url, publicOnly: true })), 'blocked_address');
  assert.equal(await code(request({ url: 'http://known.example', publicOnly: true })), 'answered');
});

test('ports of other protocols are not called, unless the operator names the URL', async () => {
  for (const port of [1, 22, 25, 110, 445, 993]) {
    const url = `http://127.0.0.1:${port}/`;
    assert.equal(await code(outbound().request({ url })), 'blocked_address', url);
  }
  assert.equal(await code(outbound({ allowAnyPort: true }).request({ url: 'http://127.0.0.1:1/' })), 'connect');
});

test('URLs that are not called', async () => {
  assert.equal(await code(outbound({ allowHttp: false }).request({ url: 'http://127.0.0.1/' })), 'protocol');
  for (const url of ['file:///etc/passwd', 'nonsense', 'http://user:secret@127.0.0.1/']) {
    assert.equal(await code(outbound().request({ url })), 'protocol');
  }
});

test('AS-N14: redirects within the origin are followed three times, others never', async () => {
  let foreign = 0;
  const other = await serve((_req, res) => {
    foreign++;
    res.end();
  });
  const origin = await serve((req, res) => {
    const left = Number(req.url!.slice(1));
    if (req.url === '/away') res.writeHead(302, { location: `${other}/` }).end();
    else if (left > 0) res.writeHead(302, { location: `/${left - 1}` }).end();
    else res.end('here');
  });
  assert.equal((await outbound().request({ url: `${origin}/3` })).body.toString(), 'here');
  assert.equal(await code(outbound().request({ url: `${origin}/4` })), 'redirect');
  assert.equal(await code(outbound().request({ url: `${origin}/away` })), 'redirect');
  assert.equal(await code(outbound().request({ url: `${origin}/1`, method: 'POST' })), 'redirect');
  assert.equal(foreign, 0);
});

test('answers that are too large, too slow, broken or not HTTP', async () => {
  const origin = await serve((req, res) => {
    if (req.url === '/large') res.end(Buffer.alloc(1001));
    else if (req.url === '/limit') res.end(Buffer.alloc(1000));
    else if (req.url === '/half') res.write('x', () => req.socket.destroy());
    else if (req.url === '/gzip') res.writeHead(200, { 'content-encoding': 'gzip' }).end('x');
    else if (req.url === '/junk') req.socket.end('junk\r\n\r\n');
    else res.write('x'); // never ends
  });
  const request = (path: string, options = {}): Promise<string> =>
    code(outbound(options).request({ url: origin + path }));
  assert.equal(await request('/limit'), 'answered');
  assert.equal(await request('/large'), 'too_large');
  assert.equal(await request('/half'), 'connect');
  assert.equal(await request('/gzip'), 'protocol');
  assert.equal(await request('/junk'), 'protocol');
  assert.equal(await request('/slow', { timeoutMs: 50 }), 'timeout');
  assert.equal(await code(outbound({ allowAnyPort: true }).request({ url: 'http://127.0.0.1:1/' })), 'connect');
});

test('an origin at another address: called there, under its own name, whatever the address is', async () => {
  const at = await serve((req, res) => res.end(`${req.headers.host} ${req.url}`));
  const hosts = new Map([
    ['https://wallet.example', at],
    ['http://10.255.255.1:8080', at],
  ]);
  const { request } = outbound({ hosts, allowedRanges: [] });
  const { body } = await request({ url: 'https://wallet.example/alice?a=b' });
  assert.equal(body.toString(), 'wallet.example /alice?a=b');
  // Nothing else gets there, and not over the connection that is open now.
  assert.equal(await code(request({ url: at })), 'blocked_address');
  assert.equal(await code(request({ url: at.replace('127.0.0.1', 'localhost') })), 'blocked_address');
  assert.equal(await code(request({ url: 'http://10.255.255.1:8080/' })), 'answered');
});
