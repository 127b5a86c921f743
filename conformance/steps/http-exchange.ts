/**
 * One HTTP exchange as bytes: the request target and every header line leave exactly as given, repeated ones included.
 */
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

export type HeaderLine = readonly [name: string, value: string];

export interface Sent {
  readonly method: string;
  /** Absolute URL; what follows its authority goes into the request line verbatim (SIG-22). */
  readonly url: string;
  readonly headers: readonly HeaderLine[];
  readonly body: Buffer | undefined;
}

export interface Received {
  readonly status: number;
  readonly headers: Headers;
  /** The body, as it came and as UTF-8. */
  readonly bytes: Buffer;
  readonly text: string;
}

/** Path and query of an absolute URL, verbatim; `/` when there is none. */
export function targetOf(url: string): string {
  const target = /^[a-z]+:\/\/[^/?#]*([^#]*)/i.exec(url)?.[1] ?? '';
  return target.startsWith('/') ? target : `/${target}`;
}

export interface ExchangeLimits {
  /** Milliseconds without a byte. */
  readonly silenceMs?: number;
  /** Milliseconds for the whole answer, which a server can send byte by byte. */
  readonly wholeMs?: number;
  readonly maxBytes?: number;
}

/**
 * Sends the request and reads the whole answer. Redirects are not followed, and a compressed body stays as it is.
 * @throws on a refused connection, a timeout, an answer that is too large, and a URL of another protocol
 */
export async function exchange(
  sent: Sent,
  { silenceMs = 10_000, wholeMs = 30_000, maxBytes = 8 * 1024 * 1024 }: ExchangeLimits = {},
): Promise<Received> {
  const { protocol, hostname, port, host } = new URL(sent.url);
  if (protocol !== 'http:' && protocol !== 'https:') throw new Error(`${protocol} is not a protocol of the web`);
  const lines = hasHeader(sent.headers, 'host') ? [...sent.headers] : [['host', host] as const, ...sent.headers];
  if (sent.body && !hasHeader(lines, 'content-length')) lines.push(['content-length', String(sent.body.length)]);
  if (!sent.body && sent.method !== 'GET' && !hasHeader(lines, 'content-length')) lines.push(['content-length', '0']);
  return new Promise((resolve, reject) => {
    const send = protocol === 'https:' ? requestHttps : requestHttp;
    const outgoing = send({
      hostname: hostname.replace(/^\[|\]$/g, ''),
      port,
      path: targetOf(sent.url),
      method: sent.method,
      headers: lines.flat(),
      timeout: silenceMs,
    });
    const fail = (error: Error): void => {
      reject(error);
      outgoing.destroy(error);
    };
    const deadline = setTimeout(() => fail(new Error(`no whole answer within ${wholeMs} ms`)), wholeMs);
    outgoing.on('close', () => clearTimeout(deadline));
    outgoing.on('timeout', () => fail(new Error(`no answer within ${silenceMs} ms`)));
    outgoing.on('error', reject);
    // After one, Node.js reports nothing more about the request.
    outgoing.on('upgrade', (_incoming, socket) => {
      socket.destroy();
      fail(new Error('the server switches to another protocol'));
    });
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = [];
      let size = 0;
      incoming.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > maxBytes) fail(new Error(`the answer has more than ${maxBytes} bytes`));
        else chunks.push(chunk);
      });
      incoming.on('error', reject);
      incoming.on('end', () => {
        const headers = new Headers();
        for (let i = 0; i < incoming.rawHeaders.length; i += 2) {
          headers.append(incoming.rawHeaders[i]!, incoming.rawHeaders[i + 1]!);
        }
        const bytes = Buffer.concat(chunks);
        resolve({ status: incoming.statusCode ?? 0, headers, bytes, text: bytes.toString('utf8') });
      });
    });
    outgoing.end(sent.body);
  });
}

function hasHeader(lines: readonly HeaderLine[], name: string): boolean {
  return lines.some(([candidate]) => candidate.toLowerCase() === name);
}
