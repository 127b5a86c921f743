/** The control port of a process: metrics, the control API of the main world, and the others' at `/worlds/{id}`. */

import { listControlHosts } from '../control/operator.ts';
import { renderControlProblem } from '../control/problem.ts';
import { Problem } from '../errors.ts';
import { createExpressApp } from '../http/express-app.ts';
import type { Listener } from '../net/listener.ts';
import { type Metrics, serveMetrics } from './metrics.ts';
import { mainWorldId } from './naming.ts';
import type { World } from './world.ts';

export function serveControl(
  listener: Listener,
  host: string,
  worlds: ReadonlyMap<string, World>,
  metrics: Metrics,
): void {
  const hosts = listControlHosts(host, listener.port);
  const app = createExpressApp();
  app.get(
    '/metrics',
    serveMetrics(metrics, () => {
      const world = worlds.get(mainWorldId);
      return world && { token: world.controlToken, hosts };
    }),
  );
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
}
