/**
 * Free ports for servers whose port must be known before they start. They are below the ephemeral ports, which any
 * connection may take, and each process draws from a block that other test processes do not use at the same time.
 */
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

/** A free port that is followed, at these distances, by free ports: an ASE may listen 100 ports above another. */
export async function findFreePort(...distances: readonly number[]): Promise<number> {
  for (;;) {
    const port = next;
    next = port + 1 < FIRST + BLOCKS * BLOCK ? port + 1 : FIRST;
    const free = await Promise.all([0, ...distances].map((distance) => isFree(port + distance)));
    if (free.every(Boolean)) return port;
  }
}
