/** A TCP connection on which a test sends whatever it likes, HTTP or not. */
import { connect, type Socket } from 'node:net';

export interface RawConnection {
  readonly socket: Socket;
  /** All that came until the server ended the connection. */
  readonly closed: Promise<string>;
  /** All that came until it matches. */
  received(pattern: RegExp): Promise<string>;
}

/** Connects to an origin of this machine and sends `text`. */
export function openRaw(origin: string, text = ''): RawConnection {
  const { port } = new URL(origin);
  const socket = connect(Number(port), '127.0.0.1');
  let got = '';
  const waiting: { pattern: RegExp; resolve: (text: string) => void }[] = [];
  socket.on('data', (data) => {
    got += data;
    for (const { pattern, resolve } of waiting) if (pattern.test(got)) resolve(got);
  });
  const closed = new Promise<string>((resolve) => {
    socket.on('error', () => {}); // a reset; 'close' follows
    socket.on('close', () => resolve(got));
  });
  if (text !== '') socket.write(text);
  return {
    socket,
    closed,
    received: (pattern) => {
      if (pattern.test(got)) return Promise.resolve(got);
      return new Promise((resolve, reject) => {
        waiting.push({ pattern, resolve });
        void closed.then(() => reject(new Error(`the connection ended with ${JSON.stringify(got.slice(0, 300))}`)));
      });
    },
  };
}

/** Status and body of one answer, as text. */
export function splitAnswer(text: string): { readonly status: number; readonly head: string; readonly body: string } {
  const end = text.indexOf('\r\n\r\n');
  const head = text.slice(0, end);
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]), head, body: text.slice(end + 4) };
}
