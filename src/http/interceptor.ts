/**
 * Interceptors of a world for tests: each can rewrite the answer to any call, and give things other names on the wire.
 * No handler knows of them.
 */
import type { IncomingMessage } from 'node:http';
import { requestedHost } from '../net/request-line.ts';
import { Malformed, parseBody } from './parse-body.ts';
import {
  createTargetUri,
  decodePercent,
  headerLines,
  type ReceivedRequest,
  type ServerRequest,
  splitTarget,
} from './received-request.ts';
import type { Answer } from './reply.ts';

/** A call as an interceptor sees it: as it was received, before anything of it is checked. */
export interface InterceptedCall {
  readonly ase: string;
  readonly operation: string;
  /** Values of the parameters of its path. */
  readonly params: Readonly<Record<string, string>>;
  readonly exchange: ReceivedRequest;
  /** Its URL by the real name. */
  readonly url: string;
  /** From `Authorization: GNAP …`. */
  readonly token: string | undefined;
  /** Its content, if that is JSON. */
  readonly body: unknown;
}

/** A request before its operation is known. */
export type RoutedRequest = Pick<IncomingMessage, 'method' | 'headers'>;

export interface Interceptor {
  /** The answer to a call. `next` gives the usual one, which can be an error. */
  answer?(call: InterceptedCall, next: () => Promise<Answer>): Promise<Answer>;
  /** The real name of a token, cursor, URL or other text of a request. */
  resolve?(text: string): string | undefined;
  /** The real URL of a request. Called with every request, also with those for none of the operations. */
  route?(url: string, request: RoutedRequest): string | undefined;
}

/** The interceptors as the servers of one ASE use them. */
export interface AseInterceptor {
  answer(call: Omit<InterceptedCall, 'ase' | 'url' | 'token' | 'body'>, next: () => Promise<Answer>): Promise<Answer>;
  /** Resolves every text in a JSON value. */
  resolve<T>(value: T): T;
  /** The target by which the request is routed: the real one, of a URL that was renamed. */
  route(req: ServerRequest): string;
  /** The request with the real names in its target, for handlers that read it there. */
  resolveTarget(exchange: ReceivedRequest): ReceivedRequest;
}

export interface Interceptors {
  /** Returns a function that removes it. Later ones see the answers of earlier ones. */
  add(interceptor: Interceptor): () => void;
  at(ase: string): AseInterceptor;
}

export function createInterceptors(): Interceptors {
  let all: readonly Interceptor[] = [];
  // Kept apart, so that a world without them loses no time.
  let routing: readonly Required<Pick<Interceptor, 'route'>>[] = [];
  let answering: readonly Required<Pick<Interceptor, 'answer'>>[] = [];
  let resolving: readonly Required<Pick<Interceptor, 'resolve'>>[] = [];
  const replaceAll = (interceptors: readonly Interceptor[]): void => {
    all = interceptors;
    routing = all.filter((each): each is Required<Pick<Interceptor, 'route'>> => each.route !== undefined);
    answering = all.filter((each): each is Required<Pick<Interceptor, 'answer'>> => each.answer !== undefined);
    resolving = all.filter((each): each is Required<Pick<Interceptor, 'resolve'>> => each.resolve !== undefined);
  };
  const resolveText = (text: string): string =>
    resolving.reduceRight((resolved, interceptor) => interceptor.resolve(resolved) ?? resolved, text);
  const resolve = (value: unknown): unknown => {
    if (typeof value === 'string') return resolveText(value);
    if (Array.isArray(value)) return value.map(resolve);
    if (typeof value !== 'object' || value === null || value instanceof Malformed) return value;
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, resolve(member)]));
  };
  const resolveTarget = (exchange: ReceivedRequest): ReceivedRequest => {
    const { origin } = new URL(exchange.targetUri);
    const [path, query] = splitTarget(resolveText(exchange.targetUri).slice(origin.length));
    const resolved = query.replaceAll(/(?<==)[^&]*/g, (value) => {
      const name = decodePercent(value);
      const real = resolveText(name);
      return real === name ? value : encodeURIComponent(real);
    });
    return { ...exchange, rawTarget: path + resolved, targetUri: origin + path + resolved };
  };
  return {
    add(interceptor) {
      replaceAll([...all, interceptor]);
      return () => replaceAll(all.filter((each) => each !== interceptor));
    },
    at: (ase) => ({
      answer(call, next) {
        // Calls between servers are not those of a client.
        const isJudged = answering.length > 0 && !call.exchange.isFromServer;
        if (!isJudged) return next();
        const { exchange } = call;
        const url = resolveText(exchange.targetUri);
        const intercepted = { ...call, ase, url, token: tokenOf(exchange), body: jsonOf(exchange) };
        return answering.reduce((inner, interceptor) => () => interceptor.answer(intercepted, inner), next)();
      },
      resolveTarget: (exchange) => (resolving.length === 0 ? exchange : resolveTarget(exchange)),
      resolve: <T>(value: T) => (resolving.length === 0 ? value : (resolve(value) as T)),
      route(req) {
        const scheme = 'encrypted' in req.socket ? 'https' : 'http';
        const url = routing.length === 0 ? '' : createTargetUri(`${scheme}://${requestedHost(req)}`, req.url);
        if (!URL.canParse(url)) return req.url;
        const real = routing.reduceRight((resolved, each) => each.route(resolved, req) ?? resolved, url);
        return real === url ? req.url : new URL(real).pathname + new URL(real).search;
      },
    }),
  };
}

const tokenOf = (exchange: ReceivedRequest): string | undefined =>
  /^GNAP +(\S+)$/i.exec(headerLines(exchange, 'authorization')[0] ?? '')?.[1];

function jsonOf(exchange: ReceivedRequest): unknown {
  const body = parseBody(exchange);
  return body instanceof Malformed ? undefined : body;
}
