/**
 * Tells the requests that the servers of a world send each other from those of clients, so that only these are judged.
 * The mark is a secret in a header field. It is sent to the servers of the world only, and no record shows it.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

const FIELD = 'touchstone-server';

export interface ServerMark {
  /** The mark for requests to an origin. Empty unless a server of the world has this origin. */
  headersFor(origin: string): Readonly<Record<string, string>>;
  /** The header lines without the mark, and whether it was there. A wrong one stays. */
  remove(lines: readonly HeaderLine[]): { readonly lines: readonly HeaderLine[]; readonly isMarked: boolean };
}

type HeaderLine = readonly [name: string, value: string];

/** `origins` are those of the servers of the world. Its processes recognise each other if they have the same secret. */
export function createServerMark(origins: ReadonlySet<string>, secret: string): ServerMark {
  const mark = createHmac('sha256', secret).update('requests between servers').digest('base64url');
  const headers = { [FIELD]: mark };
  const digest = digestOf(mark);
  const isMark = ([name, value]: HeaderLine): boolean =>
    name.length === FIELD.length && name.toLowerCase() === FIELD && timingSafeEqual(digestOf(value), digest);
  return {
    headersFor: (origin) => (origins.has(origin) ? headers : {}),
    remove(lines) {
      const others = lines.filter((line) => !isMark(line));
      return { lines: others, isMarked: others.length < lines.length };
    },
  };
}

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();
