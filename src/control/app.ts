/** The Express application of the control API, with the private endpoints of each ASE below `/{ase}` (CT-08). */
import type { Express } from 'express';
import { createExpressApp, mountServer, tolerateSlashes } from '../http/express-app.ts';
import { createServerRouter, rejectUnknownPaths } from '../http/router.ts';
import type { ServerContext } from '../http/server.ts';
import type { AdministrationDeps } from './ase-access.ts';
import type { Controls } from './controls.ts';
import { listControlHosts } from './operator.ts';
import { createControlHandlers, createControlServer } from './server.ts';

export interface ControlAppOptions {
  readonly controls: Controls;
  readonly administration: AdministrationDeps;
  readonly token: string;
  /** Published URL of the API. */
  readonly url: string;
  /** Listening address. */
  readonly host: string;
  readonly environment: ServerContext;
  readonly privateAppOf: (ase: string) => Express | undefined;
}

export function createControlApp(options: ControlAppOptions): Express {
  const { controls, administration, token, url, environment } = options;
  const { port } = new URL(url);
  const app = createExpressApp();
  app.use(tolerateSlashes);
  app.use('/:ase', (req, res, next) => {
    const privateApp = options.privateAppOf(req.params.ase);
    return privateApp ? privateApp(req, res, next) : next();
  });
  const handlers = createControlHandlers(controls, administration);
  const server = createControlServer(handlers, token, listControlHosts(options.host, port));
  const bound = { origin: url, cors: false };
  app.use(mountServer(createServerRouter(server, environment, bound), rejectUnknownPaths(server, environment, bound)));
  return app;
}
