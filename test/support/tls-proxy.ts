/** A proxy in front of a world that ends TLS, with a certificate of a private authority, on any number of origins. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { createAuthority, issueCertificate } from '../../src/net/x509.ts';

export interface TlsProxy {
  /** Certificate of the authority, in PEM. */
  readonly authority: string;
  /** A new origin whose connections go to this port of 127.0.0.1, which need not be open yet. */
  addOrigin(port: number): Promise<string>;
  close(): void;
}

export function createTlsProxy(): TlsProxy {
  const now = Date.now();
  const authority = createAuthority(now);
  const certificate = issueCertificate(authority, ['localhost'], now);
  const servers: Server[] = [];
  const sockets = new Set<TLSSocket>();
  return {
    authority: authority.cert,
    async addOrigin(port) {
      const server = createServer(certificate, (socket) => {
        sockets.add(socket);
        const onward = connect(port, '127.0.0.1');
        socket.pipe(onward).pipe(socket);
        for (const [one, other] of [
          [socket, onward],
          [onward, socket],
        ] as const) {
          // An answer that is on its way still arrives after the other side has reset the connection.
          one.on('error', () => other.end());
          one.on('close', () => other.end());
        }
        socket.on('close', () => sockets.delete(socket));
      });
      servers.push(server);
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      return `https://localhost:${(server.address() as { port: number }).port}`;
    },
    close() {
      for (const server of servers) server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
