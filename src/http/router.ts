/**
 * Generated routes + handlers + validation → Express. Refuses to start with an operation that has no handler or no
 * policy, and with a handler for an operation that no document knows.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { parse as parseQuery } from 'node:querystring';
import {
  type ErrorRequestHandler,
  type NextFunction,
  type Request,
  type RequestHandler,
  type Response,
  Router,
} from 'express';
import { Problem } from '../errors.ts';
import { injectFault } from './inject-fault.ts';
import { renderProblem, type Server, type ServerContext, serve } from './pipeline.ts';
import { policies } from './policy.ts';
import { readRawBody, WireError } from './raw-body.ts';
import { receiveRequest } from './received-request.ts';
import type { Reply } from './reply.ts';
import { logRequest } from './request-log.ts';
import type { RequestNotes } from './request-trace.ts';

export interface RouterOptions {
  /** Public origin of the listener, for `@target-uri` (SIG-21). */
  readonly origin: string;
  /** Further origins that the same paths are called by; Host chooses among all of them, and can name no other. */
  readonly aliases?: readonly string[];
  /** Sent with every answer of this server, errors included. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Cross-origin reads and calls from browsers (RS-21, WA-26); off for the control API. */
  readonly cors: boolean;
}

/** Most bytes of a request's content, and how long it may take. */
const bodyLimits = { limitBytes: 100 * 1024, timeoutMs: 10_000 };

/** Keeps the request target as sent, then tolerates double and trailing slashes for routing (RS-22, AS-126). */
export function keepRawTarget(req: Request, _res: Response, next: NextFunction): void {
  const [path, query] = split(req.url);
  (req as Incoming).rawTarget = req.url;
  req.url = (path.replaceAll(/\/{2,}/g, '/').replace(/(?<=.)\/$/, '') || '/') + query;
  next();
}

type Incoming = IncomingMessage & { rawTarget?: string };

const split = (target: string): [path: string, query: string] => {
  const absolute = target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '');
  const at = absolute.indexOf('?');
  return at < 0 ? [absolute, ''] : [absolute.slice(0, at), absolute.slice(at)];
};

/** A server as an Express router; mount it below its base path. */
export function createServerRouter<Caller>(
  server: Server<Caller>,
  environment: ServerContext,
  options: RouterOptions,
): Router {
  const operations = Object.keys(server.routes);
  for (const operationId of operations) {
    if (!server.handlers[operationId]) throw new Error(`${server.name}: no handler for ${operationId}`);
    if (!policies[operationId]) throw new Error(`${server.name}: no policy for ${operationId}`);
  }
  for (const operationId of Object.keys(server.handlers)) {
    if (!server.routes[operationId]) throw new Error(`${server.name}: ${operationId} is in no document`);
  }
  const answer = createEndpoint(server, environment, options);
  const router = Router();
  const byPath = Map.groupBy(Object.values(server.routes), (route) => route.path);
  for (const [path, routes] of byPath) {
    const methods: string[] = routes.map((route) => route.method);
    router.all(path.replaceAll(/\{([^}]+)\}/g, ':$1'), (req, res) => {
      if (options.cors && isPreflight(req, methods)) return answerPreflight(req, res, methods);
      const route = routes.find(
        ({ method, operationId }) =>
          method === req.method || (method === 'GET' && req.method === 'HEAD' && !policies[operationId]!.changes),
      );
      if (!route)
        return answer.refuse(res, new Problem('method_not_allowed'), undefined, { Allow: methods.join(', ') });
      const params = req.params as Record<string, string>;
      const filled = path.replaceAll(/\{([^}]+)\}/g, (_, name: string) => encodeURIComponent(params[name]!));
      return answer.serve(req, res, route.operationId, filled, params);
    });
  }
  return router;
}

/** For what is left below a server's base: 404 in its format, also where a path cannot be decoded. */
export function rejectUnknownPaths<Caller>(
  server: Server<Caller>,
  environment: ServerContext,
  options: RouterOptions,
): [RequestHandler, ErrorRequestHandler] {
  const { refuse } = createEndpoint(server, environment, options);
  const notFound = (res: ServerResponse) => refuse(res, new Problem('not_found'), undefined);
  return [(_req, res) => notFound(res), (_error, _req, res, _next) => notFound(res)];
}

export interface Endpoint {
  /** Serves one operation; `path` is its path in the document with the parameters filled in. */
  serve(
    req: IncomingMessage,
    res: ServerResponse,
    operationId: string,
    path: string,
    params: Readonly<Record<string, string>>,
  ): Promise<void>;
  /** Answers with a problem in the server's format. */
  refuse(
    res: ServerResponse,
    error: unknown,
    operationId: string | undefined,
    headers?: Readonly<Record<string, string>>,
  ): void;
}

export function createEndpoint<Caller>(
  server: Server<Caller>,
  environment: ServerContext,
  { origin, aliases = [], headers = {}, cors }: RouterOptions,
): Endpoint {
  const byHost = new Map(aliases.map((alias) => [new URL(alias).host, alias]));
  const common = { ...headers, ...(cors && corsHeaders) };
  const refuse: Endpoint['refuse'] = (res, error, operationId, extra) => {
    send(res, renderProblem(server, environment, operationId, error, res.req.headers.accept), { ...common, ...extra });
  };
  const wordForFailure = (): string => {
    const { body } = server.render(new Problem('internal_error'), undefined, '');
    return (body as { error?: { code?: string } }).error?.code ?? 'internal_error';
  };
  return {
    refuse,
    async serve(req, res, operationId, path, params) {
      const started = performance.now();
      const target = (req as Incoming).rawTarget ?? req.url ?? '/';
      const found: { -readonly [Part in keyof RequestNotes]: RequestNotes[Part] } = {};
      const noting = { ...environment, note: (finding: RequestNotes) => void Object.assign(found, finding) };
      try {
        const body = await readRawBody(req, bodyLimits);
        const called = byHost.get(req.headers.host?.toLowerCase() ?? '') ?? origin;
        const exchange = receiveRequest({ method: req.method, url: target, rawHeaders: req.rawHeaders }, called, body);
        const query = { ...parseQuery(split(target)[1].slice(1)) };
        const fault = environment.selectFault?.(operationId);
        const reply =
          (await injectFault(fault, 'before', wordForFailure)) ??
          (await serve(server, noting, operationId, exchange, path, params, query));
        const answer = (await injectFault(fault, 'after', wordForFailure)) ?? reply;
        if (answer === 'no answer') res.destroy();
        else send(res, answer, common);
      } catch (error) {
        found.error = wireProblem(error);
        // The rest of a body that was not taken must not be read as the next request.
        refuse(res, found.error, operationId, error instanceof WireError ? { Connection: 'close' } : {});
      }
      const milliseconds = performance.now() - started;
      logRequest(environment.log, { server: server.name, operationId, status: res.statusCode, milliseconds });
      environment.trace?.({
        ...found,
        operation: operationId,
        method: req.method ?? 'GET',
        target,
        params,
        status: res.headersSent ? res.statusCode : undefined,
        milliseconds,
      });
    },
  };
}

function wireProblem(error: unknown): unknown {
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

const corsHeaders = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers': 'WWW-Authenticate, Location, Retry-After',
};

/** Any OPTIONS, unless the path has an answer of its own to those that no browser sends before a call (AS-16). */
const isPreflight = ({ method, headers }: IncomingMessage, methods: readonly string[]): boolean =>
  method === 'OPTIONS' && (!methods.includes('OPTIONS') || headers['access-control-request-method'] !== undefined);

export function answerPreflight(req: IncomingMessage, res: ServerResponse, methods: readonly string[]): void {
  const asked = req.headers['access-control-request-headers'];
  const allowed = [...new Set([...methods, 'OPTIONS'])].join(', ');
  send(
    res,
    { status: 204 },
    {
      ...corsHeaders,
      'Access-Control-Allow-Methods': allowed,
      'Access-Control-Allow-Headers':
        asked ?? 'Authorization, Content-Type, Content-Digest, Signature, Signature-Input, Web-Monetization-Id',
      Allow: allowed,
    },
  );
}

function send(res: ServerResponse, reply: Reply, headers: Readonly<Record<string, string>>): void {
  if (res.headersSent) return;
  const isPage = typeof reply.body === 'string';
  const content = reply.body === undefined ? undefined : isPage ? (reply.body as string) : JSON.stringify(reply.body);
  res.writeHead(reply.status, {
    ...headers,
    ...(content !== undefined && { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(content) }),
    ...(content === undefined && reply.status !== 204 && { 'Content-Length': 0 }),
    ...reply.headers,
  });
  res.end(content);
}
