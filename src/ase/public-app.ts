/** The public app of one listener: servers of an ASE below their paths, health checks, and ILP-over-HTTP. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { AseInterceptor } from '../http/interceptor.ts';
import { keepTarget, type ServerRequest, splitTarget, withoutSpareSlashes } from '../http/received-request.ts';
import type { ServerRouter } from '../http/router.ts';
import { sendReply } from '../http/send-reply.ts';
import type { NotReady } from './readiness.ts';

export interface Mounted {
  /** Base URLs. Only their paths matter here. */
  readonly urls: readonly string[];
  /** Tried in this order. */
  readonly routers: readonly ServerRouter[];
}

export interface PublicAppOptions {
  /** Servers that share a path are tried in this order. */
  readonly mounted: readonly Mounted[];
  /** Undefined if the ASE is ready. */
  readonly whyNotReady: () => Promise<NotReady | undefined>;
  /** Handler of ILP-over-HTTP. Undefined if this listener takes no packets. */
  readonly answerPacket: ((req: IncomingMessage, res: ServerResponse) => unknown) | undefined;
  readonly route: AseInterceptor['route'] | undefined;
  /** For a path outside all servers. */
  readonly answerNotFound: ServerRouter;
  readonly log: Pick<Logger, 'error'>;
}

/** True for the base path, without a slash at its end, and all paths below it. */
const isBelow = (path: string, base: string): boolean => path.startsWith(base) && (path[base.length] ?? '/') === '/';

/** The routers with their base paths in lower case. Longer paths first, so that a shorter one does not hide them. */
const listByBase = (mounted: readonly Mounted[]): { readonly base: string; readonly answer: ServerRouter }[] =>
  mounted
    .flatMap(({ urls, routers }) => {
      const bases = new Set(urls.map((url) => new URL(url).pathname.replace(/\/$/, '').toLowerCase()));
      return [...bases].flatMap((base) => routers.map((answer) => ({ base, answer })));
    })
    .toSorted((a, b) => b.base.length - a.base.length);

/** Case does not matter in the paths of servers, nor do slashes too many (RS-22, AS-126). */
export function createPublicApp(options: PublicAppOptions): RequestListener {
  const { whyNotReady, answerPacket, route, answerNotFound, log } = options;
  const byBase = listByBase(options.mounted);

  async function answerReadiness(res: ServerResponse): Promise<void> {
    const reason = await whyNotReady();
    if (reason === undefined) return void res.end();
    const body = { ready: false, reason };
    await sendReply(res, { status: 503, body }, { 'Retry-After': '1', 'Cache-Control': 'no-store' });
  }

  async function answer(req: ServerRequest, res: ServerResponse): Promise<unknown> {
    const [path, query] = splitTarget(withoutSpareSlashes(route ? route(req) : req.url));
    const lowerCase = path.toLowerCase();
    const isRead = req.method === 'GET' || req.method === 'HEAD';
    if (isRead && lowerCase === '/livez') return res.end();
    if (isRead && lowerCase === '/readyz') return answerReadiness(res);
    if (answerPacket && isBelow(lowerCase, '/ilp')) {
      req.url = req.originalUrl;
      return answerPacket(req, res);
    }
    for (const { base, answer } of byBase) {
      if (!isBelow(lowerCase, base)) continue;
      req.url = (path.slice(base.length) || '/') + query;
      const answered = answer(req, res);
      if (answered) return answered;
    }
    return answerNotFound(req, res);
  }

  return (req, res) => {
    answer(keepTarget(req), res).catch((error: unknown) => {
      log.error({ err: error }, 'not answered');
      if (!res.headersSent) res.statusCode = 500;
      res.end();
    });
  };
}
