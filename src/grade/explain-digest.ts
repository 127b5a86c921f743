/** Finds the mistake behind a Content-Digest that does not match (RFC 9530 §2). */
import { hash } from 'node:crypto';
import { combinedHeader, type ReceivedRequest } from '../http/received-request.ts';
import {
  createContentDigest,
  type DigestAlgorithm,
  hashNames,
  verifyContentDigest,
} from '../http/signatures/content-digest.ts';
import { parseJson } from '../net/read-json.ts';
import type { MistakeName } from './signature-mistakes.ts';

export interface DigestExplanation {
  readonly matches: boolean;
  /** Null if the request has no digest. */
  readonly received: string | null;
  /** With the algorithm that the client used, if it is a known one. */
  readonly expected: string;
  readonly mistake?: MistakeName;
}

/** Undefined for a request with neither body nor digest. */
export function explainDigest(request: ReceivedRequest): DigestExplanation | undefined {
  const received = combinedHeader(request, 'content-digest') ?? null;
  if (received === null && request.body.length === 0) return undefined;
  const expected = createContentDigest(request.body, /^sha-256=/i.test(received ?? '') ? 'sha-256' : 'sha-512');
  const matches = matchesBody(request, request.body);
  const mistake = matches ? undefined : findMistake(request, received);
  return { matches, received, expected, ...(mistake && { mistake }) };
}

const matchesBody = (request: ReceivedRequest, body: Buffer): boolean =>
  verifyContentDigest({ ...request, body }, { digestOfCompactJson: false }).ok;

function findMistake(request: ReceivedRequest, received: string | null): MistakeName | undefined {
  if (received === null) return 'digest-missing';
  return (
    otherBodies(request.body).find(([, body]) => matchesBody(request, Buffer.from(body)))?.[0] ??
    otherFields(request.body).find(([, field]) => field === received)?.[0]
  );
}

type Guess = readonly [MistakeName, string];

function otherBodies(body: Buffer): Guess[] {
  const text = body.toString();
  const lineEnds: Guess[] = [text.trimEnd(), `${text}\n`, `${text}\r\n`, `${text}\0`].map((other) => [
    'digest-of-other-line-end',
    other,
  ]);
  return [...lineEnds, ...otherSerialisations(body), ['digest-of-empty-body', '']];
}

/** Bytes of a body that is serialised anew: indented, it can be much longer. */
const MAX_SERIALISED = 20_000;

/** None for a body that is not JSON, or that is deep: it would be indented by more than it has characters. */
function otherSerialisations(body: Buffer): Guess[] {
  const value = body.length > MAX_SERIALISED ? undefined : parseJson(body);
  if (value === undefined) return [];
  const pretty: Guess[] = [2, 4, '\t', 1].map((indent) => [
    'digest-of-pretty-printed-json',
    JSON.stringify(value, null, indent),
  ]);
  const compact = JSON.stringify(value);
  const other = [
    compact,
    JSON.stringify(sortMembers(value)),
    // The forms of Python, PHP and Go.
    JSON.stringify(value, null, 1).replaceAll(/([,[{]?)\n */g, (_, before) => (before === ',' ? ', ' : before)),
    compact.replaceAll('/', '\\/'),
    compact.replaceAll(/[&<>]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`),
  ];
  const guesses = [...pretty, ...other.map((form): Guess => ['digest-of-other-serialisation', form])];
  return [...guesses, ...guesses.map(([name, form]): Guess => [name, `${form}\n`])];
}

function sortMembers(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortMembers);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, sortMembers(member)]),
  );
}

function otherFields(body: Buffer): Guess[] {
  return (Object.keys(hashNames) as DigestAlgorithm[]).flatMap((algorithm): Guess[] => {
    const digest = hash(hashNames[algorithm], body, 'buffer');
    const [base64, url, hex] = [digest.toString('base64'), digest.toString('base64url'), digest.toString('hex')];
    const other = algorithm === 'sha-512' ? 'sha-256' : 'sha-512';
    const padding = '='.repeat((4 - (url.length % 4)) % 4);
    return [
      ['digest-without-colons', `${algorithm}=${base64}`],
      ['digest-hex', `${algorithm}=:${hex}:`],
      ['digest-hex', `${algorithm}=${hex}`],
      ['digest-hex', `${algorithm}=:${Buffer.from(hex).toString('base64')}:`],
      ['digest-base64url', `${algorithm}=:${url}:`],
      ['digest-base64url', `${algorithm}=:${url}${padding}:`],
      ['digest-of-other-algorithm', `${other}=:${base64}:`],
    ];
  });
}
