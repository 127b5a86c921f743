/**
 * The inspector on the control port: pages of a world, rendered on the server from the data of the control API. They
 * need a session and a known Host, and only their forms change something.
 */
import { parse as parseForm } from 'node:querystring';
import { type Express, type NextFunction, type Request, type Response, Router } from 'express';
import type { Logger } from 'pino';
import { checkControlHost } from '../control/operator.ts';
import { renderControlProblem } from '../control/problem.ts';
import { equalSecrets } from '../crypto/secret-digest.ts';
import { Problem } from '../errors.ts';
import { createExpressApp } from '../http/express-app.ts';
import { readRawBody, WireError } from '../http/raw-body.ts';
import { parseQuery, receiveRequest } from '../http/received-request.ts';
import { isFromOwnPage } from '../identity-provider/form-token.ts';
import { requestedHost } from '../net/request-line.ts';
import { pageHeaders, ROOT, renderAlert, renderPage, renderProblem, renderSignedIn, renderSignIn } from './layout.ts';
import { pageRoutes } from './pages/index.ts';
import type { InspectedWorld, PageContext, Route } from './route.ts';
import { SCRIPT } from './script.ts';
import { hasFormToken, type Session, type Sessions } from './session.ts';
import { STYLE } from './style.ts';

export interface InspectorOptions {
  readonly sessions: Sessions;
  /** Accepted values of Host. */
  readonly hosts: readonly string[];
  readonly isSecure: boolean;
  /** The token of the main world; undefined until it has started. */
  readonly controlToken: () => string | undefined;
  /** The main world without an id. */
  readonly findWorld: (id?: string) => InspectedWorld | undefined;
  readonly log: Logger;
}

const bodyLimits = { limitBytes: 64 * 1024, timeoutMs: 10_000 };
const MAX_FIELDS = 100;
/** Time for verdicts that are due; a page shows the rest the next time. */
const JUDGE_MS = 500;

/** Mount it at `ROOT`. */
export function createInspector(options: InspectorOptions): Express {
  const { sessions, hosts, isSecure } = options;
  const app = createExpressApp();
  app.get('/style.css', (_req, res) => sendFile(res, 'text/css; charset=utf-8', STYLE));
  app.get('/live.js', (_req, res) => sendFile(res, 'text/javascript; charset=utf-8', SCRIPT));
  app.use((req, res, next) => {
    const host = requestedHost({ url: req.originalUrl, headers: req.headers });
    checkControlHost(host, hosts);
    res.locals['origin'] = `${isSecure ? 'https' : 'http'}://${host}`;
    next();
  });
  app.get('/', (req, res) => {
    const { code } = firstValues(parseQuery(req.originalUrl));
    const cookie = code === undefined ? undefined : sessions.redeemCode(code);
    if (cookie !== undefined) return send(res, 200, renderSignedIn(`${ROOT}/requests`), { 'Set-Cookie': cookie });
    if (sessions.find(req.headers.cookie)) return res.redirect(303, `${ROOT}/requests`);
    const reason = 'The inspector shows everything that happens in this world, so it needs a sign-in.';
    send(res, 401, renderSignIn(code === undefined ? reason : 'This link was used before, or it has expired.'));
  });
  app.post('/sign-in', async (req, res) => {
    const { token } = await readForm(req, res);
    const expected = options.controlToken();
    if (expected === undefined || !equalSecrets(token, expected)) {
      return send(res, 401, renderSignIn('This is not the control token of this world.'));
    }
    send(res, 200, renderSignedIn(`${ROOT}/requests`), { 'Set-Cookie': sessions.open() });
  });
  app.post('/sign-out', async (req, res) => {
    const session = sessions.find(req.headers.cookie);
    const form = await readForm(req, res);
    if (session && hasFormToken(session, form['form'])) sessions.close(session);
    send(res, 200, renderSignIn('You are signed out.'));
  });
  // After the consent page of another site, the browser comes without the cookie. The hash proves who sent it.
  app.get(['/pay/:payment/finish', '/worlds/:world/pay/:payment/finish'], (req, res) => {
    const { world, payment } = req.params as { world?: string; payment: string };
    const base = world === undefined ? ROOT : `${ROOT}/worlds/${world}`;
    const returned = new URL(req.originalUrl, 'http://inspector').searchParams;
    if (!options.findWorld(world)?.handPayments.finish(payment, returned)) {
      throw new Problem('not_found', {
        description: 'No payment waits for this consent, or the finish hash is wrong.',
      });
    }
    send(res, 200, renderSignedIn(`${base}/pay/${payment}`));
  });
  const pages = createPages(sessions);
  app.use(
    '/worlds/:world',
    enterWorld(options, ({ world }) => ({ id: world!, base: `${ROOT}/worlds/${world}` })),
    pages,
  );
  app.use(
    enterWorld(options, () => ({ base: ROOT })),
    pages,
  );
  app.use(() => {
    throw new Problem('not_found', { description: 'The inspector has no such page.' });
  });
  app.use(answerProblem(options.log));
  return app;
}

/** Passes on requests with a session; those for pages that need none were answered before. */
function enterWorld(
  { sessions, findWorld }: InspectorOptions,
  read: (params: Record<string, string | undefined>) => { id?: string; base: string },
) {
  return (req: Request, res: Response, next: NextFunction): void => {
    const session = sessions.find(req.headers.cookie);
    if (!session) {
      send(res, 401, renderSignIn('The session has ended, or there was none.'));
      return;
    }
    const { id, base } = read(req.params as Record<string, string>);
    const world = findWorld(id);
    if (!world && id === undefined) throw new Problem('not_ready', { description: 'The world is starting.' });
    if (!world) throw new Problem('not_found', { description: 'The world is unknown.' });
    Object.assign(res.locals, { world, base, session });
    next();
  };
}

function createPages(sessions: Sessions): Router {
  const router = Router();
  router.get('/live', openStream(sessions));
  for (const route of pageRoutes) {
    const answer = (req: Request, res: Response) => serve(route, req, res);
    if (route.method === 'GET') router.get(route.path, answer);
    else router.post(route.path, answer);
  }
  return router;
}

/** The event stream of the world, for its live pages. It ends with the session. */
const openStream = (sessions: Sessions) => (req: Request, res: Response) => {
  const { live } = (res.locals as { world: InspectedWorld }).world;
  const { cookie } = req.headers;
  if (!live.open(res, () => sessions.find(cookie) !== undefined)) {
    throw new Problem('not_ready', { description: 'Too many pages listen.' });
  }
};

async function serve(route: Route, req: Request, res: Response): Promise<void> {
  const { world, base, session, origin } = res.locals as {
    world: InspectedWorld;
    base: string;
    session: Session;
    origin: string;
  };
  const params = req.params as Record<string, string>;
  const context: PageContext = {
    world,
    session,
    base,
    origin,
    params,
    query: firstValues(parseQuery(req.originalUrl)),
  };
  if (route.method === 'GET') {
    await world.controls.judgeFor?.(JUDGE_MS);
    const page = await route.serve(context);
    if ('document' in page) {
      return send(res, 200, page.document, { 'Content-Security-Policy': `${page.policy}; frame-ancestors 'none'` });
    }
    if ('name' in page) {
      const disposition = `attachment; filename="${page.name}"`;
      return send(res, 200, page.content, { 'Content-Type': page.type, 'Content-Disposition': disposition });
    }
    const isLive = req.headers['x-live'] !== undefined;
    const notice = isLive ? undefined : session.notice;
    if (!isLive) session.notice = undefined;
    return send(res, 200, renderPage(context, req.path, page, notice));
  }
  const form = await readForm(req, res);
  if (!hasFormToken(session, form['form'])) throw new Problem('forbidden', { description: 'The form is out of date.' });
  const result = await route.serve(context, form);
  if (!('to' in result)) return send(res, 200, renderPage(context, req.path, result));
  session.notice = result.notice;
  res.redirect(303, base + result.to);
}

/** Throws `forbidden` for a form of another origin. */
async function readForm(req: Request, res: Response): Promise<Record<string, string>> {
  const url = req.originalUrl;
  const exchange = receiveRequest(
    { method: req.method, url, rawHeaders: req.rawHeaders },
    res.locals['origin'],
    Buffer.alloc(0),
  );
  if (!isFromOwnPage(exchange))
    throw new Problem('forbidden', { description: 'The form is not one of this inspector.' });
  const body = await readRawBody(req, bodyLimits);
  return firstValues(parseForm(body.toString(), '&', '=', { maxKeys: MAX_FIELDS }));
}

const firstValues = (parsed: Record<string, string | string[] | undefined>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(parsed).flatMap(([name, value]) => (value === undefined ? [] : [[name, [value].flat()[0]!]])),
  );

function send(res: Response, status: number, page: string, headers: Readonly<Record<string, string>> = {}): void {
  res.status(status).set(pageHeaders).set(headers).send(page);
}

function sendFile(res: Response, type: string, text: string): void {
  res.set({ 'Content-Type': type, 'Cache-Control': 'no-cache', 'X-Content-Type-Options': 'nosniff' }).send(text);
}

const titles: Readonly<Record<number, string>> = {
  400: 'That did not work',
  403: 'Not allowed',
  404: 'Not found',
  409: 'That did not work',
  503: 'Not ready',
};

const answerProblem =
  (log: Logger) =>
  (error: unknown, req: Request, res: Response, _next: NextFunction): void => {
    const problem = toProblem(error);
    const { status, body } = renderControlProblem(problem, '');
    if (status >= 500 && problem.code === 'internal_error') log.error({ err: problem.cause }, 'the inspector failed');
    const { description } = (body as { error: { description: string } }).error;
    const back = req.method === 'POST' ? refererPath(req) : ROOT;
    if (error instanceof WireError) res.set('Connection', 'close');
    const title = titles[status] ?? 'Something went wrong';
    // Inside a world, the navigation stays.
    const { world, base, session } = res.locals as Partial<PageContext>;
    const frame = world && base !== undefined && session ? { world, base, session } : undefined;
    const page = frame && renderPage(frame, req.path, renderAlert(title, description, back));
    send(res, status, page ?? renderProblem(title, description, back));
  };

function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof WireError) return new Problem('invalid_request', { description: error.message });
  // An Express error: a path that cannot be decoded.
  if (error instanceof URIError) return new Problem('not_found');
  return new Problem('internal_error', { cause: error });
}

/** The page with the form, if it is one of this inspector. */
function refererPath(req: Request): string {
  const referer = URL.parse(req.headers.referer ?? '');
  return referer?.pathname.startsWith(`${ROOT}/`) ? referer.pathname + referer.search : ROOT;
}
