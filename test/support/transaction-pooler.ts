/**
 * A pooler of transactions in front of PostgreSQL, as PgBouncer is with `pool_mode = transaction`: a client has a server
 * connection only for the time of a transaction, then another one, and startup parameters that it does not track are
 * refused. It expects a server that asks for no password.
 */
import { createServer, connect as openSocket, type Socket } from 'node:net';

/** Parameters that PgBouncer keeps for each client; it refuses any other. */
const tracked = ['user', 'database', 'client_encoding', 'application_name', 'datestyle', 'timezone'];

export interface TransactionPooler {
  readonly port: number;
  /** The most server connections that transactions of one client ran on. */
  maxServersOfOneClient(): number;
  close(): Promise<void>;
}

interface Frame {
  readonly type: string;
  readonly bytes: Buffer;
}

/** Cuts a byte stream into messages; those of a client begin with one that has no type. */
function createParser(hasStartup: boolean, onFrame: (frame: Frame) => void): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0);
  let isStartup = hasStartup;
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const header = isStartup ? 0 : 1;
      if (rest.length < header + 4) return;
      const end = header + rest.readUInt32BE(header);
      if (rest.length < end) return;
      const frame = { type: isStartup ? '' : String.fromCharCode(rest[0]!), bytes: rest.subarray(0, end) };
      rest = rest.subarray(end);
      isStartup = false;
      onFrame(frame);
    }
  };
}

function message(type: string, ...parts: readonly (string | Buffer)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(`${part}\0`) : part)));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(type), length, body]);
}

const idle = Buffer.from('I');
const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};

interface ServerConnection {
  readonly socket: Socket;
  /** Receives the messages of the client that has the connection. */
  onFrame: (frame: Frame) => void;
}

/** Opens a session; resolves when the server is ready for a statement. */
function openServer(port: number, startup: ReadonlyMap<string, string>): Promise<ServerConnection> {
  const { promise, resolve, reject } = Promise.withResolvers<ServerConnection>();
  const socket = openSocket({ port, host: '127.0.0.1', noDelay: true });
  const server: ServerConnection = {
    socket,
    onFrame: ({ type, bytes }) => {
      if (type === 'E') reject(new Error(bytes.toString('latin1')));
      if (type === 'Z') resolve(server);
    },
  };
  const parse = createParser(false, (frame) => server.onFrame(frame));
  socket.on('data', parse).on('error', reject);
  const parameters = ['user', 'database'].flatMap((name) => [name, startup.get(name) ?? '']);
  socket.write(message('', int32(196_608), ...parameters, Buffer.of(0)));
  return promise;
}

const startupParameters = (bytes: Buffer): Map<string, string> => {
  const texts = bytes.subarray(8).toString('utf8').split('\0').slice(0, -2);
  return new Map(texts.flatMap((text, i) => (i % 2 === 0 ? [[text.toLowerCase(), texts[i + 1] ?? '']] : [])));
};

export async function openTransactionPooler(serverPort: number, maxServers = 3): Promise<TransactionPooler> {
  const free: ServerConnection[] = [];
  const waiting: ((server: ServerConnection) => void)[] = [];
  const sockets = new Set<Socket>();
  let opened = 0;
  let most = 0;

  async function acquire(startup: ReadonlyMap<string, string>): Promise<ServerConnection> {
    // Opens all of them first, then takes the one that has been free for longest: transactions change connections.
    if (opened < maxServers) {
      opened += 1;
      const server = await openServer(serverPort, startup);
      sockets.add(server.socket);
      return server;
    }
    return free.shift() ?? new Promise((resolve) => waiting.push(resolve));
  }
  function release(server: ServerConnection): void {
    const next = waiting.shift();
    if (next) next(server);
    else free.push(server);
  }

  function serve(client: Socket): void {
    const used = new Set<ServerConnection>();
    let startup: ReadonlyMap<string, string> | undefined;
    let server: ServerConnection | undefined;
    /** Messages of the client that wait for a connection; undefined while it has one. */
    let queued: Buffer[] | undefined;
    /** Messages that end with ReadyForQuery and have not been answered. */
    let awaited = 0;

    function greet({ bytes }: Frame): void {
      startup = startupParameters(bytes);
      const unknown = [...startup.keys()].find((name) => !tracked.includes(name));
      if (unknown !== undefined) {
        client.end(
          message('E', 'SFATAL', 'VFATAL', 'C08P01', `Munsupported startup parameter: ${unknown}`, Buffer.of(0)),
        );
        return;
      }
      client.write(
        Buffer.concat([
          message('R', int32(0)),
          message('S', 'client_encoding', 'UTF8'),
          message('S', 'server_version', '15.0'),
          message('S', 'standard_conforming_strings', 'on'),
          message('K', int32(1), int32(1)),
          message('Z', idle),
        ]),
      );
    }

    function onAnswer({ type, bytes }: Frame): void {
      client.write(bytes);
      if (type !== 'Z') return;
      awaited -= 1;
      if (awaited > 0 || bytes[5] !== idle[0]) return;
      const done = server!;
      server = undefined;
      done.onFrame = () => {};
      release(done);
    }

    function onMessage(frame: Frame): void {
      if (!startup) greet(frame);
      if (frame.type === '' || frame.type === 'X') return;
      if (frame.type === 'Q' || frame.type === 'S') awaited += 1;
      if (server) {
        server.socket.write(frame.bytes);
        return;
      }
      queued ??= [];
      queued.push(frame.bytes);
      if (queued.length > 1) return;
      void acquire(startup!).then((acquired) => {
        if (client.destroyed) return release(acquired);
        used.add(acquired);
        most = Math.max(most, used.size);
        server = acquired;
        server.onFrame = onAnswer;
        server.socket.write(Buffer.concat(queued!));
        queued = undefined;
      });
    }

    sockets.add(client);
    client.on('data', createParser(true, onMessage)).on('error', () => {});
    client.on('close', () => {
      sockets.delete(client);
      // A transaction that its client left is rolled back with its session.
      if (!server) return;
      server.socket.destroy();
      opened -= 1;
      const next = waiting.shift();
      if (next) void acquire(startup!).then(next);
    });
  }

  const listener = createServer({ noDelay: true }, serve);
  await new Promise<void>((resolve) => void listener.listen(0, '127.0.0.1', resolve));
  return {
    port: (listener.address() as { port: number }).port,
    maxServersOfOneClient: () => most,
    async close() {
      const closed = new Promise((resolve) => void listener.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
