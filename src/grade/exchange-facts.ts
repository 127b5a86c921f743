/** Facts about an exchange that several judges need. */
import { headerLines } from '../http/received-request.ts';
import type { RecordedKey } from '../http/recorded-exchange.ts';
import type { GradedExchange } from './graded-exchange.ts';
import { asString, isObject } from './json.ts';

/** A member of an object; undefined for any other value. */
export const memberOf = (value: unknown, name: string): unknown => (isObject(value) ? value[name] : undefined);

export const hasField = ({ request }: GradedExchange, name: string): boolean => headerLines(request, name).length > 0;

export const hasContent = ({ request, isBodyUnread }: GradedExchange): boolean =>
  request.body.length > 0 || isBodyUnread;

/** Pages, which people open in a browser. */
const pages = new Set([
  'start-interaction',
  'finish-interaction',
  'get-consent',
  'post-consent',
  'post-sign-in',
  'post-sign-out',
  'preflight',
]);

export const isSigned = (exchange: GradedExchange): boolean =>
  hasField(exchange, 'signature') || hasField(exchange, 'signature-input');

/** True for requests that must be signed: grant requests, and all that present a token (RFC 9635 §7.3). */
export const mustSign = (exchange: GradedExchange): boolean =>
  !pages.has(exchange.operation) && (exchange.operation === 'post-request' || hasField(exchange, 'authorization'));

/** A signature that nothing demands. */
export const isOptionallySigned = (exchange: GradedExchange): boolean =>
  !pages.has(exchange.operation) && isSigned(exchange) && !mustSign(exchange);

/** The public key with which the signature verifies, exactly or with a common mistake. */
export function signingKeyOf(exchange: GradedExchange): RecordedKey | undefined {
  const { key, signed } = exchange.signature;
  return signed && exchange.keys.find(({ jwk }) => jwk.kid === key?.keyid);
}

/** The code of an error answer of the authorization server, which may be an object or a string (RFC 9635 §3.6). */
export function errorCodeOf({ answer }: GradedExchange): string | undefined {
  const error = memberOf(answer, 'error');
  return asString(error) ?? asString(memberOf(error, 'code'));
}

/** True for an answer after which the same request may be sent again: the server is busy, or the answer was lost. */
export const isRepeatable = (exchange: GradedExchange): boolean =>
  exchange.status === null || exchange.status >= 500 || exchange.status === 429 || errorCodeOf(exchange) === 'too_fast';
