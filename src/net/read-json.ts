/** Answers of other services in JSON (RFC 8259). */
import type { OutboundResponse } from './outbound.ts';

/** The value of a JSON text, or undefined if it is not JSON. */
export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** The valid body of an answer with status 200. Throws what `problem` makes of the reason why there is none. */
export function readJson<Body>(
  { status, body }: Pick<OutboundResponse, 'status' | 'body'>,
  isValid: (body: unknown) => body is Body,
  problem: (detail: string) => Error,
): Body {
  if (status !== 200) throw problem(`status ${status}`);
  const value = parseJson(body);
  if (value === undefined) throw problem('the answer is not JSON');
  if (!isValid(value)) throw problem('the answer does not match the document');
  return value;
}
