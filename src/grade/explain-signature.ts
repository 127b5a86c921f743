/**
 * Explains the signature of a received request (RFC 9421 §3.2): our signature base next to the text that the client
 * signed, which is found by trying common mistakes until one verifies.
 */
import { isUtf8 } from 'node:buffer';
import { type KeyObject, verify } from 'node:crypto';
import { headerLines, type ReceivedRequest } from '../http/received-request.ts';
import { componentValue } from '../http/signatures/components.ts';
import { createSignatureBase } from '../http/signatures/signature-base.ts';
import { type ReadSignature, readSignature } from '../http/signatures/signature-input.ts';
import type { Reason, Verdict } from '../http/signatures/verdict.ts';
import { verifySignature } from '../http/signatures/verify.ts';
import type { WireSwitches } from '../profile.ts';
import { type DigestExplanation, explainDigest } from './explain-digest.ts';
import type { Masker } from './mask-secrets.ts';
import { readMistakenSignature } from './read-mistaken-signature.ts';
import { type Guess, guessSignedTexts } from './signature-guesses.ts';
import { type MistakeName, signatureMistakes } from './signature-mistakes.ts';

/** A public key that may have signed. */
export interface CandidateKey {
  readonly keyid: string;
  readonly key: KeyObject;
  /** URL of its key set, or where else it was found. */
  readonly source: string;
}

export interface SignedRequest {
  readonly request: ReceivedRequest;
  /** The key that was looked up comes first. */
  readonly keys: readonly CandidateKey[];
  /** Origins, other than that of the request, under which the client may know the server. */
  readonly origins: readonly string[];
  readonly switches: WireSwitches;
  /** Wall time at which the request was received, in milliseconds. */
  readonly now: number;
  readonly masker: Masker;
}

export interface SignatureExplanation {
  /**
   * `tolerated`: accepted in this profile in spite of mistakes; `unexplained`: no common mistake makes the signature
   * verify; `no-key`: no key is known, so only the form of the fields was looked at.
   */
  readonly result: 'unsigned' | 'correct' | 'tolerated' | 'explained' | 'unexplained' | 'no-key';
  readonly refusal?: { readonly reason: Reason; readonly detail: string };
  readonly mistakes: { readonly name: MistakeName; readonly sentence: string; readonly fix: string }[];
  /** Key with which the signature verifies, or else the one that was looked up. */
  readonly key?: { readonly keyid: string; readonly source: string };
  readonly digest?: DigestExplanation;
  /** Our signature base, without secrets. */
  readonly base?: string;
  /** The text that the client signed, if it was found; `hex` for bytes that are not text. */
  readonly signed?: { readonly encoding: 'text' | 'hex'; readonly value: string };
  readonly firstDifference?: FirstDifference;
  /** Number of signatures that were verified. */
  readonly verifications: number;
}

export interface FirstDifference {
  /** Bytes from the start of the base. */
  readonly offset: number;
  /** Both counted from 1. */
  readonly line: number;
  readonly column: number;
  /** Hexadecimal. Null at the end of the text, and where the byte belongs to a secret. */
  readonly expected: string | null;
  readonly signed: string | null;
}

/** Bounds the work for a request. */
export const MAX_VERIFICATIONS = 400;

export function explainSignature(signed: SignedRequest): SignatureExplanation {
  const { request, keys, switches, now, masker } = signed;
  const digest = explainDigest(request);
  const digestMistakes = digest?.mistake ? [digest.mistake] : [];
  const isSigned = ['signature', 'signature-input'].some((name) => headerLines(request, name).length > 0);
  if (!isSigned) {
    return { result: 'unsigned', mistakes: [], ...(digest && { digest }), verifications: 0 };
  }
  const mistaken = readMistakenSignature(request, switches);
  const trial = 'read' in mistaken ? trySignature(signed, mistaken.read, mistaken.params) : noTrial;
  const key = trial.key ?? keys[0];
  const verdict = keys[0] && verifySignature(request, { key: keys[0].key, switches, now });
  // Without a key, the form of the fields can still be judged.
  const judged = verdict ?? readSignature(request, switches, now);
  const verifications = trial.verifications + (verdict ? 1 : 0);
  const inFields = 'read' in mistaken ? mistaken.mistakes : [];
  const names = [
    ...new Set([
      ...inFields,
      ...trial.mistakes,
      ...digestMistakes,
      ...mistakesOfReason(judged.ok ? undefined : judged.reason, mistaken),
    ]),
    // A missing digest cannot be covered either.
  ].filter((name) => name !== 'component-not-covered' || digest?.mistake !== 'digest-missing');
  return {
    result: resultOf(verdict, names, trial.verified),
    ...(!judged.ok && { refusal: { reason: judged.reason, detail: masker.text(judged.detail) } }),
    mistakes: names.map((name) => ({ name, sentence: sentenceOf(name), fix: signatureMistakes[name][1] })),
    ...(key && { key: { keyid: key.keyid, source: key.source } }),
    ...(digest && { digest }),
    ...(trial.base !== undefined && { base: masker.base(trial.base) }),
    ...compareTexts(trial, masker),
    verifications,
  };
}

const sentenceOf = (name: MistakeName): string => `The client ${signatureMistakes[name][0]}.`;

function resultOf(
  verdict: Verdict | undefined,
  mistakes: readonly MistakeName[],
  verified: boolean,
): SignatureExplanation['result'] {
  if (verdict === undefined) return 'no-key';
  if (verdict.ok) return mistakes.length === 0 && verdict.lenient.length === 0 ? 'correct' : 'tolerated';
  return verified && mistakes.length > 0 ? 'explained' : 'unexplained';
}

/** Mistakes that the refusal names, which no other text of the base would show. */
function mistakesOfReason(
  reason: Reason | undefined,
  mistaken: ReturnType<typeof readMistakenSignature>,
): MistakeName[] {
  switch (reason) {
    case 'created_too_old':
    case 'created_in_future': {
      const created = 'read' in mistaken ? mistaken.read.params.created : 0;
      return [created > 100_000_000_000 ? 'created-in-milliseconds' : 'wrong-created'];
    }
    case 'missing_component':
      return ['component-not-covered'];
    case 'covered_header_absent':
      return ['covered-header-absent'];
    case 'label_mismatch':
      return ['label-mismatch'];
    default:
      return [];
  }
}

interface Trial {
  readonly verified: boolean;
  readonly mistakes: readonly MistakeName[];
  readonly key?: CandidateKey;
  readonly base?: string;
  /** The bytes that verified. */
  readonly bytes?: Buffer;
  readonly verifications: number;
}

const noTrial: Trial = { verified: false, mistakes: [], verifications: 0 };

/** Tries the base with every key, and then the guesses with the first key, up to MAX_VERIFICATIONS in total. */
function trySignature({ request, keys, origins }: SignedRequest, read: ReadSignature, params: string): Trial {
  const built = createSignatureBase(request, read.components, params);
  if (!built.ok) return noTrial;
  const lines = read.components.map((name) => [name, componentValue(request, name)!] as const);
  const bytes = Buffer.from(built.base);
  let verifications = 0;
  const matches = (text: Buffer, { key }: CandidateKey): boolean => {
    verifications += 1;
    return key.asymmetricKeyType === 'ed25519' && verify(null, text, key, read.signature);
  };
  // One verification is left for the verdict.
  const budget = MAX_VERIFICATIONS - 1;
  for (const [i, key] of keys.slice(0, budget).entries()) {
    if (!matches(bytes, key)) continue;
    const mistakes: MistakeName[] = i === 0 ? [] : ['key-of-another-kid'];
    return { verified: true, mistakes, key, base: built.base, bytes, verifications };
  }
  const [key] = keys;
  const guesses: Iterable<Guess> = key
    ? guessSignedTexts({ request, base: { lines, params }, parameters: read.params, origins })
    : [];
  for (const guess of guesses) {
    if (verifications >= budget) break;
    if (!matches(guess.bytes, key!)) continue;
    return { ...guess, verified: true, key: key!, base: built.base, verifications };
  }
  return { verified: false, mistakes: [], base: built.base, verifications };
}

/** The text that the client signed, and where it departs from our base. */
function compareTexts(
  { base, bytes }: Trial,
  masker: Masker,
): Pick<SignatureExplanation, 'signed' | 'firstDifference'> {
  if (base === undefined || bytes === undefined) return {};
  const ours = Buffer.from(base);
  if (ours.equals(bytes)) return { signed: { encoding: 'text', value: masker.base(base) } };
  const longest = Math.max(ours.length, bytes.length);
  let offset = 0;
  while (offset < longest && ours[offset] === bytes[offset]) offset += 1;
  const before = base.slice(0, offset).split('\n');
  const line = base.split('\n')[before.length - 1] ?? '';
  const isSecret = masker.base(line) !== line;
  const hex = (byte: number | undefined) =>
    byte === undefined || isSecret ? null : byte.toString(16).padStart(2, '0');
  return {
    // Bytes that are not text are a hash. Text must be masked, which hexadecimal would prevent.
    signed: isUtf8(bytes)
      ? { encoding: 'text', value: masker.base(bytes.toString()) }
      : { encoding: 'hex', value: bytes.toString('hex') },
    firstDifference: {
      offset,
      line: before.length,
      column: before.at(-1)!.length + 1,
      expected: hex(ours[offset]),
      signed: hex(bytes[offset]),
    },
  };
}
