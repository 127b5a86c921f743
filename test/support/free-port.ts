/**
 * Free ports for servers whose port must be known before they start. They are below the ephemeral ports, which any
 * connection may take, and no two test processes that run at the same time get the same one.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

const FIRST = 10_000;
const BLOCK = 15;
const BLOCKS = 1_300;

let next = FIRST + (process.pid % BLOCKS) * BLOCK;

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

/** Holds the UDP port of this number until the process ends, so that no other process of the tests gets the number. */
async function reserve(port: number): Promise<Socket | undefined> {
  const socket = createSocket('udp4');
  try {
    socket.bind({ port, address: '127.0.0.1', exclusive: true });
    await once(socket, 'listening');
    return socket.unref();
  } catch {
    socket.close();
    return undefined;
  }
}

/** Reserves the port if nothing listens there. Not before it is reserved, because to look is to listen for a moment. */
async function reserveFree(port: number): Promise<Socket | undefined> {
  const socket = await reserve(port);
  if (!socket || (await isFree(port))) return socket;
  socket.close();
  return undefined;
}

/** A free port that is followed, at these distances, by free ports: an ASE may listen 100 ports above another. */
export async function findFreePort(...distances: readonly number[]): Promise<number> {
  for (;;) {
    const port = next;
    next = port + 1 < FIRST + BLOCKS * BLOCK ? port + 1 : FIRST;
    const reserved = await Promise.all([0, ...distances].map((distance) => reserveFree(port + distance)));
    if (reserved.every(Boolean)) return port;
    for (const socket of reserved) socket?.close();
  }
}
