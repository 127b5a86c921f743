/** JSON of clients and other services (RFC 8259), of bounded depth (§9). */
import type { OutboundResponse } from './outbound.ts';

/** Maximum nesting of objects and arrays. Validators and comparisons are recursive, and depth would exhaust the stack. */
export const MAX_DEPTH = 64;

/** True if a JSON text nests objects and arrays more than MAX_DEPTH levels deep. */
export function isTooDeep(json: string): boolean {
  let [depth, inString] = [0, false];
  for (let at = 0; at < json.length; at += 1) {
    const character = json[at];
    if (inString && character === '\\') at += 1;
    else if (character === '"') inString = !inString;
    else if (inString) continue;
    else if (character === '{' || character === '[') depth += 1;
    else if (character === '}' || character === ']') depth -= 1;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
}

/** Changes a parsed value; `source` is the text of a number, string, boolean or null. */
export type Reviver = (name: string, value: unknown, context: { readonly source?: string }) => unknown;

/** The value of a JSON text, or undefined if it is not JSON or nested too deep. */
export function parseJson(body: Buffer, reviver?: Reviver): unknown {
  const text = body.toString('utf8');
  try {
    // The types of TypeScript do not have the third parameter yet.
    return isTooDeep(text) ? undefined : JSON.parse(text, reviver as (name: string, value: unknown) => unknown);
  } catch {
    return undefined;
  }
}

/** The valid body of an answer with status 200. Throws what `problem` makes of the reason why there is none. */
export function readJson<Body>(
  { status, body }: Pick<OutboundResponse, 'status' | 'body'>,
  isValid: (body: unknown) => body is Body,
  problem: (detail: string) => Error,
  reviver?: Reviver,
): Body {
  if (status !== 200) throw problem(`status ${status}`);
  const value = parseJson(body, reviver);
  if (value === undefined) throw problem('the answer is not JSON');
  if (!isValid(value)) throw problem('the answer does not match the document');
  return value;
}
