/** Requests and answers: reads a request as it was sent, routes it, and writes JSON with the headers that all answers have. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FaultName } from './faults.ts';
import type { SignedMessage } from './signatures.ts';

const MAX_BODY_BYTES = 100_000;

export interface Exchange extends SignedMessage {
  /** Path below the origin as it was sent, without its query. */
  readonly path: string;
  /** Groups of the route's pattern. */
  readonly params: readonly string[];
  readonly query: URLSearchParams;
}

export interface Reply {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer other than the requested one, thrown wherever it becomes clear. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, description: string, headers: Readonly<Record<string, string>> = {}) {
    super(description);
    [this.status, this.code, this.headers] = [status, code, headers];
  }
}

export const badRequest = (reason: string): Refusal => new Refusal(400, 'bad_request', reason);

export interface Route {
  readonly method: string;
  readonly path: RegExp;
  /** A HEAD request is not answered like a GET. */
  readonly refusesHead?: boolean;
  readonly handle: (exchange: Exchange) => Reply | Promise<Reply>;
}

/** Some routes, with the code of their errors and the headers of all their answers. */
export interface Area {
  readonly prefix: string;
  readonly routes: readonly Route[];
  readonly code: 'invalid_request' | 'bad_request';
  readonly headers: Readonly<Record<string, string>>;
}

const cors = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'WWW-Authenticate, Location, Retry-After',
};

export interface ServerOptions {
  readonly areas: readonly Area[];
  /** Origin that clients call. */
  readonly origin: () => string;
  readonly has: (fault: FaultName) => boolean;
}

export function createAseServer({ areas, origin, has }: ServerOptions): Server {
  const server = createServer({ maxHeaderSize: 16_384, requireHostHeader: false }, (request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  server.on('clientError', refuseMalformed);

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = (request.url ?? '').replace(/^https?:\/\/[^/]*/i, '');
    const area = areas.find(({ prefix }) => target.startsWith(prefix)) ?? areas.at(-1)!;
    const send = ({ status, body, headers = {} }: Reply, isWhole = true): void => {
      const text = body === undefined ? '' : JSON.stringify(body);
      const type = has('not-found-as-text') && status === 404 ? 'text/plain' : 'application/json';
      const all = { ...cors, ...area.headers, ...(text && { 'content-type': type }), ...headers };
      response.writeHead(status, isWhole ? all : { ...all, connection: 'close' });
      response.end(request.method === 'HEAD' ? undefined : text);
    };
    try {
      const hosts = request.rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host');
      if (!/^\/[^#\\]*$/.test(target) || hosts.length !== 1) {
        return send(errorReply(new Refusal(400, area.code, 'the request target or Host is malformed')), false);
      }
      send(await answer(request, area, target));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      send(errorReply(error), error.status !== 413);
    }
  }

  async function answer(request: IncomingMessage, area: Area, target: string): Promise<Reply> {
    const method = request.method ?? '';
    const path = target.split('?')[0]!;
    const fitting = area.routes.filter(({ path: pattern }) => pattern.test(path));
    const isPreflight = request.headers['access-control-request-method'] !== undefined;
    if (method === 'OPTIONS' && (isPreflight || fitting.length > 0)) return preflight(request);
    const route = fitting.find((one) => one.method === method || isHeadOf(one, method));
    const body = await readBody(request, area.code);
    if (!route) {
      if (fitting.length === 0) throw new Refusal(404, 'not_found', 'there is nothing at this address');
      const methods = fitting.flatMap((one) => (isHeadOf(one, 'HEAD') ? ['GET', 'HEAD'] : [one.method]));
      throw new Refusal(405, area.code, 'the method is not allowed', { allow: [...methods, 'OPTIONS'].join(', ') });
    }
    const lines = request.rawHeaders;
    const headers = lines.flatMap((name, at) => (at % 2 === 0 ? [[name, lines[at + 1]!] as const] : []));
    return route.handle({
      ...{ method, path, headers, body, targetUri: origin() + target },
      params: route.path.exec(path)!.slice(1),
      query: new URLSearchParams(target.slice(path.length + 1)),
    });
  }
  return server;
}

const isHeadOf = ({ method, refusesHead }: Route, asked: string): boolean =>
  method === 'GET' && asked === 'HEAD' && !refusesHead;

const errorReply = ({ status, code, message, headers }: Refusal): Reply => ({
  ...{ status, headers },
  body: { error: { code, description: message } },
});

function preflight({ headers }: IncomingMessage): Reply {
  const asked = headers['access-control-request-headers'];
  return {
    status: 204,
    headers: {
      'access-control-allow-methods': 'GET, HEAD, POST, DELETE, OPTIONS',
      ...(asked && { 'access-control-allow-headers': String(asked) }),
    },
  };
}

async function readBody(request: IncomingMessage, code: string): Promise<Buffer> {
  const tooLarge = new Refusal(413, code, 'the body is too large');
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw tooLarge;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw tooLarge;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Answers bytes that Node.js could not read as HTTP. */
function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable) return;
  const isTooLarge = error.code === 'HPE_HEADER_OVERFLOW';
  const description = isTooLarge ? 'the header is too large' : 'the request is malformed';
  const body = JSON.stringify({ error: { code: 'invalid_request', description } });
  const head = [
    `HTTP/1.1 ${isTooLarge ? '431 Request Header Fields Too Large' : '400 Bad Request'}`,
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
