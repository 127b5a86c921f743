/**
 * The one address of an ASE that runs in several processes: hands each connection to one of those that are up, in
 * turn. A connection dies with the process at its other end, as behind any balancer. Those with packets go through the
 * packet network.
 */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { PacketNetwork } from './packets.ts';

export interface FrontDoor {
  readonly port: number;
  /** From now on connections go to this port too, or no longer. */
  add(port: number): void;
  remove(port: number): void;
  /** Closes all connections and takes none for this long: the network is gone while the processes keep running. */
  shut(milliseconds: number): void;
  close(): void;
}

/** Doors at a free port and 100 above it, where a world's second ASE is looked for. */
export async function openTwoDoors(nextPort: () => number, packets: PacketNetwork): Promise<[FrontDoor, FrontDoor]> {
  for (;;) {
    const port = nextPort();
    const first = await openDoor(port, packets);
    const second = first && (await openDoor(port + 100, packets));
    if (first && second) return [first, second];
    first?.close();
  }
}

/** Undefined if the port is taken. */
async function openDoor(port: number, packets: PacketNetwork): Promise<FrontDoor | undefined> {
  const behind: number[] = [];
  const sockets = new Set<Socket>();
  let turn = 0;
  let isShut = false;
  const cutAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  const server: Server = createServer((outer) => {
    if (isShut) return void outer.destroy();
    keep(outer);
    outer.once('data', (first) => {
      outer.pause();
      const isTaken = packets.take(outer, first, nextPorts);
      outer.unshift(first);
      if (isTaken) process.nextTick(() => outer.resume());
      else pass(outer, nextPorts());
    });
  });

  /** All processes, a different one first each time. */
  function nextPorts(): readonly number[] {
    turn += 1;
    return [...behind.slice(turn % behind.length), ...behind.slice(0, turn % behind.length)];
  }

  function keep(socket: Socket): void {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
  }

  /** Connects to the first process that accepts; closes the connection if none does. */
  function pass(outer: Socket, [port, ...others]: readonly number[]): void {
    if (port === undefined) return void outer.destroy();
    const inner = connect(port, '127.0.0.1');
    const tryNext = () => pass(outer, others);
    keep(inner);
    inner.once('error', tryNext);
    inner.once('connect', () => {
      inner.off('error', tryNext);
      outer.pipe(inner).pipe(outer);
      inner.once('close', () => outer.destroy());
      outer.once('close', () => inner.destroy());
    });
  }

  const listening = once(server, 'listening').then(
    () => true,
    () => false,
  );
  server.listen(port, '127.0.0.1');
  if (!(await listening)) return undefined;
  return {
    port,
    add: (given) => void behind.push(given),
    remove(given) {
      if (behind.includes(given)) behind.splice(behind.indexOf(given), 1);
    },
    shut(milliseconds) {
      isShut = true;
      cutAll();
      setTimeout(() => {
        isShut = false;
      }, milliseconds);
    },
    close() {
      server.close();
      cutAll();
    },
  };
}
