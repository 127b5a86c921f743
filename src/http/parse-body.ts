/** Parses the body of a request: JSON (RFC 8259) or a form. */
import { isTooDeep, MAX_DEPTH } from '../net/read-json.ts';
import { headerLines, type ReceivedRequest } from './received-request.ts';

/** Placeholder for a body that is not usable JSON, reported by the validation. The parser's message would quote the body. */
export class Malformed {
  readonly description: string | undefined;
  constructor(description?: string) {
    this.description = description;
  }
}

/** JSON must not begin with a byte order mark (RFC 8259 §8.1). */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The body of a request, by its Content-Type; undefined if it is empty. */
export function parseBody(exchange: ReceivedRequest): unknown {
  if (exchange.body.length === 0) return undefined;
  const contentType = headerLines(exchange, 'content-type')[0] ?? '';
  if (/^application\/x-www-form-urlencoded\b/i.test(contentType)) {
    const form = new URLSearchParams(exchange.body.toString('utf8'));
    const fields = Object.fromEntries(form);
    return Object.keys(fields).length === form.size ? fields : new Malformed();
  }
  try {
    const text = utf8.decode(exchange.body);
    if (isTooDeep(text)) return new Malformed(`the body is nested more than ${MAX_DEPTH} levels deep`);
    return JSON.parse(text);
  } catch {
    return new Malformed();
  }
}
