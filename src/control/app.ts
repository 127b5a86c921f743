/** The control API of a world as Express sees it, with what is private of its ASEs below their names (CT-08). */
import express, { type Express } from 'express';
import type { ServerContext } from '../http/pipeline.ts';
import { createServerRouter, keepRawTarget, rejectUnknownPaths } from '../http/router.ts';
import type { AdministrationDeps } from './administration.ts';
import { type Controls, createControlServer } from './server.ts';

export interface ControlAppOptions {
  readonly controls: Controls;
  readonly administration: AdministrationDeps;
  readonly token: string;
  /** Where the API is. */
  readonly url: string;
  /** Address it listens on. */
  readonly host: string;
  readonly environment: ServerContext;
  readonly privateAppOf: (ase: string) => Express | undefined;
}

export function createControlApp(options: ControlAppOptions): Express {
  const { controls, administration, token, url, environment } = options;
  const { port } = new URL(url);
  const hosts = [options.host, 'localhost', '127.0.0.1'].map((name) => `${name}:${port}`);
  const app = express().disable('x-powered-by').disable('etag');
  app.use(keepRawTarget);
  app.use('/:ase', (req, res, next) => {
    const privateApp = options.privateAppOf(req.params.ase);
    return privateApp ? privateApp(req, res, next) : next();
  });
  const server = createControlServer(controls, administration, token, hosts);
  const bound = { origin: url, cors: false };
  app.use(createServerRouter(server, environment, bound), ...rejectUnknownPaths(server, environment, bound));
  return app;
}
