/**
 * Secrets that a run must never print: tokens, nonces, references, shared secrets and signatures. They are collected as
 * they pass and removed from every line of the report.
 */

const secretMembers = new Set([
  'access_token',
  'sharedSecret',
  'interact_ref',
  'nonce',
  'finish',
  'hash',
  'value',
  'd',
]);
const secretQueries = ['hash', 'interact_ref', 'nonce'];

export interface Redaction {
  /** Remembers every secret inside a JSON value or a URL. */
  observe(value: unknown): void;
  /** Remembers one secret. */
  hide(secret: string | undefined): void;
  /** The text without any remembered secret. */
  redact(text: string): string;
}

export function createRedaction(): Redaction {
  const secrets = new Set<string>();
  const hide = (secret: string | undefined): void => {
    if (secret && secret.length >= 6) secrets.add(secret);
  };
  const observe = (value: unknown, member?: string): void => {
    if (typeof value === 'string') {
      // An amount's `value` is a number in a string, not a secret.
      if (member && secretMembers.has(member) && !/^(\d+|https?:.*)$/.test(value)) hide(value);
      if (/^https?:/.test(value) && URL.canParse(value)) observeUrl(new URL(value), hide);
    } else if (Array.isArray(value)) {
      for (const item of value) observe(item, member);
    } else if (value && typeof value === 'object') {
      for (const [key, item] of Object.entries(value)) observe(item, key);
    }
  };
  return {
    observe: (value) => observe(value),
    hide,
    redact: (text) => {
      let clean = text;
      for (const secret of [...secrets].sort((a, b) => b.length - a.length))
        clean = clean.replaceAll(secret, '[redacted]');
      return clean;
    },
  };
}

function observeUrl(url: URL, hide: (secret: string) => void): void {
  for (const name of secretQueries) for (const value of url.searchParams.getAll(name)) hideBoth(value, hide);
  // The front channel carries the AS nonce as a path segment (AS-75).
  const front = /\/interact\/[^/]+\/([^/?]+)/.exec(url.pathname);
  if (front) hideBoth(front[1]!, hide);
}

function hideBoth(value: string, hide: (secret: string) => void): void {
  hide(value);
  hide(encodeURIComponent(value));
}
