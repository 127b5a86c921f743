/** The public app of one listener: servers of an ASE below their paths, health checks, and ILP-over-HTTP. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ErrorRequestHandler, Express, RequestHandler } from 'express';
import { createExpressApp, tolerateSlashes } from '../http/express-app.ts';
import type { AseInterceptor } from '../http/interceptor.ts';
import { createTargetUri } from '../http/received-request.ts';
import { requestedHost } from '../net/request-line.ts';
import type { NotReady } from './readiness.ts';

export type Handlers = readonly (RequestHandler | ErrorRequestHandler)[];

export interface Mounted {
  /** Base URLs. Only their paths matter here. */
  readonly urls: readonly string[];
  readonly handlers: Handlers;
}

export interface PublicAppOptions {
  /** Servers that share a path are tried in this order. */
  readonly mounted: readonly Mounted[];
  /** Undefined if the ASE is ready. */
  readonly whyNotReady: () => Promise<NotReady | undefined>;
  /** Handler of ILP-over-HTTP. Undefined if this listener takes no packets. */
  readonly answerPacket: ((req: IncomingMessage, res: ServerResponse) => unknown) | undefined;
  /** The real URL of one that was renamed for a test. */
  readonly route: AseInterceptor['route'] | undefined;
  /** For a path outside all servers. */
  readonly answerNotFound: RequestHandler;
}

/** Only routing sees the real target; `req.originalUrl` keeps the one that was signed. */
const renameTargets =
  (route: AseInterceptor['route']): RequestHandler =>
  (req, _res, next) => {
    const url = createTargetUri(`${req.protocol}://${requestedHost(req)}`, req.url);
    const real = URL.canParse(url) ? route(url, req) : url;
    if (real !== url) req.url = new URL(real).pathname + new URL(real).search;
    next();
  };

export function createPublicApp({
  mounted,
  whyNotReady,
  answerPacket,
  route,
  answerNotFound,
}: PublicAppOptions): Express {
  const app = createExpressApp();
  if (route) app.use(renameTargets(route));
  app.use(tolerateSlashes);
  app.get('/livez', (_req, res) => void res.end());
  app.get('/readyz', async (_req, res) => {
    const reason = await whyNotReady();
    if (reason === undefined) res.end();
    else res.status(503).set({ 'Retry-After': '1', 'Cache-Control': 'no-store' }).json({ ready: false, reason });
  });
  if (answerPacket) {
    app.use('/ilp', (req, res) => {
      req.url = req.originalUrl;
      return answerPacket(req, res);
    });
  }
  const byPath = mounted.flatMap(({ urls, handlers }) => {
    const paths = new Set(urls.map((url) => new URL(url).pathname.replace(/\/$/, '')));
    return [...paths].map((path) => ({ path, handlers }));
  });
  // Longer paths first, so that a shorter one does not hide them.
  for (const { path, handlers } of byPath.toSorted((a, b) => b.path.length - a.path.length)) {
    app.use(path || '/', ...handlers);
  }
  app.use(answerNotFound);
  return app;
}
