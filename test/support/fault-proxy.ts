/**
 * A stretch of bad network: a TCP proxy in front of a port of this machine. A fault holds for the connections that are
 * open and for those that come, until another is set.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/** With a direction: on the way to the server (`there`) or from it (`back`); without one, both ways. */
export type NetworkFault = { readonly direction?: Direction } & (
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'throttle'; readonly bytesPerSecond: number }
  /** Half open: takes everything and passes nothing on, not even that a side has ended. */
  | { readonly kind: 'swallow' }
  /** RST to both sides, in the place of the byte after these, counted from when the fault was set. */
  | { readonly kind: 'reset'; readonly afterBytes: number }
  /** Ends connections as soon as they are made. */
  | { readonly kind: 'close' }
);
type Direction = 'there' | 'back';

export interface FaultProxy {
  readonly port: number;
  readonly origin: string;
  set(fault: NetworkFault | undefined): void;
  /** RST to all that are open. Returns how many. */
  cut(): number;
  /** Connections made, and bytes that were held back by a fault, since the start. */
  readonly seen: { connections: number; struck: number };
  close(): void;
}

interface Pair {
  readonly outer: Socket;
  readonly inner: Socket;
  passed: Record<Direction, number>;
  /** Bytes are missing: nothing goes through any more, as in TCP. */
  isBroken: boolean;
}

export async function openFaultProxy(target: number): Promise<FaultProxy> {
  const pairs = new Set<Pair>();
  const seen = { connections: 0, struck: 0 };
  let fault: NetworkFault | undefined;

  /** Carries bytes one way, in order: the next are not read before these are through. */
  async function carry(pair: Pair, direction: Direction): Promise<void> {
    const [from, to] = direction === 'there' ? [pair.outer, pair.inner] : [pair.inner, pair.outer];
    try {
      for await (const chunk of from as AsyncIterable<Buffer>) {
        const now = fault?.direction === undefined || fault.direction === direction ? fault : undefined;
        seen.struck += now ? chunk.length : 0;
        if (now?.kind === 'swallow') pair.isBroken = true;
        if (pair.isBroken) continue;
        if (now?.kind === 'delay') await wait(now.ms);
        if (now?.kind === 'reset' && pair.passed[direction] + chunk.length > now.afterBytes) {
          await write(to, chunk.subarray(0, now.afterBytes - pair.passed[direction]));
          return reset(pair);
        }
        const step = now?.kind === 'throttle' ? Math.ceil(now.bytesPerSecond / 50) : chunk.length;
        for (let at = 0; at < chunk.length; at += step) {
          const piece = chunk.subarray(at, at + step);
          if (now?.kind === 'throttle') await wait((1000 * piece.length) / now.bytesPerSecond);
          await write(to, piece);
        }
        pair.passed[direction] += chunk.length;
      }
      if (fault?.kind === 'swallow') pair.isBroken = true;
      if (!pair.isBroken) to.end();
    } catch {
      if (!pair.isBroken) reset(pair);
    }
  }

  function reset({ outer, inner }: Pair): void {
    for (const socket of [outer, inner]) {
      // One that is ending can not be reset: its handle would stay.
      if (socket.writableEnded) socket.destroy();
      else if (!socket.destroyed) socket.resetAndDestroy();
    }
  }

  const server = createServer({ allowHalfOpen: true }, (outer) => {
    seen.connections += 1;
    if (fault?.kind === 'close') return void outer.destroy();
    const inner = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true });
    const pair: Pair = { outer, inner, passed: { there: 0, back: 0 }, isBroken: false };
    pairs.add(pair);
    for (const socket of [outer, inner]) {
      socket.setNoDelay(true).on('error', () => {
        if (!pair.isBroken) reset(pair);
      });
    }
    void Promise.all([carry(pair, 'there'), carry(pair, 'back')]).then(() => {
      // Neither side of a half-open connection is notified until the proxy ends.
      if (!pair.isBroken) pairs.delete(pair);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const cut = () => {
    const open = [...pairs];
    open.forEach(reset);
    pairs.clear();
    return open.length;
  };
  return {
    port,
    origin: `http://localhost:${port}`,
    set(next) {
      fault = next;
      for (const pair of pairs) pair.passed = { there: 0, back: 0 };
      if (next?.kind === 'close') cut();
    },
    cut,
    seen,
    close() {
      cut();
      server.close();
    },
  };
}

async function write(socket: Socket, bytes: Buffer): Promise<void> {
  if (bytes.length > 0 && !socket.write(bytes)) await once(socket, 'drain');
}
