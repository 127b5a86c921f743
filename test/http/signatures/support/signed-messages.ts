/** Signed requests of any shape for property tests, made and read without the verifier's code: RFC 9421 §2.5, §3.1. */

import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { anyCharacter } from '../../../../conformance/generators/any-character.ts';
import { signatureBase } from '../../../../conformance/steps/message-signature.ts';
import { type ReceivedRequest, receiveRequest } from '../../../../src/http/received-request.ts';
import fc from '../../../support/fast-check.ts';

export const { privateKey, publicKey } = generateKeyPairSync('ed25519');
export const now = 1_700_000_000_000;
const origin = 'https://ase.example:8443';

export type Line = readonly [name: string, value: string];
export type Form = 'rfc' | 'php' | 'rust';

export interface SignedMessage {
  readonly form: Form;
  readonly label: string;
  readonly components: readonly string[];
  /** The text that was signed. */
  readonly base: string;
  readonly signature: Buffer;
  readonly exchange: ReceivedRequest;
}

/** The request with its fields, as the verifier gets it. */
export function exchangeOf(method: string, url: string, lines: readonly Line[], body: Buffer): ReceivedRequest {
  return receiveRequest({ method, url, rawHeaders: lines.flat() }, origin, body);
}

/** The base that a message has for these components and parameters, by the code of the conformance checks. */
export function baseOf(exchange: ReceivedRequest, components: readonly string[], parameters: string): string {
  const { method, rawHeaders } = exchange;
  return signatureBase(
    { method, url: exchange.targetUri, headers: rawHeaders, body: undefined },
    rawHeaders,
    components,
    parameters,
  );
}

const digestOf = (algorithm: string, body: Buffer): string =>
  `${algorithm}=:${createHash(algorithm.replace('-', '')).update(body).digest('base64')}:`;

const token = fc.stringMatching(/^[A-Za-z0-9._~-]{1,24}$/);
const segment = fc.stringMatching(/^([a-z0-9._~-]|%2F|%2f|%20|%C3%BC){1,8}$/);
const target = fc
  .tuple(
    fc.array(segment, { maxLength: 3 }),
    fc.constantFrom('', '/'),
    fc.option(fc.stringMatching(/^([a-z0-9=&:/?]|%3A|%2f|%20){0,16}$/)),
  )
  .map(([segments, slash, query]) => `/${segments.join('/')}${slash}${query === null ? '' : `?${query}`}`);
const value = fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/);
const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;

const draft = fc.record({
  form: fc.constantFrom<Form>('rfc', 'rfc', 'php', 'rust'),
  method: fc.constantFrom('GET', 'POST', 'DELETE', 'PUT'),
  target,
  token: fc.option(token),
  body: fc.oneof(fc.constant(''), fc.json(), fc.string({ unit: anyCharacter, minLength: 1, maxLength: 40 })),
  digests: fc.constantFrom(['sha-512'], ['sha-256'], ['sha-256', 'sha-512'], ['md5', 'sha-512']),
  further: fc.uniqueArray(
    fc.constantFrom('@authority', '@scheme', '@path', '@query', '@request-target', 'x-list', 'date', 'accept', 'host'),
  ),
  list: fc.array(value, { minLength: 1, maxLength: 3 }),
  label: fc.constantFrom('sig1', 'sig1', 'foo', '*x', 'a.b-c'),
  keyid: value,
  parameters: fc.uniqueArray(fc.constantFrom('nonce', 'expires', 'alg', 'tag')),
  proxy: fc.boolean(),
  order: fc.infiniteStream(fc.nat()),
});

/** Signed as a client may: any components that must and may be covered, any parameters, in any order. */
export const signedMessage: fc.Arbitrary<SignedMessage> = draft.map((made): SignedMessage => {
  const { form, method, further, list, order } = made;
  const shuffle = <T>(items: readonly T[]): T[] =>
    items
      .map((item) => [order.next().value, item] as const)
      .sort((a, b) => a[0] - b[0])
      .map(([, item]) => item);
  const body = Buffer.from(made.body);
  const fields: Line[] = [
    ['Host', 'ase.example'],
    ['Date', 'Tue, 20 Apr 2021 02:07:55 GMT'],
    ['ACCEPT', ' application/json '],
    ...list.map((item, index): Line => [index % 2 ? 'X-List' : 'x-list', item]),
    ...(made.token === null ? [] : [['Authorization', `GNAP ${made.token}`] as const]),
    ...(body.length === 0 ? [] : [['Content-Digest', digestsOf(made.digests, body)] as const]),
  ];
  const components = shuffle([
    '@method',
    '@target-uri',
    ...(made.token === null ? [] : ['authorization']),
    ...(body.length === 0 ? [] : ['content-digest']),
    ...further,
  ]);
  const known: Record<string, string> = {
    nonce: '"n-1"',
    expires: String(now / 1000 + 60),
    alg: '"ed25519"',
    tag: '"gnap"',
  };
  const parameters = shuffle([
    `;created=${now / 1000 - 2}`,
    `;keyid=${quoted(made.keyid)}`,
    ...made.parameters.map((name) => `;${name}=${known[name]}`),
  ]).join('');
  const named = form === 'rust' ? components : components.map((name) => `"${name}"`);
  const text = `(${named.join(' ')})${parameters}`;
  const unsigned = exchangeOf(method, made.target, fields, body);
  const base = baseOf(unsigned, components, text);
  const signature = sign(null, Buffer.from(base), privateKey);
  const encoded = signature.toString('base64');
  const proxy = made.proxy && form === 'rfc' && made.label === 'sig1';
  const input = `${proxy ? 'proxy=("@method");created=1;keyid="p";tag="proxy", ' : ''}${made.label}=${text}`;
  const wire = { rfc: `${made.label}=:${encoded}:`, php: `${made.label}=${encoded}`, rust: encoded }[form];
  const rawHeaders = shuffle<Line[]>([
    ...groupByName(fields),
    [['Signature-Input', input]],
    [['Signature', `${proxy ? 'proxy=:AAAA:, ' : ''}${wire}`]],
  ]).flat();
  return { form, label: made.label, components, base, signature, exchange: { ...unsigned, rawHeaders } };
});

function digestsOf(algorithms: readonly string[], body: Buffer): string {
  return algorithms.map((name) => (name === 'md5' ? 'md5=:AAAA:' : digestOf(name, body))).join(', ');
}

/** Lines of one name stay in their order: it counts. */
const groupByName = (lines: readonly Line[]): Line[][] =>
  Object.values(Object.groupBy(lines, ([name]) => name.toLowerCase())).map((group) => [...group!]);

/**
 * The claim of a message about what it signs, read by hand from its label's text: components and parameters; undefined if that
 * text cannot be found. Understands quoted and unquoted lists.
 */
export function claimOf(
  exchange: ReceivedRequest,
  label: string,
): { components: string[]; parameters: string } | undefined {
  const field = exchange.rawHeaders
    .filter(([name]) => name.toLowerCase() === 'signature-input')
    .map(([, text]) => text.trim())
    .join(', ');
  let quote = false;
  let start: number | undefined;
  let memberStart = 0;
  const found: string[] = [];
  for (let i = 0; i <= field.length; i += 1) {
    const character = field[i];
    if (quote && character === '\\') i += 1;
    else if (character === '"') quote = !quote;
    else if (!quote && (character === ',' || character === undefined)) {
      if (start !== undefined && field.slice(memberStart, start).trim() === label) {
        found.push(field.slice(start + 1, i).trimEnd());
      }
      memberStart = i + 1;
      start = undefined;
    } else if (!quote && character === '=' && start === undefined) start = i;
  }
  const [parameters] = found;
  if (found.length !== 1 || parameters === undefined) return undefined;
  const close = parameters.indexOf(')');
  const names = parameters
    .slice(1, close)
    .split(' ')
    .filter((name) => name !== '');
  return { components: names.map((name) => name.replaceAll('"', '')), parameters };
}

/** True if each known digest of the message is that of its body, by these hashes alone. */
export function digestsAreRight(exchange: ReceivedRequest, ofCompactJson: boolean): boolean {
  const field = exchange.rawHeaders
    .filter(([name]) => name.toLowerCase() === 'content-digest')
    .map(([, text]) => text)
    .join(', ');
  const claims = [...field.matchAll(/(sha-256|sha-512)=:([^:]*):/g)];
  const right = (bytes: Buffer): boolean =>
    claims.every(([, name, digest]) =>
      Buffer.from(digest!, 'base64').equals(createHash(name!.replace('-', '')).update(bytes).digest()),
    );
  if (exchange.body.length === 0 && field === '') return true;
  if (claims.length === 0) return false;
  return right(exchange.body) || (ofCompactJson && right(compactJson(exchange.body)));
}

function compactJson(body: Buffer): Buffer {
  try {
    return Buffer.from(JSON.stringify(JSON.parse(body.toString())));
  } catch {
    return body;
  }
}
