/** One received request, exactly as it came over the wire (RFC 9110 §5.3, RFC 9112 §3.2, RFC 9421 §2.2.2). */
import type { IncomingMessage } from 'node:http';

export interface ReceivedRequest {
  /** Request method as sent. */
  readonly method: string;
  /** Request target of the request line: path and query, percent-encoding untouched. */
  readonly rawTarget: string;
  /** Configured public origin and `rawTarget`; an empty path is '/', a fragment is dropped (SIG-20…22). */
  readonly targetUri: string;
  /** Every header line in the order received; names keep their case. */
  readonly rawHeaders: readonly (readonly [name: string, value: string])[];
  /** Content as received; empty when there was none. */
  readonly body: Buffer;
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

/**
 * Effective request URI (RFC 9421 §2.2.2) from the public origin and a request target in origin-form or, as proxies
 * send it, absolute-form, whose authority is ignored.
 */
export function createTargetUri(publicOrigin: string, rawTarget: string): string {
  let target = withoutAuthority(rawTarget);
  const fragment = target.indexOf('#');
  if (fragment >= 0) target = target.slice(0, fragment);
  if (!target.startsWith('/')) target = target === '*' ? '' : '/' + target;
  return publicOrigin + target;
}

const withoutAuthority = (target: string): string => target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '');

/** Values of all lines of the named field (any case), in order, without the whitespace around them. */
export function headerLines(exchange: ReceivedRequest, name: string): string[] {
  const wanted = name.toLowerCase();
  const lines: string[] = [];
  for (const [field, value] of exchange.rawHeaders) {
    if (field.length === wanted.length && field.toLowerCase() === wanted) lines.push(value.trim());
  }
  return lines;
}

/** The field's lines joined with ', ' (RFC 9110 §5.3), or undefined when the field is absent. */
export function combinedHeader(exchange: ReceivedRequest, name: string): string | undefined {
  const lines = headerLines(exchange, name);
  return lines.length === 0 ? undefined : lines.join(', ');
}
