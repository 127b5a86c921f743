/** Reads a signature in spite of mistakes in its fields, each of which it names (RFC 9421 §4). */
import { combinedHeader, type ReceivedRequest } from '../http/received-request.ts';
import { type ReadSignature, readSignature } from '../http/signatures/signature-input.ts';
import { parseDictionary } from '../http/signatures/structured-fields.ts';
import type { LenientForm, Refusal } from '../http/signatures/verdict.ts';
import type { WireSwitches } from '../profile.ts';
import type { MistakeName } from './signature-mistakes.ts';

export interface MistakenSignature {
  readonly read: ReadSignature;
  /** Text of `@signature-params` as received, before any repair. */
  readonly params: string;
  readonly mistakes: readonly MistakeName[];
}

/** Repairs of the fields. Those of Signature-Input keep its length, so that the text as received can be found again. */
const repairs: Readonly<Partial<Record<MistakeName, (input: string, signature: string) => [string, string]>>> = {
  'signature-base64url': (input, signature) => [
    input,
    signature.replace(
      /((?:^|=):?)([\w-]{86})(?=(?:==)?:?$)/,
      (_, start, text) => start + text.replaceAll('-', '+').replaceAll('_', '/'),
    ),
  ],
  'upper-case-names': (input, signature) => [
    input.replace(/\([^()]*\)/, (components) => components.toLowerCase()),
    signature,
  ],
  'wrong-alg': (input, signature) => [input.replace(/; *alg=/, (name) => name.replace('alg', 'xlg')), signature],
  'wrong-tag': (input, signature) => [input.replace(/; *tag=/, (name) => name.replace('tag', 'xag')), signature],
  'label-mismatch': (input, signature) => {
    const labels = parseDictionary(input, { unquotedNames: true });
    const label = labels.ok ? labels.members[0]?.key : undefined;
    return [input, label === undefined ? signature : signature.replace(/^[a-z*][\w.*-]*(?==:)/, label)];
  },
};

/** Mistakes that the profile `compat` tolerates. */
const tolerated: Readonly<Partial<Record<LenientForm, MistakeName>>> = {
  unquoted_components: 'missing-quotes',
  signature_without_colons: 'missing-colons',
  signature_without_label: 'missing-label',
};

/** The refusal, if no repair makes the signature readable. */
export function readMistakenSignature(request: ReceivedRequest, switches: WireSwitches): MistakenSignature | Refusal {
  const tolerant: WireSwitches = {
    ...switches,
    lenientSignatureForms: true,
    requireTagGnap: false,
    signatureMaxAgeMs: Number.POSITIVE_INFINITY,
    signatureSkewMs: Number.POSITIVE_INFINITY,
  };
  const original = combinedHeader(request, 'signature-input') ?? '';
  let [input, signature] = [original, combinedHeader(request, 'signature') ?? ''];
  const mistakes: MistakeName[] = [];
  const read = () => readSignature(withFields(request, input, signature), tolerant, 0, []);
  const first = read();
  let result = first;
  for (const [name, repair] of Object.entries(repairs)) {
    if (result.ok) break;
    const before = result.detail;
    const repaired = repair(input, signature);
    if (repaired[0] === input && repaired[1] === signature) continue;
    const kept = [input, signature] as const;
    [input, signature] = repaired;
    result = read();
    // A repair that changes nothing about the refusal was not needed.
    if (!result.ok && result.detail === before) [input, signature] = kept;
    else mistakes.push(name as MistakeName);
  }
  if (!result.ok) return first.ok ? result : first;
  const at = input.indexOf(result.signatureParams);
  return {
    read: result,
    params: original.slice(at, at + result.signatureParams.length),
    mistakes: [...mistakes, ...result.lenient.flatMap((form) => tolerated[form] ?? [])],
  };
}

/** The request with these signature fields in place of the received ones; an empty field is left out. */
function withFields(request: ReceivedRequest, input: string, signature: string): ReceivedRequest {
  const others = request.rawHeaders.filter(([name]) => !/^signature(?:-input)?$/i.test(name));
  const fields = [['Signature-Input', input] as const, ['Signature', signature] as const];
  return { ...request, rawHeaders: [...others, ...fields.filter(([, value]) => value !== '')] };
}
