/** Content-Digest over the received bytes: RFC 9530 §2 (SIG-05 to SIG-09, SIG-N02). */
import { hash } from 'node:crypto';
import type { WireSwitches } from '../../profile.ts';
import { combinedHeader, type ReceivedRequest } from '../received-request.ts';
import { parseDictionary } from './structured-fields.ts';
import { refusal, type Verdict } from './verdict.ts';

/** Names of the known algorithms in Node. */
export const hashNames = { 'sha-512': 'sha512', 'sha-256': 'sha256' } as const;

export type DigestAlgorithm = keyof typeof hashNames;

const isKnown = (algorithm: string): algorithm is DigestAlgorithm => Object.hasOwn(hashNames, algorithm);

/**
 * Checks Content-Digest against the body. Every digest of a known algorithm must match; unknown ones are passed over,
 * but one must be known. Without a body the field may be absent, and present it must be the digest of zero bytes.
 * Whether the field is covered by the signature is not judged here.
 */
export function verifyContentDigest(
  exchange: ReceivedRequest,
  switches: Pick<WireSwitches, 'digestOfCompactJson'>,
): Verdict {
  const field = combinedHeader(exchange, 'content-digest');
  if (field === undefined) {
    return exchange.body.length === 0
      ? { ok: true, lenient: [] }
      : refusal('digest_missing', 'the request has a body but no Content-Digest');
  }
  const dictionary = parseDictionary(field);
  if (!dictionary.ok) return refusal('digest_malformed', `Content-Digest: ${dictionary.detail}`);

  const claimed: { algorithm: string; hashName: string; digest: Buffer }[] = [];
  for (const { key, value } of dictionary.members) {
    if (!isKnown(key)) continue;
    if (!('bare' in value) || value.bare.type !== 'bytes') {
      return refusal('digest_malformed', `${key} is not a byte sequence`);
    }
    claimed.push({ algorithm: key, hashName: hashNames[key], digest: value.bare.value });
  }
  if (claimed.length === 0) return refusal('digest_unsupported', 'Content-Digest names neither sha-512 nor sha-256');

  const mismatch = claimed.find(({ hashName, digest }) => !digest.equals(hash(hashName, exchange.body, 'buffer')));
  if (mismatch === undefined) return { ok: true, lenient: [] };

  const compact = switches.digestOfCompactJson ? serializeCompactJson(exchange.body) : undefined;
  if (compact && claimed.every(({ hashName, digest }) => digest.equals(hash(hashName, compact, 'buffer')))) {
    return { ok: true, lenient: ['digest_of_compact_json'] };
  }
  return refusal(
    'digest_mismatch',
    `${mismatch.algorithm} is not the digest of the ${exchange.body.length} bytes received`,
  );
}

/** Value of the field Content-Digest for a body. */
export const createContentDigest = (body: Buffer | string, algorithm: DigestAlgorithm = 'sha-512'): string =>
  `${algorithm}=:${hash(hashNames[algorithm], body, 'base64')}:`;

/** Undefined unless the text stands for the same JSON value as the body. */
function serializeCompactJson(body: Buffer): string | undefined {
  try {
    return JSON.stringify(JSON.parse(body.toString('utf8')), (_key, value) => {
      // 1e999 would become null, and -0 would become 0.
      if (typeof value === 'number' && JSON.parse(JSON.stringify(value)) !== value) throw new RangeError();
      if (Object.is(value, -0)) throw new RangeError();
      return value;
    });
  } catch {
    return undefined;
  }
}
