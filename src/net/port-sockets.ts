/**
 * A server on a port of several listening sockets. libuv accepts one connection from a listening socket in each turn of
 * the event loop (https://github.com/libuv/libuv/pull/3696), and in an overload a turn takes some 10 ms. With one
 * socket, a thousand clients that connect at once would wait for ten seconds. The system spreads connections over
 * sockets that share a port (SO_REUSEPORT).
 */
import { createServer, type Server, type Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';

/** Connections that are accepted in a turn of the event loop. */
const SOCKETS = 16;

/**
 * Connections that the system keeps until they are accepted, or fewer where it has a lower limit. The client of a
 * further one tries again only after one second, then three.
 */
const MAX_UNACCEPTED = 4096;

interface Address {
  readonly host: string;
  readonly port: number;
}

interface ListenOptions extends Address {
  readonly backlog?: number;
  readonly reusePort?: boolean;
}

async function startListening(server: Server, options: ListenOptions | { readonly path: string }): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(options, resolve);
  await promise;
  server.off('error', reject);
}

const stopListening = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()));

/**
 * Claims the right to share the port among sockets. One process at a time has it: all others open one socket, which
 * shares with none, so the system refuses them a port that is in use. A name in the abstract namespace is free when its
 * owner has ended, and each network namespace has its own names, as it has its own ports. Undefined on systems without
 * that namespace, and for a port that the system is to choose.
 */
async function claimPort(port: number): Promise<Server | undefined> {
  if (process.platform !== 'linux' || port === 0) return undefined;
  const claim = createServer((socket) => socket.destroy());
  return startListening(claim, { path: `\0touchstone-port-${port}` }).then(
    () => claim,
    () => undefined,
  );
}

/** Opens one socket, which shares the port with none. */
async function openAlone(server: Server, address: Address): Promise<readonly Server[]> {
  await startListening(server, { ...address, backlog: MAX_UNACCEPTED });
  return [server];
}

/** Opens all sockets. What the further ones accept is given to `server`. */
async function openShared(server: Server, address: Address): Promise<readonly Server[]> {
  // Another program of this user may share its port with everyone, but not with a socket that shares with none.
  const probe = createServer();
  await startListening(probe, address);
  await stopListening(probe);
  const options = { allowHalfOpen: !(server instanceof TlsServer), noDelay: true };
  const accept = (socket: Socket): void => void server.emit('connection', socket);
  const servers = [server, ...Array.from({ length: SOCKETS - 1 }, () => createServer(options, accept))];
  try {
    for (const each of servers) {
      await startListening(each, { ...address, backlog: MAX_UNACCEPTED / SOCKETS, reusePort: true });
    }
  } catch (error) {
    for (const each of servers) each.close();
    throw error;
  }
  return servers;
}

/**
 * Opens an HTTP or HTTPS server on a port, or on any free one for 0. A port that is given has several sockets on Linux.
 * Throws the error of `listen`, such as EADDRINUSE. The returned function stops listening at once, and resolves when
 * all connections have ended.
 */
export async function openPort(server: Server, address: Address): Promise<() => Promise<void>> {
  const claim = await claimPort(address.port);
  try {
    const servers = await (claim ? openShared : openAlone)(server, address);
    return async () => {
      const stopped = servers.map(stopListening);
      claim?.close();
      await Promise.all(stopped);
    };
  } catch (error) {
    claim?.close();
    throw error;
  }
}
