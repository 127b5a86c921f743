/** Hides the secrets of an exchange: each is shown as its first four characters and its length, a short one as its length. */
import { decodePercent, parseQuery, type ReceivedRequest } from '../http/received-request.ts';
import { secretParameters } from '../http/redact.ts';
import { parseJson } from '../net/read-json.ts';
import { createTextFinder, type Region, replaceRegions } from './text-finder.ts';

export interface Masker {
  /** The longest first. */
  readonly secrets: readonly string[];
  /** The text without the secrets of the exchange. */
  text(text: string): string;
  header(name: string, value: string): string;
  /** A signature base, or a variant of one, line by line. */
  base(text: string): string;
  /** JSON without secrets. Undefined for other content and for deep JSON, in which secrets cannot be recognised. */
  json(content: string): string | undefined;
}

export interface MaskedExchange {
  readonly request: ReceivedRequest;
  readonly answer?: { readonly headers: Readonly<Record<string, string>>; readonly body: string } | undefined;
  /** Secrets in the path of the request. */
  readonly secrets?: readonly string[];
}

/** Headers whose values are not secrets, besides those whose names begin as in `isPublic`. */
const publicHeaders = new Set(
  `accept allow cache-control connection date digest dnt host keep-alive link location origin pragma priority retry-after
  signature-input te transfer-encoding upgrade-insecure-requests user-agent vary www-authenticate`.split(/\s+/),
);

function isPublic(header: string): boolean {
  const name = header.toLowerCase();
  return publicHeaders.has(name) || /^(?:accept|access-control|content|sec-fetch|sec-ch)-/.test(name);
}

const secretMembers =
  /^(?:interact_ref|hash|nonce|finish|token|access_token|secret|shared_?secret|passphrase|user_code|d|k)$/i;

/** Shorter secrets are hidden where they are a whole JSON string only, since such a text occurs elsewhere by chance. */
export const MIN_DISTINCT_LENGTH = 6;
/** The first characters of shorter secrets are not shown either. */
const MIN_SHOWN_LENGTH = 12;

export function createMasker({ request, answer, secrets = [] }: MaskedExchange): Masker {
  const found = new Set<string>(secrets);
  for (const [name, value] of request.rawHeaders) {
    if (!isPublic(name) && !/^signature$/i.test(name)) found.add(credentialsOf(value));
  }
  for (const url of [request.rawTarget, answer?.headers['Location'] ?? '']) {
    for (const value of secretsOfQuery(url)) found.add(value);
  }
  for (const content of [request.body.toString(), answer?.body ?? '']) {
    for (const value of secretsOfJson(parseText(content))) found.add(value);
  }
  for (const segment of request.rawTarget.split(/[/?]/))
    if (secrets.includes(decodePercent(segment))) found.add(segment);
  found.delete('');
  // The longest first: a secret can contain another.
  const ordered = [...found].sort((a, b) => b.length - a.length);
  const text = createHider(ordered);
  const header = (name: string, value: string): string => {
    // The form of the field stays visible. The bytes could be replayed.
    if (/^signature$/i.test(name)) return value.replaceAll(/[\w+/-]+/g, (run) => (run.length < 40 ? run : mask(run)));
    if (isPublic(name)) return text(value);
    const credentials = credentialsOf(value);
    return value.slice(0, value.length - credentials.length) + mask(credentials);
  };
  return {
    secrets: ordered,
    text,
    header,
    base: (base) =>
      base
        .split('\n')
        .map((line) => {
          const [, start = '', name = '', value = line] = /^("?([@a-z0-9-]+)"?: ?)(.*)$/is.exec(line) ?? [];
          return start + (name.startsWith('@') ? text(value) : header(name, value));
        })
        .join('\n'),
    json(content) {
      if (parseText(content) === undefined) return undefined;
      const masked = text(content);
      const value = parseText(masked);
      // A secret that is spelled with escapes would not have been replaced.
      const isShown = secretsOfJson(value).some((secret) => secret.length > 0 && found.has(secret));
      return value === undefined || isShown ? undefined : masked;
    },
  };
}

/** Hides the secrets in a text. Hides all of it if too many of them begin alike. */
function createHider(secrets: readonly string[]): (text: string) => string {
  const finder = createTextFinder<string>(MIN_DISTINCT_LENGTH);
  const quoted = new Map<string, string>();
  const forms = new Set<string>();
  for (const secret of secrets) {
    if (secret.length < MIN_DISTINCT_LENGTH) quoted.set(JSON.stringify(secret), JSON.stringify(mask(secret)));
    else {
      const encodable = secret.toWellFormed();
      for (const form of [secret, encodeURIComponent(encodable), encodeURI(encodable)]) forms.add(form);
    }
  }
  // Only a form that is not found can be missing, since all of them differ.
  const isComplete = [...forms].every((form) => finder.add(form, form));
  return (text) => {
    if (!isComplete) return mask(text);
    const withoutShort = quoted.size === 0 ? text : replaceQuoted(text, quoted);
    return replaceRegions(withoutShort, finder.find(withoutShort, 'longest'), mask);
  };
}

/** Escapes make up to six characters of one. */
const MAX_QUOTED_LENGTH = 6 * MIN_DISTINCT_LENGTH;

/** Replaces JSON strings that are short secrets. */
function replaceQuoted(text: string, replacements: ReadonlyMap<string, string>): string {
  const replaced = (part: string): string => replacements.get(part) ?? mask(part);
  return replaceRegions(text, findQuoted(text, replacements), replaced);
}

function* findQuoted(text: string, known: ReadonlyMap<string, string>): Generator<Region> {
  for (let start = text.indexOf('"'); start >= 0; start = text.indexOf('"', start + 1)) {
    // Quotes within the secret are preceded by a backslash.
    let last = start;
    for (let quotes = 0; quotes < MIN_DISTINCT_LENGTH; quotes += 1) {
      last = text.indexOf('"', last + 1);
      if (last < 0 || last - start > MAX_QUOTED_LENGTH) break;
      if (known.has(text.slice(start, last + 1))) yield { start, end: last + 1 };
    }
  }
}

export const mask = (secret: string): string =>
  `${secret.length < MIN_SHOWN_LENGTH ? '' : secret.slice(0, 4)}…(${secret.length})`;

/** The value without its authentication scheme. */
const credentialsOf = (value: string): string => value.replace(/^\w+ +/, '');

/** The values decoded and as they are spelled. */
function secretsOfQuery(url: string): string[] {
  const values = parseQuery(url);
  const spelled = [...url.matchAll(/[?&]([^=&#?]*)=([^&#]*)/g)].map(([, name = '', value = '']) => ({ name, value }));
  return secretParameters.flatMap((secret) => [
    ...[values[secret] ?? []].flat(),
    ...spelled.filter(({ name }) => decodePercent(name) === secret).map(({ value }) => value),
  ]);
}

const parseText = (text: string): unknown => parseJson(Buffer.from(text));

/** Not recursive, because clients can nest values deeper than the stack allows. */
function secretsOfJson(root: unknown): string[] {
  const secrets: string[] = [];
  const pending = [root];
  while (pending.length > 0) {
    const value = pending.pop();
    if (typeof value !== 'object' || value === null) continue;
    for (const [name, member] of Object.entries(value)) {
      if (typeof member === 'string') secrets.push(...secretsOfMember(value, name, member));
      else pending.push(member);
    }
  }
  return secrets;
}

function secretsOfMember(value: object, name: string, member: string): string[] {
  if (name === 'redirect') return [...secretsOfQuery(member), member.split('?')[0]!.split('/').at(-1)!];
  // The value of an access token, in contrast to that of an amount.
  if (name === 'value' && !('assetCode' in value)) return [member];
  return secretMembers.test(name) ? [member] : [];
}
