/** The control port of a process: metrics, the inspector, the control API of the main world, and the others' at `/worlds/{id}`. */
import type { RequestHandler } from 'express';
import type { Logger } from 'pino';
import { wallNow } from '../clock.ts';
import { listControlHosts } from '../control/operator.ts';
import { renderControlProblem } from '../control/problem.ts';
import { Problem } from '../errors.ts';
import { createExpressApp } from '../http/express-app.ts';
import { ROOT as INSPECTOR } from '../inspector/layout.ts';
import { createSessions } from '../inspector/session.ts';
import type { Listener } from '../net/listener.ts';
import { type Metrics, serveMetrics } from './metrics.ts';
import { mainWorldId } from './naming.ts';
import type { World } from './world.ts';

export interface ControlPort {
  readonly listener: Listener;
  /** Listening address. */
  readonly host: string;
  readonly isSecure: boolean;
  readonly worlds: ReadonlyMap<string, World>;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** Returns the path of the inspector with a code, which works once. */
export function serveControl({ listener, host, isSecure, worlds, metrics, log }: ControlPort): () => string {
  const hosts = listControlHosts(host, listener.port);
  const sessions = createSessions({ wallNow, port: listener.port, isSecure, path: INSPECTOR });
  const app = createExpressApp();
  app.get(
    '/metrics',
    serveMetrics(metrics, () => {
      const world = worlds.get(mainWorldId);
      return world && { token: world.controlToken, hosts };
    }),
  );
  const announceChange = () => {
    for (const { inspected } of worlds.values()) inspected.live.announce();
  };
  // The control API and the forms of the inspector change things without a request that the trace has.
  app.use(({ method }, res, next) => {
    if (method !== 'GET') res.once('finish', announceChange);
    next();
  });
  let inspector: Promise<RequestHandler> | undefined;
  const loadInspector = async () =>
    (await import('../inspector/app.ts')).createInspector({
      sessions,
      hosts,
      isSecure,
      controlToken: () => worlds.get(mainWorldId)?.controlToken,
      findWorld: (id = mainWorldId) => worlds.get(id)?.inspected,
      log,
    });
  // The start does not wait for its pages.
  app.use(INSPECTOR, async (req, res, next) => {
    inspector ??= loadInspector();
    (await inspector)(req, res, next);
  });
  app.use('/worlds/:world', (req, res, next) => {
    const world = worlds.get(req.params.world);
    // Only the main world may delete a world.
    const isDeletion = req.method === 'DELETE' && req.path === '/';
    return world && !isDeletion ? world.controlApp(req, res, next) : next();
  });
  app.use((req, res, next) => {
    const world = worlds.get(mainWorldId);
    if (world) return world.controlApp(req, res, next);
    const { status, body } = renderControlProblem(new Problem('not_ready'), '');
    res.status(status).set('Retry-After', '1').json(body);
  });
  listener.serve(app);
  return () => `${INSPECTOR}/?code=${sessions.issueCode()}`;
}
