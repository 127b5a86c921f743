/** Judges of the requirements on content digests. */
import { combinedHeader, headerLines } from '../../http/received-request.ts';
import { verifyContentDigest } from '../../http/signatures/content-digest.ts';
import { type ParsedDictionary, parseDictionary } from '../../http/signatures/structured-fields.ts';
import { hasContent, hasField, mustSign } from '../exchange-facts.ts';
import { explainDigest } from '../explain-digest.ts';
import type { GradedExchange } from '../graded-exchange.ts';
import type { Finding, Findings, Judge, JudgesOf, Run } from '../judge.ts';
import type { digests } from '../requirements/digests.ts';
import { signatureMistakes } from '../signature-mistakes.ts';
import { firstDifferenceOf, pass } from './findings.ts';

/** Algorithms that the registry of RFC 9530 §7.2 calls deprecated. */
const deprecated = new Set(['md5', 'sha', 'unixsum', 'unixcksum', 'adler', 'crc32c']);

const fieldOf = ({ request }: GradedExchange): string | undefined => combinedHeader(request, 'content-digest');

/** Judges digests of requests that must be signed, parsed strictly. */
const ofField = (judge: (field: ParsedDictionary, exchange: GradedExchange, run: Run) => Findings): Judge => ({
  exchange(exchange, run) {
    const field = mustSign(exchange) ? fieldOf(exchange) : undefined;
    return field === undefined ? undefined : judge(parseDictionary(field), exchange, run);
  },
});

const ofMembers = (judge: (algorithms: readonly string[], exchange: GradedExchange, run: Run) => Findings): Judge =>
  ofField((field, exchange, run) =>
    field.ok && field.members.length > 0
      ? judge(
          field.members.map(({ key }) => key),
          exchange,
          run,
        )
      : undefined,
  );

const judgeForm = (field: ParsedDictionary): Finding => {
  const expected = 'sha-512=:base64:';
  if (!field.ok) {
    const [, offset] = /at offset (\d+)$/.exec(field.detail) ?? [];
    const firstDifference = offset === undefined ? undefined : Number(offset);
    const detail = `${field.detail[0]!.toUpperCase()}${field.detail.slice(1)}.`;
    return { outcome: 'violation', detail, expected, ...(firstDifference !== undefined && { firstDifference }) };
  }
  const stray = field.members.find(({ value }) => !('bare' in value) || value.bare.type !== 'bytes');
  if (stray) return { outcome: 'violation', detail: `The member ${stray.key} is not a byte sequence.`, expected };
  return field.members.length > 0 ? pass : { outcome: 'violation', detail: 'The field is empty.', expected };
};

const judgeDigest = ({ request, isBodyUnread }: GradedExchange, { switches }: Run): Findings => {
  const explained = explainDigest(request);
  if (!explained || explained.received === null || isBodyUnread) return undefined;
  const { received, expected, matches, mistake } = explained;
  if (matches) return pass;
  const verdict = verifyContentDigest(request, switches);
  // An algorithm that is not known cannot be checked, and CL-DIG-03 judges the form.
  if (!verdict.ok && verdict.reason !== 'digest_mismatch') return undefined;
  const cause = mistake && `The client ${signatureMistakes[mistake][0]}.`;
  return {
    outcome: 'violation',
    detail: cause ?? `The digest is not that of the ${request.body.length} bytes received.`,
    expected,
    actual: received,
    firstDifference: firstDifferenceOf(expected, received) ?? 0,
    tolerated: verdict.ok,
  };
};

/** JSON whose end is missing: the length was counted in characters, and the bytes behind it were not read. */
const isCutOff = ({ request, body }: GradedExchange): boolean =>
  body === undefined && /^\s*[{[]/.test(request.body.toString()) && !/[}\]]\s*$/.test(request.body.toString());

const judgeLength = (exchange: GradedExchange): Findings => {
  if (!mustSign(exchange)) return undefined;
  const { request, isBodyUnread } = exchange;
  const [length] = headerLines(request, 'content-length');
  if (hasContent(exchange)) {
    if (length === undefined || isBodyUnread) return undefined;
    if (Number(length) === request.body.length && !isCutOff(exchange)) return pass;
    const detail = 'Content-Length counts fewer bytes than the content has.';
    return { outcome: 'violation', detail, actual: length };
  }
  if (!hasField(exchange, 'content-digest')) return pass;
  return { outcome: 'violation', detail: 'The request has a Content-Digest, but no content.' };
};

export const digestsJudges = {
  'CL-DIG-01': {
    exchange(exchange) {
      if (!mustSign(exchange) || !hasContent(exchange)) return undefined;
      if (fieldOf(exchange) !== undefined) return pass;
      return { outcome: 'violation', detail: 'The request has content, but no Content-Digest.' };
    },
  },
  'CL-DIG-02': ofMembers((_algorithms, exchange, run) => judgeDigest(exchange, run)),
  'CL-DIG-03': ofField(judgeForm),
  'CL-DIG-04': ofMembers((algorithms) => {
    const broken = algorithms.filter((name) => deprecated.has(name));
    if (broken.length === 0) return pass;
    return { outcome: 'violation', detail: 'The algorithm is deprecated.', actual: broken.join(', ') };
  }),
  'CL-DIG-05': ofMembers((algorithms) => {
    if (algorithms.some((name) => name === 'sha-256' || name === 'sha-512')) return pass;
    const detail = 'The digest uses neither sha-256 nor sha-512.';
    return { outcome: 'violation', detail, expected: 'sha-256 or sha-512', actual: algorithms.join(', ') };
  }),
  'CL-DIG-06': { exchange: judgeLength },
} satisfies JudgesOf<typeof digests>;
