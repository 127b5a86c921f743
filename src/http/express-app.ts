/** Express applications as all listeners use them. */
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import { splitTarget } from './received-request.ts';

/** Without the headers that Express adds by default. */
export const createExpressApp = (): Express => express().disable('x-powered-by').disable('etag');

/**
 * Ignores double and trailing slashes in routing (RS-22, AS-126); `req.originalUrl` keeps the target as sent. The
 * authority of a target in absolute-form stays, because Express counts its characters when it removes a mount path.
 */
export function tolerateSlashes(req: Request, _res: Response, next: NextFunction): void {
  const [path, query] = splitTarget(req.url);
  const authority = req.url.slice(0, req.url.length - path.length - query.length);
  req.url = authority + (path.replaceAll(/\/{2,}/g, '/').replace(/(?<=.)\/$/, '') || '/') + query;
  next();
}
