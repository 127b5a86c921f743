/** A port of several listening sockets: connections are accepted together, and no other server gets any of them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { openPort } from '../../src/net/port-sockets.ts';
import { findFreePort } from '../support/free-port.ts';

const host = '127.0.0.1';
const isLinux = process.platform === 'linux';
const closing: (() => unknown)[] = [];
after(() => Promise.all(closing.map((close) => close())));

async function open(port: number, address = host, server: Server = createServer()): Promise<() => Promise<void>> {
  const close = await openPort(server, { host: address, port });
  closing.push(close);
  return close;
}

/** The socket of a client; the system has accepted its connection in the same turn of the event loop. */
function connectTo(port: number): Socket {
  const socket = connect({ host, port });
  closing.push(() => socket.destroy());
  return socket.on('error', () => {});
}

const inUse = { code: 'EADDRINUSE' };

test('clients that connect together do not wait for as many turns of the event loop', {
  skip: !isLinux && 'one socket',
}, async () => {
  const CLIENTS = 160;
  const port = await findFreePort();
  let accepted = 0;
  await open(
    port,
    host,
    createServer((socket) => {
      accepted += 1;
      socket.destroy();
    }),
  );
  for (let i = 0; i < CLIENTS; i += 1) connectTo(port);
  let turns = 0;
  while (accepted < CLIENTS) {
    await turn();
    turns += 1;
  }
  // The system spreads connections by a hash with a secret, so 16 sockets take some more than ten turns.
  assert.ok(turns < CLIENTS / 3, `${turns} turns`);
});

test('no other server can listen on the port', async () => {
  const port = await findFreePort();
  await open(port);
  await assert.rejects(open(port), inUse);
  await assert.rejects(open(port, '0.0.0.0'), inUse);
});

test('of two servers that open a port at the same time, one gets it', async () => {
  const port = await findFreePort();
  const results = await Promise.allSettled([open(port), open(port, '0.0.0.0'), open(port)]);
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
});

test('a process shares a port among its sockets only if no other one has claimed the port', {
  skip: !isLinux,
}, async () => {
  const port = await findFreePort();
  const claim = createServer().listen({ path: `\0touchstone-port-${port}` });
  closing.push(() => claim.close());
  await once(claim, 'listening');
  await open(port);
  await assert.rejects(once(createServer().listen({ host, port, reusePort: true }), 'listening'), inUse);
});

test('a port that another program shares with everyone is in use', { skip: !isLinux }, async () => {
  const port = await findFreePort();
  const other = createServer().listen({ host, port, reusePort: true });
  closing.push(() => other.close());
  await once(other, 'listening');
  await assert.rejects(open(port), inUse);
});

test('a port that is closed is free at once, while connections go on', async () => {
  const port = await findFreePort();
  const server = createServer((socket) => socket.pipe(socket));
  const close = await open(port, host, server);
  const client = connectTo(port);
  await once(server, 'connection');
  const closed = close();
  await assert.rejects(once(connectTo(port), 'connect'), { code: 'ECONNREFUSED' });
  await open(port);
  client.write('still there');
  assert.equal(String((await once(client, 'data'))[0]), 'still there');
  client.end();
  await closed;
});

test('servers can have the same port of different addresses', {
  skip: !isLinux && 'no further loopback address',
}, async () => {
  const port = await findFreePort();
  await open(port);
  await open(port, '127.0.0.2');
});
