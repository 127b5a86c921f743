/** Hides the secrets of an exchange: each is shown as its first four characters and its length, a short one as its length. */
import { decodePercent, parseQuery, type ReceivedRequest } from '../http/received-request.ts';
import { secretParameters } from '../http/redact.ts';

export interface Masker {
  /** The longest first. */
  readonly secrets: readonly string[];
  /** The text without the secrets of the exchange. */
  text(text: string): string;
  header(name: string, value: string): string;
  /** A signature base, or a variant of one, line by line. */
  base(text: string): string;
  /** JSON without secrets. Undefined for other content, in which secrets cannot be recognised. */
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
    for (const value of secretsOfJson(parseJson(content))) found.add(value);
  }
  for (const segment of request.rawTarget.split(/[/?]/))
    if (secrets.includes(decodePercent(segment))) found.add(segment);
  found.delete('');
  // The longest first: a secret can contain another.
  const ordered = [...found].sort((a, b) => b.length - a.length);

  const text = (shown: string): string => {
    let masked = shown;
    for (const secret of ordered) {
      const isShort = secret.length < MIN_DISTINCT_LENGTH;
      const forms = isShort ? [JSON.stringify(secret)] : [secret, encodeURIComponent(secret), encodeURI(secret)];
      const replacement = isShort ? JSON.stringify(mask(secret)) : mask(secret);
      for (const form of forms) masked = masked.replaceAll(form, () => replacement);
    }
    return masked;
  };
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
      if (parseJson(content) === undefined) return undefined;
      const masked = text(content);
      // A secret that is spelled with escapes would not have been replaced.
      const rest = secretsOfJson(parseJson(masked)).filter((value) => value.length > 0 && found.has(value));
      return rest.length === 0 ? masked : undefined;
    },
  };
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

/** Undefined for text that is not JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

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
