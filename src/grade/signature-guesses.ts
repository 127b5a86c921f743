/** The texts that a client with a common mistake signs in place of the signature base (RFC 9421 §2.5). */
import { hash } from 'node:crypto';
import { serializeInnerList } from 'structured-headers';
import { decodePercent, type ReceivedRequest, splitTarget } from '../http/received-request.ts';
import { componentValue } from '../http/signatures/components.ts';
import type { SignatureParameters } from '../http/signatures/signature-input.ts';
import type { MistakeName } from './signature-mistakes.ts';

export interface Base {
  readonly lines: readonly (readonly [component: string, value: string])[];
  readonly params: string;
}

/** Text that a client may have signed, with the mistakes that lead to it. */
export interface Guess {
  readonly mistakes: readonly MistakeName[];
  readonly bytes: Buffer;
}

export interface GuessOptions {
  readonly request: ReceivedRequest;
  readonly base: Base;
  readonly parameters: SignatureParameters;
  /** Origins, other than that of the request, under which the client may know the server. */
  readonly origins: readonly string[];
}

type Edit = readonly [MistakeName, Base];
type Encoding = readonly [MistakeName, (base: Base) => Buffer];

/** Single mistakes first, then pairs of one in the values and one in the form. The caller takes as many as it likes. */
export function* guessSignedTexts(options: GuessOptions): Generator<Guess> {
  const { base, request } = options;
  const edits = listEdits(options);
  const encodings = listEncodings(request);
  for (const [name, edited] of edits) yield { mistakes: [name], bytes: Buffer.from(formatBase(edited)) };
  for (const [name, encode] of encodings) yield { mistakes: [name], bytes: encode(base) };
  for (const [name, edited] of edits) {
    for (const [form, encode] of encodings) yield { mistakes: [name, form], bytes: encode(edited) };
  }
}

function formatBase({ lines, params }: Base): string {
  return [...lines, ['@signature-params', params]].map(([name, value]) => `"${name}": ${value}`).join('\n');
}

/** Without the line of `@signature-params`. */
const withoutLastLine = (text: string): string => text.slice(0, Math.max(0, text.lastIndexOf('\n')));

/** Encodings of a base, from the most to the least common mistake. */
function listEncodings({ rawHeaders }: ReceivedRequest): Encoding[] {
  const asSent = new Map(rawHeaders.map(([name]) => [name.toLowerCase(), name]));
  const lines = (form: (name: string, value: string) => string) => (base: Base) =>
    Buffer.from([...base.lines, ['@signature-params', base.params] as const].map(([n, v]) => form(n, v)).join('\n'));
  const text = (change: (text: string) => string | Buffer) => (base: Base) => Buffer.from(change(formatBase(base)));
  return [
    ['base-hashed-first', text((base) => hash('sha512', base, 'buffer'))],
    ['base-hashed-first', text((base) => hash('sha256', base, 'buffer'))],
    ['base-hashed-first', text((base) => hash('sha512', base, 'hex'))],
    ['base-hashed-first', text((base) => hash('sha256', base, 'hex'))],
    ['trailing-newline', text((base) => `${base}\n`)],
    ['missing-quotes', lines((name, value) => `${name}: ${value}`)],
    ['upper-case-names', lines((name, value) => `"${asSent.get(name) ?? name}": ${value}`)],
    ['upper-case-names', lines((name, value) => `"${name.replaceAll(/\b[a-z]/g, (c) => c.toUpperCase())}": ${value}`)],
    [
      'upper-case-names',
      lines((name, value) => `"${name === '@signature-params' ? name : name.toUpperCase()}": ${value}`),
    ],
    ['missing-space', lines((name, value) => `"${name}":${value}`)],
    ['missing-signature-params', (base) => Buffer.from(withoutLastLine(formatBase(base)))],
    ['carriage-returns', text((base) => base.replaceAll('\n', '\r\n'))],
    ['carriage-returns', text((base) => `${base.replaceAll('\n', '\r\n')}\r\n`)],
  ];
}

function listEdits({ request, base, parameters, origins }: GuessOptions): Edit[] {
  const { lines, params } = base;
  const withValue = (component: string, ...values: string[]): Base[] =>
    values
      .filter((value) => lines.some(([name, before]) => name === component && before !== value))
      .map((value) => ({ ...base, lines: lines.map((line) => (line[0] === component ? [component, value] : line)) }));
  const edits = (name: MistakeName, bases: readonly Base[]): Edit[] => bases.map((each) => [name, each]);
  const lineOf = (component: string) => lines.find(([name]) => name === component)?.[1] ?? '';
  const [contentType, authorization] = [lineOf('content-type'), lineOf('authorization')];
  const token = authorization.replace(/^\S+ +/, '');
  const { targetUri, rawTarget } = request;
  return [
    ...guessTargets(targetUri, origins).flatMap(([name, uri]) => edits(name, withTarget(base, request, uri))),
    ...edits('target-uri-is-request-target', withValue('@target-uri', rawTarget, splitTarget(rawTarget)[0])),
    ...edits('request-target-is-target-uri', withValue('@request-target', targetUri)),
    ...edits('method-lower-case', withValue('@method', request.method.toLowerCase())),
    ...edits('authorization-without-scheme', withValue('authorization', token)),
    ...edits('authorization-other-scheme', withValue('authorization', `Bearer ${token}`, `GNAP ${token}`)),
    ...edits('content-type-other', withValue('content-type', contentType.split(';')[0]!.trim())),
    ...edits(
      'content-type-other',
      withValue('content-type', `${contentType}; charset=utf-8`, `${contentType};charset=utf-8`),
    ),
    ...guessParameters(base, parameters),
    ...lines.map(([left]): Edit => ['component-left-out', { params, lines: lines.filter(([name]) => name !== left) }]),
    ...guessOrders(base),
  ];
}

/** The base for another URL: in all components that derive from it, or in one of them. */
function withTarget({ lines, params }: Base, request: ReceivedRequest, targetUri: string): Base[] {
  if (targetUri === request.targetUri || !URL.canParse(targetUri)) return [];
  const values = lines.map(([name, value]) => {
    const isDerived = ['@target-uri', '@authority', '@scheme', '@path', '@query'].includes(name);
    return isDerived ? componentValue({ ...request, targetUri }, name)! : value;
  });
  const changed = lines.flatMap(([name, value], i) => (value === values[i] ? [] : [name]));
  const sets = changed.length > 1 ? [changed, ...changed.map((name) => [name])] : [changed];
  return sets
    .filter((names) => names.length > 0)
    .map((names) => ({
      lines: lines.map(([name, value], i) => [name, names.includes(name) ? values[i]! : value] as const),
      params,
    }));
}

function guessTargets(targetUri: string, origins: readonly string[]): [MistakeName, string][] {
  const [, origin = '', path = '', query = ''] = /^(\w+:\/\/[^/?]*)([^?]*)(.*)$/s.exec(targetUri) ?? [];
  const scheme = origin.split(':', 1)[0]!;
  const other = scheme === 'https' ? 'http' : 'https';
  const port = scheme === 'https' ? 443 : 80;
  const rest = path + query;
  return [
    ['host-without-port', origin.replace(/:\d+$/, '') + rest],
    ...(/:\d+$/.test(origin) ? [] : [['default-port-added', `${origin}:${port}${rest}`] as [MistakeName, string]]),
    ['slash-appended', `${origin}${path}/${query}`],
    ['slash-removed', `${origin}${path.replace(/\/$/, '')}${query}`],
    ['query-missing', origin + path],
    ['query-decoded', origin + path + decodePercent(query)],
    ['query-decoded', origin + path + decodePercent(query.replaceAll('+', ' '))],
    ['query-encoded-again', origin + path + encodeURI(query)],
    ['path-decoded', origin + decodePercent(path) + query],
    ['other-scheme', other + origin.slice(scheme.length) + rest],
    ['upper-case-host', origin.toUpperCase().replace(/^\w+/, scheme) + rest],
    ...origins.map((each): [MistakeName, string] => ['other-authority', each + rest]),
  ];
}

function unquoteComponents(text: string): string {
  const end = text.indexOf(')');
  return text.slice(0, end).replaceAll('"', '') + text.slice(end);
}

/** Other texts of `@signature-params` for the same components. */
function guessParameters({ lines, params }: Base, parameters: SignatureParameters): Edit[] {
  const order = Array.from(params.matchAll(/; ?([a-z]+)=/g), ([, name]) => name);
  const position = ([name]: readonly [string, unknown]) => order.indexOf(name);
  const known = (Object.entries(parameters) as [string, string | number | undefined][])
    .filter((each): each is [string, string | number] => each[1] !== undefined)
    .sort((a, b) => position(a) - position(b));
  const names = lines.map(([name]) => name);
  const edit = (mistake: MistakeName, values: readonly [string, string | number][], quoted = true): Edit => {
    const text = serializeInnerList([names.map((name) => [name, new Map()]), new Map(values)]);
    return [mistake, { lines, params: quoted ? text : unquoteComponents(text) }];
  };
  const { created } = parameters;
  const isMs = created > 100_000_000_000;
  const others = isMs ? [Math.floor(created / 1000)] : [created * 1000, ...[-2, -1, 1, 2].map((s) => created + s)];
  const withCreated = (value: number): Edit => [
    isMs || value > 100_000_000_000 ? 'created-in-milliseconds' : 'wrong-created',
    // The text as received, so that only this value differs.
    { lines, params: params.replace(`created=${created}`, `created=${value}`) },
  ];
  const all: Edit[] = [
    edit(params.startsWith('("') ? 'parameters-other-text' : 'missing-quotes', known),
    edit('missing-quotes', known, false),
    ...['sig1', 'sig', 'signature'].map(
      (label): Edit => ['label-in-parameters', { lines, params: `${label}=${params}` }],
    ),
    ['parameters-other-text', { lines, params: params.replaceAll(/; */g, '; ') }],
    ['parameters-other-text', { lines, params: params.replaceAll(/; +/g, ';') }],
    ...others.map(withCreated),
    ...known.map(([left]) =>
      edit(
        'parameter-left-out',
        known.filter(([name]) => name !== left),
      ),
    ),
    ...listOrders(known).map((order) => edit('parameter-order', order)),
  ];
  return all.filter(([, { params: text }]) => text !== params);
}

/** The components in another order, in the lines only or also in `@signature-params`. */
function guessOrders({ lines, params }: Base): Edit[] {
  const rest = params.slice(params.indexOf(')') + 1);
  return listOrders(lines).flatMap((order): Edit[] => [
    ['component-order', { lines: order, params }],
    ['component-order', { lines: order, params: `(${order.map(([name]) => `"${name}"`).join(' ')})${rest}` }],
  ]);
}

const MAX_ORDERS = 60;

/** Other orders: sorted, reversed, and those in which one item has moved. All of them, for up to four items. */
function listOrders<T extends readonly [string, unknown]>(items: readonly T[]): T[][] {
  const byName = (a: T, b: T) => (a[0] < b[0] ? -1 : 1);
  const sorted = [...items].sort(byName);
  const orders = [sorted, sorted.toReversed(), items.toReversed()];
  const moved = items.flatMap((item, from) => items.map((_, to) => items.toSpliced(from, 1).toSpliced(to, 0, item)));
  orders.push(...(items.length <= 4 ? permute(items) : moved));
  const key = (order: readonly T[]) => order.map(([name]) => name).join(' ');
  const distinct = new Map(orders.map((order) => [key(order), order]));
  distinct.delete(key(items));
  return [...distinct.values()].slice(0, MAX_ORDERS);
}

function permute<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, i) => permute(items.toSpliced(i, 1)).map((rest) => [item, ...rest]));
}
