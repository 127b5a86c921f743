/**
 * A verifier of GNAP signatures (RFC 9421, RFC 9635 §7.3.1, RFC 9530), written a second time: it only says whether a
 * request is accepted by the letter. Fields are read by one recursive reader; none of the program's code is used.
 */
import { createHash, type KeyObject, verify } from 'node:crypto';

export interface RecordedRequest {
  readonly method: string;
  readonly origin: string;
  readonly target: string;
  readonly headers: readonly (readonly string[])[];
  readonly body: string;
}

type Bare = string | number | boolean | Buffer | { readonly token: string };
type Parameters = Map<string, Bare>;
interface Item {
  readonly value: Bare | Item[];
  readonly parameters: Parameters;
  /** The text of the value with its parameters, as received. */
  readonly raw: string;
}

/** Reads a dictionary (RFC 9651 §4.2.2). Throws on anything else, and where a name occurs twice. */
function readDictionary(text: string): Map<string, Item> {
  let at = 0;
  const fail = (): never => {
    throw new Error(`not a dictionary at ${at}`);
  };
  const match = (expression: RegExp): string => {
    const sticky = new RegExp(expression.source, 'y');
    sticky.lastIndex = at;
    const found = sticky.exec(text)?.[0] ?? fail();
    at += found.length;
    return found;
  };
  const isNext = (character: string) => text[at] === character;
  const accept = (character: string) => isNext(character) && match(/./) !== '';
  const readKey = () => match(/[a-z*][a-z0-9_.*-]*/);
  const readBare = (): Bare => {
    if (isNext('"'))
      return match(/"(?:[ !#-[\]-~]|\\["\\])*"/)
        .slice(1, -1)
        .replaceAll(/\\(.)/g, '$1');
    if (isNext(':')) return Buffer.from(match(/:[A-Za-z0-9+/]*={0,2}:/).slice(1, -1), 'base64');
    if (isNext('?')) return match(/\?[01]/) === '?1';
    if (/[-0-9]/.test(text[at] ?? '')) {
      const number = match(/-?\d{1,15}(?:\.\d{1,3})?/);
      return number.includes('.') ? { token: number } : Number(number);
    }
    return { token: match(/[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*/) };
  };
  const readParameters = (): Parameters => {
    const parameters: Parameters = new Map();
    while (isNext(';')) {
      match(/; */);
      const name = readKey();
      if (parameters.has(name)) fail();
      parameters.set(name, accept('=') ? readBare() : true);
    }
    return parameters;
  };
  const readItem = (): Item => {
    const start = at;
    let value: Bare | Item[];
    if (isNext('(')) {
      const items: Item[] = [];
      match(/\( */);
      while (!isNext(')')) {
        items.push(readItem());
        if (!isNext(')')) match(/ +/);
      }
      match(/\)/);
      value = items;
    } else value = readBare();
    const parameters = readParameters();
    return { value, parameters, raw: text.slice(start, at) };
  };
  const members = new Map<string, Item>();
  match(/ */);
  while (at < text.length) {
    const key = readKey();
    if (members.has(key)) fail();
    members.set(key, accept('=') ? readItem() : { value: true, parameters: readParameters(), raw: '' });
    match(/[ \t]*/);
    if (at < text.length) match(/,[ \t]*(?=.)/);
  }
  return members;
}

const must = (condition: unknown): void => {
  if (!condition) throw new Error('refused');
};

function componentOf(request: RecordedRequest, fields: ReadonlyMap<string, string>, name: string): string {
  const [path, ...query] = request.target.split('?') as [string, ...string[]];
  const target = request.target === '' ? '/' : request.target;
  const [scheme, authority] = request.origin.split('://') as [string, string];
  const derived: Record<string, string> = {
    '@method': request.method,
    '@target-uri': `${request.origin}${target}`,
    '@authority': authority,
    '@scheme': scheme,
    '@path': path === '' ? '/' : path,
    '@query': `?${query.join('?')}`,
    '@request-target': target,
  };
  const value = name.startsWith('@') ? derived[name] : fields.get(name);
  must(name === name.toLowerCase() && value !== undefined);
  return value!;
}

/** At least one digest of a known algorithm, and all of those are right. */
export function hasRightDigest(field: string, body: Buffer): boolean {
  const known = Object.entries({ 'sha-256': 'sha256', 'sha-512': 'sha512' });
  try {
    const digests = readDictionary(field);
    const right = known.flatMap(([name, algorithm]) => {
      const given = digests.get(name)?.value;
      return given === undefined
        ? []
        : [
            createHash(algorithm)
              .update(body)
              .digest()
              .equals(given as Buffer),
          ];
    });
    return (
      right.length > 0 && right.every(Boolean) && [...digests.values()].every(({ value }) => Buffer.isBuffer(value))
    );
  } catch {
    return false;
  }
}

/** True if the request is accepted at `now` (milliseconds). `required` replaces the components that GNAP demands. */
export function isAccepted(
  request: RecordedRequest,
  key: KeyObject,
  now: number,
  required?: readonly string[],
): boolean {
  try {
    const fields = new Map<string, string>();
    for (const [name, value] of request.headers) {
      const before = fields.get(name!.toLowerCase());
      must(before === undefined || name!.toLowerCase() !== 'authorization');
      fields.set(name!.toLowerCase(), before === undefined ? value!.trim() : `${before}, ${value!.trim()}`);
    }
    const [inputText, signatureText] = [fields.get('signature-input'), fields.get('signature')] as [string, string];
    must(inputText.length <= 8192);
    const [inputs, signatures] = [readDictionary(inputText), readDictionary(signatureText)];
    must(
      inputs.size > 0 && inputs.size === signatures.size && [...inputs.keys()].every((label) => signatures.has(label)),
    );
    must([...inputs.values()].every(({ value }) => Array.isArray(value)));
    const withTag = (tag: string | undefined) =>
      [...inputs].filter(([, { parameters }]) => parameters.get('tag') === tag);
    const [chosen = [], untagged] = [withTag('gnap'), withTag(undefined)];
    const candidates = chosen.length > 0 ? chosen : untagged!.length > 0 ? untagged! : [...inputs];
    must(candidates.length === 1);
    const [label, { value, parameters, raw }] = candidates[0]!;
    const {
      created,
      expires = Number.POSITIVE_INFINITY,
      keyid,
      alg = 'ed25519',
      tag = 'gnap',
    } = Object.fromEntries(parameters);
    must(typeof created === 'number' && created * 1000 >= now - 300_000 && created * 1000 <= now + 60_000);
    must(typeof expires === 'number' && expires * 1000 >= now && typeof keyid === 'string' && keyid !== '');
    must(alg === 'ed25519' && tag === 'gnap');
    const items = value as Item[];
    must(items.every((item) => typeof item.value === 'string' && item.parameters.size === 0) && items.length <= 32);
    const names = items.map((item) => item.value as string);
    must(new Set(names).size === names.length);
    const demanded = ['@method', '@target-uri', ...(fields.has('authorization') ? ['authorization'] : [])];
    const all = required ?? [...demanded, ...(request.body === '' ? [] : ['content-digest'])];
    must(all.every((name) => names.includes(name)));
    const digest = fields.get('content-digest');
    must(digest === undefined || hasRightDigest(digest, Buffer.from(request.body)));
    const lines = names.map((name) => `"${name}": ${componentOf(request, fields, name)}`);
    const base = [...lines, `"@signature-params": ${raw}`].join('\n');
    return verify(null, Buffer.from(base), key, signatures.get(label)!.value as Buffer);
  } catch {
    return false;
  }
}
