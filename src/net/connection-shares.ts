/**
 * A bound on the connections of a server that one client cannot use up: when it is reached, the client with the most
 * connections loses its oldest one to a client that has fewer.
 */
import type { Server, Socket } from 'node:net';
import { networkOf } from './network-of.ts';

export function shareConnections(server: Server, maxConnections: number): void {
  /** Open connections by client, oldest first. */
  const open = new Map<string, Set<Socket>>();
  let count = 0;
  server.on('connection', (socket: Socket) => {
    const client = networkOf(socket.remoteAddress ?? '');
    const own = open.get(client) ?? new Set();
    open.set(client, own.add(socket));
    count += 1;
    socket.once('close', () => {
      count -= 1;
      own.delete(socket);
      if (own.size === 0 && open.get(client) === own) open.delete(client);
    });
    if (count <= maxConnections) return;
    const greediest = [...open.values()].reduce((most, each) => (each.size > most.size ? each : most), own);
    const [oldest] = greediest;
    (greediest === own ? socket : oldest!).destroy();
  });
}
