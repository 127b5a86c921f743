/** Express applications, for the private and the control port, and routers of servers in them. */
import express, {
  type ErrorRequestHandler,
  type Express,
  type NextFunction,
  type Request,
  type RequestHandler,
  type Response,
} from 'express';
import { withoutSpareSlashes } from './received-request.ts';
import type { ServerRouter } from './router.ts';

/** Without the headers that Express adds by default. */
export const createExpressApp = (): Express => express().disable('x-powered-by').disable('etag');

/**
 * Ignores double and trailing slashes in routing (RS-22, AS-126); `req.originalUrl` keeps the target as sent. The
 * authority of a target in absolute-form stays, because Express counts its characters when it removes a mount path.
 */
export function tolerateSlashes(req: Request, _res: Response, next: NextFunction): void {
  req.url = withoutSpareSlashes(req.url);
  next();
}

/** A server in an Express application; `rejectUnknown` also answers where Express cannot decode the path. */
export const mountServer = (
  router: ServerRouter,
  rejectUnknown: ServerRouter,
): [RequestHandler, ErrorRequestHandler] => [
  (req, res) => router(req, res) ?? rejectUnknown(req, res),
  (_error, req, res, _next) => rejectUnknown(req, res),
];
