/**
 * Secrets that a run must never print: tokens, nonces, references, shared secrets and signatures. They are collected as
 * they pass and removed from every line of the report. Each has the name of a shell variable that can replace it.
 */

/** Names of the placeholders for the secret members of a JSON value. */
const secretMembers = new Map([
  ['access_token', 'TOKEN'],
  ['value', 'TOKEN'],
  ['sharedSecret', 'SHARED_SECRET'],
  ['interact_ref', 'INTERACT_REF'],
  ['nonce', 'NONCE'],
  ['finish', 'NONCE'],
  ['hash', 'HASH'],
  ['d', 'PRIVATE_KEY'],
]);
const secretQueries = ['hash', 'interact_ref', 'nonce'];
const DEFAULT_NAME = 'SECRET';
const MIN_LENGTH = 6;
/** Levels of JSON in which secrets are looked for. */
const MAX_DEPTH = 2_000;

/** Text, or the name of a placeholder for a secret. */
export type Piece = { readonly text: string } | { readonly placeholder: string };

export interface Redaction {
  /** Remembers every secret inside a JSON value or a URL. Throws if the value is nested too deeply to look. */
  observe(value: unknown): void;
  /** Remembers one secret. */
  hide(secret: string | undefined, name?: string): void;
  /** The text without any remembered secret. */
  redact(text: string): string;
  /**
   * A function that puts a placeholder for each remembered secret of a text. Different secrets of one name are numbered
   * over all texts that it receives.
   */
  createSplitter(): (text: string) => Piece[];
}

/** True for what checks and answers hold, unlike the secrets of the set-up. */
const isGuess = (name: string): boolean => name === DEFAULT_NAME || [...secretMembers.values()].includes(name);

export function createRedaction(): Redaction {
  const secrets = new Map<string, string>();
  const hide = (secret: string | undefined, name = DEFAULT_NAME): void => {
    // A word such as `unknown`, which a check sends as a token, is in ids of checks too.
    if (!secret || secret.length < MIN_LENGTH || (isGuess(name) && /^[a-z]{1,12}(-[a-z]{1,12})?$/.test(secret))) return;
    if ((secrets.get(secret) ?? DEFAULT_NAME) === DEFAULT_NAME) secrets.set(secret, name);
  };
  const observe = (value: unknown, member?: string, depth = 0): void => {
    if (depth > MAX_DEPTH) throw new Error(`the JSON is nested more than ${MAX_DEPTH} levels deep`);
    if (typeof value === 'string') {
      const name = member === undefined ? undefined : secretMembers.get(member);
      // An amount's `value` is a number in a string, not a secret.
      if (name && !/^(\d+|https?:.*)$/.test(value)) hide(value, name);
      if (/^https?:/.test(value) && URL.canParse(value)) observeUrl(new URL(value), hide);
    } else if (Array.isArray(value)) {
      for (const item of value) observe(item, member, depth + 1);
    } else if (value && typeof value === 'object') {
      for (const [key, item] of Object.entries(value)) observe(item, key, depth + 1);
    }
  };
  /** The longest secret first, because one may contain another. */
  const ordered = (): string[] => [...secrets.keys()].sort((one, other) => other.length - one.length);
  return {
    observe: (value) => observe(value),
    hide,
    redact: (text) => {
      let clean = text;
      for (const secret of ordered()) clean = clean.replaceAll(secret, '[redacted]');
      return clean;
    },
    createSplitter: () => {
      const known = new Map<string, string>();
      return (text) => splitAtSecrets(text, secrets, ordered(), known);
    },
  };
}

/** `known` are the placeholders that were given out before. */
function splitAtSecrets(
  text: string,
  names: ReadonlyMap<string, string>,
  secrets: readonly string[],
  known: Map<string, string>,
): Piece[] {
  const placeholderOf = (secret: string): string => {
    const name = names.get(secret)!;
    const number = [...known.keys()].filter((other) => names.get(other) === name).length + 1;
    const placeholder = known.get(secret) ?? (number === 1 ? name : `${name}_${number}`);
    known.set(secret, placeholder);
    return placeholder;
  };
  const present = secrets.filter((secret) => text.includes(secret));
  const parts = present.length === 0 ? [text] : text.split(new RegExp(`(${present.map(escapePattern).join('|')})`));
  return parts.flatMap((part, index): Piece[] => {
    if (part === '') return [];
    return [index % 2 === 1 ? { placeholder: placeholderOf(part) } : { text: part }];
  });
}

const escapePattern = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

function observeUrl(url: URL, hide: (secret: string, name: string) => void): void {
  for (const name of secretQueries) {
    for (const value of url.searchParams.getAll(name)) hideBoth(value, secretMembers.get(name)!, hide);
  }
  // The front channel carries the AS nonce as a path segment (AS-75).
  const front = /\/interact\/[^/]+\/([^/?]+)/.exec(url.pathname);
  if (front) hideBoth(front[1]!, 'NONCE', hide);
}

function hideBoth(value: string, name: string, hide: (secret: string, name: string) => void): void {
  hide(value, name);
  hide(encodeURIComponent(value), name);
}
