/** Requests of client SDKs, byte for byte as on the wire: signed by hand and sent where the client sends them. */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { request } from 'node:http';

export interface Sent {
  readonly method: string;
  /** The port to connect to, always on this machine. */
  readonly port: number;
  readonly host: string;
  readonly target: string;
  /** In order. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body?: string;
}

export interface Received {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read what they expect
  readonly body: any;
}

/** Sends the request over a new connection. */
export function send({ method, port, host, target, headers, body }: Sent): Promise<Received> {
  const length = body === undefined ? [] : ['Content-Length', String(Buffer.byteLength(body))];
  const lines = ['Host', host, ...headers.flat(), ...length];
  return new Promise((resolve, reject) => {
    const outgoing = request({ method, port, host: '127.0.0.1', path: target, headers: lines, agent: false });
    outgoing.on('error', reject);
    outgoing.on('response', async (incoming) => {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk);
      const text = Buffer.concat(chunks).toString('utf8');
      const isJson = incoming.headers['content-type']?.startsWith('application/json');
      resolve({
        status: incoming.statusCode!,
        headers: incoming.headers,
        text,
        body: isJson ? JSON.parse(text) : undefined,
      });
    });
    outgoing.end(body);
  });
}

export const createTestKey = (): KeyObject => generateKeyPairSync('ed25519').privateKey;

export const digestOf = (body: string): string => `sha-512=:${createHash('sha512').update(body).digest('base64')}:`;

/** Base64 of the signature over the lines of a signature base (RFC 9421 §2.5). */
export function signBase(lines: readonly (readonly [name: string, value: string])[], key: KeyObject): string {
  const base = lines.map(([name, value]) => `"${name}": ${value}`).join('\n');
  return sign(null, Buffer.from(base), key).toString('base64');
}

/** A button of the page by its label, and the fields of its form. */
function readForm(page: string, label: string) {
  const button = new RegExp(`<button name="([^"]*)" value="([^"]*)" aria-label="${label}">`).exec(page);
  if (!button) throw new Error(`no button ${label} on ${page}`);
  const [, action] = /<form method="post" action="([^"]*)">/.exec(page)!;
  const hidden = [...page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)];
  const fields = [...hidden, button].map(([, name, value]) => [name!, value!] as [string, string]);
  return { action: action!, body: new URLSearchParams(fields).toString() };
}

/**
 * A browser on this machine: follows redirects to the URLs that `follows` accepts, and keeps cookies by name and path.
 * `portOf` says where a port of a URL really listens.
 */
export function createBrowser(follows: (url: URL) => boolean, portOf: (port: string) => number = Number) {
  const cookies: { readonly path: string; readonly pair: string }[] = [];

  async function visit(url: URL, form?: string): Promise<{ readonly url: URL; readonly page: Received | undefined }> {
    if (!follows(url)) return { url, page: undefined };
    const shown = cookies.filter(({ path }) => url.pathname.startsWith(path)).map(({ pair }) => pair);
    const page = await send({
      method: form === undefined ? 'GET' : 'POST',
      port: portOf(url.port),
      host: url.host,
      target: url.pathname + url.search,
      headers: [
        ['Accept', 'text/html'],
        ...(shown.length > 0 ? [['Cookie', shown.join('; ')] as const] : []),
        ...(form === undefined ? [] : [['Content-Type', 'application/x-www-form-urlencoded'] as const]),
      ],
      ...(form !== undefined && { body: form }),
    });
    for (const line of [page.headers['set-cookie'] ?? []].flat()) {
      cookies.push({ pair: line.split(';')[0]!, path: /; Path=([^;]*)/.exec(line)![1]! });
    }
    const { location } = page.headers;
    return page.status >= 300 && page.status < 400 ? visit(new URL(String(location), url)) : { url, page };
  }

  return {
    open: (url: string) => visit(new URL(url)),
    click(at: { readonly url: URL; readonly page: Received | undefined }, label: string) {
      const { action, body } = readForm(at.page!.text, label);
      return visit(new URL(action, at.url), body);
    },
  };
}
