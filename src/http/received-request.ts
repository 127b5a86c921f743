/** One received request, exactly as it came over the wire (RFC 9110 §5.3, RFC 9112 §3.2, RFC 9421 §2.2.2). */
import type { IncomingMessage } from 'node:http';
import { parse as parseForm } from 'node:querystring';

/** A request of Node whose target may change for routing: `url` is what is routed, `originalUrl` what was received. */
export interface ServerRequest extends IncomingMessage {
  url: string;
  originalUrl: string;
}

/** Keeps the target as received; Express does the same for its handlers. */
export function keepTarget(req: IncomingMessage): ServerRequest {
  const kept = req as ServerRequest;
  kept.originalUrl ??= kept.url;
  return kept;
}

export interface ReceivedRequest {
  /** Request method as sent. */
  readonly method: string;
  /** Request target of the request line: path and query, percent-encoding untouched. */
  readonly rawTarget: string;
  /** Configured public origin and `rawTarget`; an empty path is '/' (SIG-20…22). */
  readonly targetUri: string;
  /** Every header line in the order received; names keep their case. */
  readonly rawHeaders: readonly (readonly [name: string, value: string])[];
  /** Content as received; empty when there was none. */
  readonly body: Buffer;
  /** IP address of the client, or of the proxy in front of the listener. */
  readonly remoteAddress?: string | undefined;
  /** It carried the mark of the servers of this world, which is not among its header lines. */
  readonly isFromServer?: true;
}

/**
 * The record of a request received by Node; `url` is the request target before any rewriting. `publicOrigin`
 * (`https://ase.example`, no path) comes from the configuration, never from Host or X-Forwarded-*.
 */
export function receiveRequest(
  req: Pick<IncomingMessage, 'method' | 'url' | 'rawHeaders'>,
  publicOrigin: string,
  body: Buffer,
): ReceivedRequest {
  const rawTarget = req.url ?? '/';
  const rawHeaders: [string, string][] = [];
  for (let i = 0; i + 1 < req.rawHeaders.length; i += 2) rawHeaders.push([req.rawHeaders[i]!, req.rawHeaders[i + 1]!]);
  return {
    method: req.method ?? 'GET',
    rawTarget,
    targetUri: createTargetUri(publicOrigin, rawTarget),
    rawHeaders,
    body,
  };
}

/** Path and query (with its question mark) of a request target in origin-form or absolute-form. */
export function splitTarget(target: string): [path: string, query: string] {
  const absolute = withoutAuthority(target);
  const at = absolute.indexOf('?');
  return at < 0 ? [absolute, ''] : [absolute.slice(0, at), absolute.slice(at)];
}

/** The target with single slashes and none at the end of its path. The authority of absolute-form stays. */
export function withoutSpareSlashes(target: string): string {
  const [path, query] = splitTarget(target);
  const authority = target.slice(0, target.length - path.length - query.length);
  return authority + (path.replaceAll(/\/{2,}/g, '/').replace(/(?<=.)\/$/, '') || '/') + query;
}

/** The text without slashes at its end. */
export function withoutSlashes(text: string): string {
  let end = text.length;
  while (text[end - 1] === '/') end -= 1;
  return text.slice(0, end);
}

/** The text percent-decoded, or as it is if its encoding is malformed. */
export function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The query of a request target by RFC 3986, where a plus is a plus; the value of a repeated name is an array. */
export const parseQuery = (rawTarget: string): Record<string, string | string[] | undefined> => ({
  ...parseForm(splitTarget(rawTarget)[1].slice(1).replaceAll('+', '%2B'), '&', '=', { maxKeys: 0 }),
});

/**
 * Effective request URI (RFC 9421 §2.2.2) from the public origin and a request target that the listener accepted:
 * origin-form, absolute-form, whose authority only selects the public origin, or `*`.
 */
export function createTargetUri(publicOrigin: string, rawTarget: string): string {
  const target = withoutAuthority(rawTarget);
  if (target === '*') return publicOrigin;
  return publicOrigin + (target.startsWith('/') ? target : `/${target}`);
}

const withoutAuthority = (target: string): string =>
  target.startsWith('/') ? target : target.replace(/^https?:\/\/[^/?]*/i, '');

/** The value of each field by its name in lower case; of a repeated field, that of the last line. */
export function headersByName({ rawHeaders }: ReceivedRequest): Record<string, string> {
  // Without a prototype, so that no name is special.
  const headers: Record<string, string> = Object.create(null);
  for (const [name, value] of rawHeaders) headers[name.toLowerCase()] = value;
  return headers;
}

/** Values of all lines of the named field (any case), in order, without the whitespace around them. */
export function headerLines(exchange: ReceivedRequest, name: string): string[] {
  const wanted = name.toLowerCase();
  const lines: string[] = [];
  for (const [field, value] of exchange.rawHeaders) {
    if (field.length === wanted.length && field.toLowerCase() === wanted) lines.push(trimWhitespace(value));
  }
  return lines;
}

/** Without leading and trailing OWS (RFC 9110 §5.6.3); `trim` would also drop characters that belong to the value. */
function trimWhitespace(value: string): string {
  let [start, end] = [0, value.length];
  while (start < end && isWhitespace(value[start])) start += 1;
  while (start < end && isWhitespace(value[end - 1])) end -= 1;
  return value.slice(start, end);
}

const isWhitespace = (character: string | undefined): boolean => character === ' ' || character === '\t';

/** The value of a field that must not be repeated: undefined if it is absent or occurs more than once. */
export function onlyHeaderLine(exchange: ReceivedRequest, name: string): string | undefined {
  const lines = headerLines(exchange, name);
  return lines.length === 1 ? lines[0] : undefined;
}

/** The field's lines joined with ', ' (RFC 9110 §5.3), or undefined when the field is absent. */
export function combinedHeader(exchange: ReceivedRequest, name: string): string | undefined {
  const lines = headerLines(exchange, name);
  return lines.length === 0 ? undefined : lines.join(', ');
}
