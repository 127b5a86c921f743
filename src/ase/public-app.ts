/** What servers of an ASE answer to the public at one listener: each below its paths, health and packets beside them. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ErrorRequestHandler, Express, RequestHandler } from 'express';
import { createExpressApp, tolerateSlashes } from '../http/express-app.ts';

export type Handlers = readonly (RequestHandler | ErrorRequestHandler)[];

export interface Mounted {
  /** Base URLs; only their paths count here. */
  readonly urls: readonly string[];
  readonly handlers: Handlers;
}

export interface PublicAppOptions {
  /** Of two with the same path the first one is asked first. */
  readonly mounted: readonly Mounted[];
  readonly isReady: () => Promise<boolean>;
  /** Of ILP-over-HTTP, where packets arrive here. */
  readonly answerPacket: ((req: IncomingMessage, res: ServerResponse) => unknown) | undefined;
}

export function createPublicApp({ mounted, isReady, answerPacket }: PublicAppOptions): Express {
  const app = createExpressApp();
  app.use(tolerateSlashes);
  app.get('/livez', (_req, res) => void res.end());
  app.get('/readyz', async (_req, res) => void res.status((await isReady()) ? 200 : 503).end());
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
  // The longer path first, so that none hides another.
  for (const { path, handlers } of byPath.toSorted((a, b) => b.path.length - a.path.length)) {
    app.use(path || '/', ...handlers);
  }
  app.use((_req, res) => void res.status(404).end());
  return app;
}
