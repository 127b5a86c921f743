/**
 * Changes replies of the worlds in this process between the server and the socket. The servers of the runner itself,
 * such as the key sets of its clients, are left alone.
 */
import { type IncomingMessage, type OutgoingHttpHeaders, Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export interface Reply {
  readonly status: number;
  /** Values by names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The reply that is sent instead; `close` closes the connection in its place. */
export type Rewrite = (reply: Reply) => Reply | 'close';

/** Rewriting of one request. `before` answers in place of the server, which does not see the request. */
interface Rewriting {
  readonly before?: boolean;
  readonly rewrite: Rewrite;
}

let choose: (request: IncomingMessage) => Rewriting | undefined = () => undefined;

/** From now on, `chosen` says for each request to a world what happens to its reply. */
export function rewriteReplies(chosen: typeof choose): void {
  choose = chosen;
}

/** Listeners of the server reject a request without Host themselves (src/net/listener.ts); other servers let Node do it. */
const isWorld = (server: Server): boolean => 'requireHostHeader' in server && server.requireHostHeader === false;

const emit = Server.prototype.emit;
Server.prototype.emit = function (this: Server, event: string | symbol, ...args: unknown[]): boolean {
  if (event !== 'request' || !isWorld(this)) return Reflect.apply(emit, this, [event, ...args]);
  const [request, response] = args as [IncomingMessage, ServerResponse];
  const rewriting = choose(request);
  if (rewriting?.before) {
    send(response, rewriting.rewrite({ status: 500, headers: {}, body: '' }));
    return true;
  }
  if (rewriting) intercept(response, rewriting.rewrite);
  return Reflect.apply(emit, this, [event, ...args]);
};

/** Collects what the server writes, and sends it rewritten at the end. */
function intercept(response: ServerResponse, rewrite: Rewrite): void {
  const chunks: Buffer[] = [];
  let status = 0;
  let written: OutgoingHttpHeaders = {};
  const { writeHead, write, end } = response;
  const collect = (chunk: unknown): void => {
    if (typeof chunk === 'string' || Buffer.isBuffer(chunk)) chunks.push(Buffer.from(chunk));
  };
  response.writeHead = (code: number, ...rest: unknown[]) => {
    status = code;
    written = rest.find((value): value is OutgoingHttpHeaders => typeof value === 'object') ?? {};
    return response;
  };
  response.write = (chunk: unknown) => {
    collect(chunk);
    return true;
  };
  response.end = (chunk?: unknown) => {
    collect(chunk);
    Object.assign(response, { writeHead, write, end });
    const headers = Object.entries({ ...response.getHeaders(), ...written }).map(([name, value]) => [
      name.toLowerCase(),
      `${value}`,
    ]);
    for (const name of response.getHeaderNames()) response.removeHeader(name);
    const body = Buffer.concat(chunks).toString('utf8');
    send(response, rewrite({ status: status || response.statusCode, headers: Object.fromEntries(headers), body }));
    return response;
  };
}

function send(response: ServerResponse, reply: Reply | 'close'): void {
  if (reply === 'close') return void (response.socket as Socket | null)?.destroy();
  const { 'content-length': _, ...headers } = reply.headers;
  const length = reply.status === 204 ? {} : { 'content-length': `${Buffer.byteLength(reply.body)}` };
  response.writeHead(reply.status, { ...headers, ...length }).end(reply.body);
}
