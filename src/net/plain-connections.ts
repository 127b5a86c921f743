/**
 * Clear text on a port for TLS. The first byte shows it, and a separate server refuses the request in HTTP, so that the
 * client learns why, and the request is recorded.
 */
import type { Server as HttpServer } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';

/** The type of a TLS record with a handshake (RFC 8446 §5.1). */
const HANDSHAKE = 0x16;

export interface PlainConnections {
  /** Ends the connections without TLS, and those that have sent nothing yet. */
  close(): void;
}

/** `timeoutMs` limits the time until the first byte, and then the whole of a connection without TLS. */
export function divertPlainConnections(secure: TlsServer, plain: HttpServer, timeoutMs: number): PlainConnections {
  const listeners = secure.listeners('connection') as ((socket: Socket) => void)[];
  const open = new Set<Socket>();
  secure.removeAllListeners('connection');
  secure.on('connection', (socket: Socket) => {
    const destroy = (): void => void socket.destroy();
    const limit = (): NodeJS.Timeout => setTimeout(destroy, timeoutMs).unref();
    let timer = limit();
    const decide = (): void => {
      const first = socket.read(1) as Buffer | null;
      if (first === null) return;
      socket.off('readable', decide);
      socket.unshift(first);
      clearTimeout(timer);
      if (first[0] === HANDSHAKE) {
        forget();
        for (const listener of listeners) listener.call(secure, socket);
      } else {
        timer = limit();
        plain.emit('connection', socket);
      }
    };
    const forget = (): void => {
      open.delete(socket);
      socket.off('error', destroy).off('close', forget).off('end', destroy);
      clearTimeout(timer);
    };
    open.add(socket);
    socket.on('readable', decide).on('error', destroy).once('end', destroy).once('close', forget);
  });
  return {
    close() {
      for (const socket of open) socket.destroy();
    },
  };
}
