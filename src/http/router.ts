/**
 * Routes requests to the operations of a server: generated routes + handlers + validation. Throws at start-up for an
 * operation without a handler or a policy, and for a handler without an operation.
 */
import type { RequestListener, ServerResponse } from 'node:http';
import { steadyNow } from '../clock.ts';
import { Problem, RetryLater } from '../errors.ts';
import { plainRefusal } from '../net/listener.ts';
import { isHostOf, requestedHost } from '../net/request-line.ts';
import { inSpan, type SpanAttributes } from '../telemetry/spans.ts';
import { corsHeaders, isPreflight, sendPreflight } from './cors.ts';
import { describeFaulted, injectFault, spoilReply } from './inject-fault.ts';
import { overloaded } from './load-shedding.ts';
import type { Route } from './operation.ts';
import { renderProblem, resolveAliases, serve } from './pipeline.ts';
import { policyOf } from './policy.ts';
import { readRawBody, WireError } from './raw-body.ts';
import {
  headerLines,
  keepTarget,
  parseQuery,
  type ReceivedRequest,
  receiveRequest,
  type ServerRequest,
  splitTarget,
} from './received-request.ts';
import type { Answer, DeliveredReply } from './reply.ts';
import { logRequest } from './request-log.ts';
import type { RequestNotes } from './request-trace.ts';
import { createRouteTable } from './route-table.ts';
import { sendReply } from './send-reply.ts';
import type { Server, ServerContext } from './server.ts';
import { traceUnknown, traceWhenSent } from './trace-call.ts';

export interface RouterOptions {
  /** Public origin of the listener, for `@target-uri` (SIG-21). */
  readonly origin: string;
  /** Further public origins with the same paths. Host selects among the known origins. */
  readonly aliases?: readonly string[];
  /** Sent with every reply of this server, errors included. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Answers 421 unless Host names `origin` or an alias: for pages, against DNS rebinding (RFC 9110 §15.5.20). */
  readonly knownHostsOnly?: boolean;
  /** Cross-origin reads and calls from browsers (RS-21, WA-26); off for the control API. */
  readonly cors: boolean;
}

/** Maximum size of a request's content, and the time in which it must arrive. */
const bodyLimits = { limitBytes: 100 * 1024, timeoutMs: 10_000 };

/** Answers a request, or returns undefined if its target, `req.url` below the base of the server, is none of its paths. */
export type ServerRouter = (req: ServerRequest, res: ServerResponse) => Promise<void> | undefined;

export function createServerRouter<Caller>(
  server: Server<Caller>,
  context: ServerContext,
  options: RouterOptions,
): ServerRouter {
  for (const route of Object.values(server.routes)) {
    if (!server.handlers[route.operationId]) throw new Error(`${server.name}: no handler for ${route.operationId}`);
    policyOf(route);
  }
  for (const operationId of Object.keys(server.handlers)) {
    if (!server.routes[operationId]) throw new Error(`${server.name}: ${operationId} is in no document`);
  }
  const endpoint = createEndpoint(server, context, options);
  const find = createRouteTable(Object.values(server.routes));
  return (req, res) => {
    const found = find(splitTarget(req.url)[0]);
    if (!found) return undefined;
    const { routes, methods, params } = found;
    if (options.cors && isPreflight(req, methods)) return endpoint.answerPreflight(req, res, methods);
    if (params === undefined) return endpoint.reject(req, res, new Problem('not_found'));
    const route = routes.find((candidate) => accepts(candidate, req.method));
    if (!route) return endpoint.reject(req, res, new Problem('method_not_allowed'), { Allow: methods.join(', ') });
    return traceOperation(server.name, route, res, () => endpoint.serve(req, res, route.operationId, params));
  };
}

/** Its span names the operation, never what was asked or answered. */
function traceOperation(server: string, route: Route, res: ServerResponse, work: () => Promise<void>): Promise<void> {
  const attributes: SpanAttributes = {
    'http.request.method': route.method,
    'http.route': route.path,
    'touchstone.server': server,
    'touchstone.operation': route.operationId,
  };
  return inSpan({ kind: 'server', name: `${route.method} ${route.path}`, attributes }, async () => {
    await work();
    attributes['http.response.status_code'] = res.statusCode;
  });
}

/** HEAD is served as GET, unless the GET changes state (RFC 9110 §9.2.1). */
const accepts = (route: Route, method: string | undefined): boolean =>
  route.method === method || (route.method === 'GET' && method === 'HEAD' && !policyOf(route).changes);

/**
 * For all other requests below a server's base: 404 in its format. Their preflights succeed, because the script of a page
 * sees no status otherwise.
 */
export function rejectUnknownPaths<Caller>(
  server: Server<Caller>,
  context: ServerContext,
  options: RouterOptions,
): ServerRouter {
  const { reject, answerPreflight } = createEndpoint(server, context, options);
  return (req, res) =>
    options.cors && isPreflight(req, ['OPTIONS'])
      ? answerPreflight(req, res, ['GET', 'POST', 'DELETE'])
      : reject(req, res, new Problem('not_found'));
}

export interface Endpoint {
  /** Serves one operation with the parameters of its path. */
  serve(
    req: ServerRequest,
    res: ServerResponse,
    operationId: string,
    params: Readonly<Record<string, string>>,
  ): Promise<void>;
  /** Sends the reply to a request that is for none of the operations. */
  reject(
    req: ServerRequest,
    res: ServerResponse,
    problem: Problem,
    headers?: Readonly<Record<string, string>>,
  ): Promise<void>;
  answerPreflight(req: ServerRequest, res: ServerResponse, methods: readonly string[]): Promise<void>;
}

/** Finds the known origin that a request names; undefined if its host is not one of this server. */
function createOriginFinder({ origin, aliases = [], knownHostsOnly }: RouterOptions) {
  const origins = [origin, ...aliases];
  return (req: ServerRequest): string | undefined => {
    const host = requestedHost({ url: req.originalUrl, headers: req.headers });
    const named = origins.find((known) => isHostOf(host, known));
    return named ?? (knownHostsOnly ? undefined : origin);
  };
}

interface Called {
  readonly operationId: string;
  readonly params: Readonly<Record<string, string>>;
  /** The request names the host of another server. */
  readonly isMisdirected: boolean;
}

/** Admits a request. Returns what ends it, or undefined if it is to be refused before anything of it is processed. */
function admit<Caller>(server: Server<Caller>, { load }: ServerContext, operationId: string): (() => void) | undefined {
  const { isNeededByServers } = policyOf(server.routes[operationId]!);
  return load && !isNeededByServers ? load.admit() : () => {};
}

type Answering<Caller> = [
  server: Server<Caller>,
  context: ServerContext,
  req: ServerRequest,
  called: Called,
  notes: RequestNotes,
];

/** The answer, which injected faults and interceptors can change. */
async function answer<Caller>(
  ...[server, context, req, { operationId, params, isMisdirected }, notes]: Answering<Caller>
): Promise<Answer> {
  if (isMisdirected) throw new Problem('misdirected_request');
  const body = await readRawBody(req, bodyLimits);
  await context.limits?.checkAddress(req, operationId, body.length);
  const exchange = { ...notes.exchange, body };
  notes.exchange = exchange;
  notes.isBodyUnread = false;
  const query = resolveAliases(context, parseQuery(req.url));
  const call = { route: server.routes[operationId]!, exchange, params, query };
  const serveUsually = async (): Promise<Answer> => {
    const fault = context.selectFault?.(operationId, describeFaulted(exchange, call.route.hasBody));
    if (fault) notes.fault = fault;
    const render = (code: string) => server.render(new Problem(code), operationId, '');
    const early = fault && (await injectFault(fault, render));
    if (early !== undefined) return early;
    return spoilReply(fault, await serve(server, context, call, notes), render);
  };
  if (!context.intercept) return serveUsually();
  let usual: Answer | undefined;
  const answered = await context.intercept.answer({ operation: operationId, params, exchange }, async () => {
    usual = await serveUsually().catch((error) => answerError(server, context, req, operationId, error, notes));
    return usual;
  });
  if (answered !== usual) notes.fault ??= { kind: 'trap' };
  return answered;
}

/** The reply to an error, in the server's format. Notes the error. */
function answerError<Caller>(
  server: Server<Caller>,
  context: ServerContext,
  req: ServerRequest,
  operationId: string,
  error: unknown,
  notes: RequestNotes,
): DeliveredReply {
  notes.error = toProblem(error);
  const reply = renderProblem(server, context, operationId, notes.error, req.headers.accept);
  return { ...reply, headers: { ...headersOf(error), ...reply.headers } };
}

/** Replies to refused requests. Apart from pages, all are the same, so one is rendered for each operation. */
function createRefusals<Caller>(server: Server<Caller>, context: ServerContext) {
  const replies = new Map<string, DeliveredReply>();
  return (req: ServerRequest, operationId: string, notes: RequestNotes): DeliveredReply => {
    notes.error = overloaded;
    const known = replies.get(operationId);
    if (known) return known;
    const reply = answerError(server, context, req, operationId, overloaded, notes);
    if (!server.answersBrowsers) replies.set(operationId, reply);
    return reply;
  };
}

export function createEndpoint<Caller>(
  server: Server<Caller>,
  context: ServerContext,
  options: RouterOptions,
): Endpoint {
  const commonHeaders = { ...options.headers, ...(options.cors && corsHeaders) };
  const noteArrival = createArrivals(context, options);
  const refuse = createRefusals(server, context);

  return {
    async reject(req, res, problem, extraHeaders) {
      const { notes, isMisdirected } = noteArrival(req);
      const error = isMisdirected ? new Problem('misdirected_request') : problem;
      const reply = renderProblem(server, context, undefined, error, req.headers.accept);
      const sent = await sendReply(res, reply, { ...commonHeaders, ...extraHeaders });
      traceUnknown(context, res, { ...notes, error }, 'unknown', sent);
    },
    async answerPreflight(req, res, methods) {
      const { notes } = noteArrival(req);
      traceUnknown(context, res, notes, 'preflight', await sendPreflight(req, res, methods));
    },
    async serve(req, res, operationId, params) {
      const started = performance.now();
      const { notes, isMisdirected } = noteArrival(req);
      const called = { operationId, params, isMisdirected };
      const end = admit(server, context, operationId);
      const reply = end
        ? await answer(server, context, req, called, notes)
            .catch((error: unknown) => answerError(server, context, req, operationId, error, notes))
            .finally(end)
        : refuse(req, operationId, notes);
      const sent = await sendReply(res, reply, commonHeaders);
      const milliseconds = performance.now() - started;
      logRequest(context.log, { server: server.name, operationId, status: res.statusCode, milliseconds });
      traceWhenSent(context, res, notes, { operation: operationId, params, reply: sent });
    },
  };
}

type TraceContext = Pick<ServerContext, 'trace' | 'serverMark'>;

/** For a path that belongs to no server of a listener. */
export function answerNotFound(context: TraceContext, options: RouterOptions): ServerRouter {
  const noteArrival = createArrivals(context, options);
  return async (req, res) => {
    const { notes } = noteArrival(req);
    traceUnknown(context, res, notes, 'unknown', await sendReply(res, { status: 404 }, {}));
  };
}

/** For a request in clear text to a port for TLS. The origins in the options have the scheme http. */
export function refusePlainRequest(context: TraceContext, options: RouterOptions): RequestListener {
  const noteArrival = createArrivals(context, options);
  return async (req, res) => {
    const { notes } = noteArrival(keepTarget(req));
    const body = { error: { code: 'invalid_request', description: plainRefusal } };
    const sent = await sendReply(res, { status: 400, body }, { Connection: 'close' });
    traceUnknown(context, res, notes, 'unknown', sent);
  };
}

const NO_BODY = Buffer.alloc(0);

/** Notes facts about requests before their content is read. */
function createArrivals({ serverMark }: Pick<ServerContext, 'serverMark'>, options: RouterOptions) {
  const findCalledOrigin = createOriginFinder(options);

  function receive(req: ServerRequest, origin: string): ReceivedRequest {
    const request = { method: req.method, url: req.originalUrl, rawHeaders: req.rawHeaders };
    const received = { ...receiveRequest(request, origin, NO_BODY), remoteAddress: req.socket.remoteAddress };
    if (!serverMark) return received;
    const { lines, isMarked } = serverMark.remove(received.rawHeaders);
    return isMarked ? { ...received, rawHeaders: lines, isFromServer: true } : received;
  }

  return (req: ServerRequest): { readonly notes: RequestNotes; readonly isMisdirected: boolean } => {
    const called = findCalledOrigin(req);
    const exchange = receive(req, called ?? options.origin);
    return {
      notes: { receivedAt: steadyNow(), exchange, isBodyUnread: announcesBody(exchange) },
      isMisdirected: called === undefined,
    };
  };
}

const announcesBody = (exchange: ReceivedRequest): boolean =>
  headerLines(exchange, 'transfer-encoding').length > 0 ||
  headerLines(exchange, 'content-length').some((length) => Number(length) !== 0);

function headersOf(error: unknown): Readonly<Record<string, string>> {
  // The rest of an unread body must not be parsed as the next request.
  if (error instanceof WireError) return { Connection: 'close' };
  return error instanceof RetryLater ? { 'Retry-After': `${error.retryAfterSeconds}` } : {};
}

function toProblem(error: unknown): unknown {
  if (!(error instanceof WireError)) return error;
  switch (error.code) {
    case 'body_too_large':
      return new Problem('body_too_large', { description: error.message });
    case 'content_encoding':
      return new Problem('unsupported_media_type', { description: error.message });
    case 'body_timeout':
    case 'body_aborted':
      return new Problem('body_timeout', { description: error.message });
  }
}
