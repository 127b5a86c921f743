/** An HTTP or HTTPS listener whose origin must be known before what it serves can be made. */
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface Listener {
  readonly port: number;
  /** What answers from now on; until then 503. */
  serve(handler: RequestListener): void;
  /** Stops accepting, lets running requests end for `graceMs`, then cuts the rest off. */
  close(graceMs?: number): Promise<void>;
}

const notReady: RequestListener = (_req, res) => {
  res.writeHead(503, { 'Retry-After': '1' }).end();
};

const limits = { requestTimeout: 30_000, headersTimeout: 10_000, keepAliveTimeout: 65_000, maxHeaderSize: 16 * 1024 };

/** Listens on a port, or on any free one for 0; in TLS with `credentials`, certificate and private key in PEM. */
export async function listen(
  host: string,
  port: number,
  credentials?: { readonly cert: string; readonly key: string },
): Promise<Listener> {
  let handler = notReady;
  const answer: RequestListener = (req, res) => handler(req, res);
  const server = credentials
    ? createTlsServer({ ...limits, handshakeTimeout: 10_000, ...credentials }, answer)
    : createServer(limits, answer);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(port, host, resolve);
  await promise;
  server.off('error', reject);
  return {
    port: (server.address() as AddressInfo).port,
    serve(next) {
      handler = next;
    },
    async close(graceMs = 5000) {
      const closed = new Promise<void>((done) => server.close(() => done()));
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), graceMs);
      await closed;
      clearTimeout(timer);
    },
  };
}
