/** Bytes sent as they are, for requests that no HTTP library would make, and the answer to them. */
import { connect as connectPlain } from 'node:net';
import { connect as connectTls } from 'node:tls';

export interface RawAnswer {
  /** 0 where nothing came. */
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

const MAX_LENGTH = 8 * 1024 * 1024;

/** Sends bytes to an origin and reads until the other side ends the connection. @throws after ten seconds, and for an answer that is not HTTP */
export function sendRaw(origin: string, bytes: string, timeoutMs = 10_000): Promise<RawAnswer> {
  const { protocol, hostname, port } = new URL(origin);
  return new Promise((resolve, reject) => {
    const socket =
      protocol === 'https:'
        ? connectTls({ host: hostname, servername: hostname, port: Number(port || 443) })
        : connectPlain(Number(port || 80), hostname);
    const timer = setTimeout(() => socket.destroy(new Error(`no end within ${timeoutMs} ms`)), timeoutMs);
    let text = '';
    let failure: Error | undefined;
    socket.setEncoding('utf8');
    socket.on('data', (data) => {
      text += data;
      if (text.length > MAX_LENGTH) socket.destroy(new Error(`the answer has more than ${MAX_LENGTH} characters`));
    });
    // A reset after the answer is an end like others.
    socket.on('error', (error) => {
      failure = error;
    });
    socket.on('close', () => {
      clearTimeout(timer);
      if (text === '' && failure) return reject(failure);
      try {
        resolve(readAnswer(text));
      } catch {
        reject(new Error('the answer is not HTTP/1.1'));
      }
    });
    socket.write(bytes);
  });
}

function readAnswer(text: string): RawAnswer {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [statusLine = '', ...lines] = head.split('\r\n');
  const headers = new Headers(
    lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
  );
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1] ?? 0), headers, text: rest.join('\r\n\r\n') };
}
