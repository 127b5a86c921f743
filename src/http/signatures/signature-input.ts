// Signature-Input and Signature, read before the key is known: RFC 9421 §4.1, §4.2, §2.3, rows SIG-02 to SIG-19.
import type { InnerList } from 'structured-headers';
import type { WireSwitches } from '../../profile.ts';
import { combinedHeader, headerLines, type ReceivedRequest } from '../received-request.ts';
import { isSupportedComponent } from './components.ts';
import { readBareSignature, readUnquotedInput } from './lenient-forms.ts';
import { type DictionaryMember, readDictionary, readParameterLiterals } from './structured-fields.ts';
import { type LenientForm, type Refusal, refusal } from './verdict.ts';

const maxInputLength = 8192;
const maxComponents = 32;

export interface SignatureParameters {
  readonly keyid: string;
  /** Seconds since the epoch. */
  readonly created: number;
  /** Seconds since the epoch. */
  readonly expires?: number;
  readonly nonce?: string;
  readonly alg?: string;
  readonly tag?: string;
}

/** A signature that is well-formed, fresh and covers what it must; not yet verified. */
export interface ReadSignature {
  readonly ok: true;
  readonly label: string;
  readonly keyid: string;
  readonly components: readonly string[];
  readonly params: SignatureParameters;
  /** Text of `@signature-params` as received. */
  readonly signatureParams: string;
  readonly signature: Buffer;
  readonly lenient: readonly LenientForm[];
}

/**
 * Reads the request's signature without a key: syntax, label, parameters, freshness and coverage. `now` is wall time
 * in milliseconds. Never throws.
 */
export function readSignature(
  exchange: ReceivedRequest,
  switches: WireSwitches,
  now: number,
  required: readonly string[] = requiredComponents(exchange),
): ReadSignature | Refusal {
  if (headerLines(exchange, 'authorization').length > 1) {
    return refusal('duplicate_authorization', 'the Authorization field stands more than once');
  }
  const inputText = combinedHeader(exchange, 'signature-input');
  if (!inputText) return refusal('missing_signature_input', 'the request has no Signature-Input');
  const signatureText = combinedHeader(exchange, 'signature');
  if (!signatureText) return refusal('missing_signature', 'the request has no Signature');
  if (inputText.length > maxInputLength || signatureText.length > maxInputLength) {
    return refusal('signature_input_too_large', `Signature-Input and Signature end at ${maxInputLength} characters`);
  }
  const lenient: LenientForm[] = [];
  const inputs = readInputs(inputText, switches, lenient);
  if (!inputs.ok) return inputs;
  const signatures = readSignatures(signatureText, inputs.members, switches, lenient);
  if (!signatures.ok) return signatures;
  const member = selectLabel(inputs.members, signatures.byLabel);
  if ('ok' in member) return member;

  const list = member.value as InnerList;
  const params = readParameters(member.raw, list, switches, now);
  if ('ok' in params) return params;
  if (params.alg !== undefined) lenient.push('alg_parameter');
  const components = readComponents(list, required);
  if ('ok' in components) return components;
  return {
    ok: true,
    label: member.key,
    keyid: params.keyid,
    components,
    params,
    signatureParams: member.raw,
    signature: signatures.byLabel.get(member.key)!,
    lenient,
  };
}

type Inputs = { readonly ok: true; readonly members: readonly DictionaryMember[] } | Refusal;

function readInputs(text: string, switches: WireSwitches, lenient: LenientForm[]): Inputs {
  let read = readDictionary(text);
  if (!read.ok && switches.lenientSignatureForms) {
    const unquoted = readUnquotedInput(text);
    const reread = unquoted && readDictionary(unquoted.rewritten);
    if (reread?.ok) {
      read = { ok: true, members: reread.members.map((member) => ({ ...member, raw: unquoted!.raw })) };
      lenient.push('unquoted_components');
    }
  }
  if (!read.ok) {
    const reason = read.fault === 'duplicate_key' ? 'duplicate_label' : 'malformed_signature_input';
    return refusal(reason, `Signature-Input: ${read.detail}`);
  }
  const stray = read.members.find(({ value }) => !Array.isArray(value[0]));
  if (stray) return refusal('malformed_signature_input', `Signature-Input: ${stray.key} is not an inner list`);
  if (read.members.length === 0) return refusal('missing_signature_input', 'Signature-Input is empty');
  return read;
}

type Signatures = { readonly ok: true; readonly byLabel: ReadonlyMap<string, Buffer> } | Refusal;

function readSignatures(
  text: string,
  inputs: readonly DictionaryMember[],
  switches: WireSwitches,
  lenient: LenientForm[],
): Signatures {
  const bare = switches.lenientSignatureForms ? readBareSignature(text) : undefined;
  if (bare && (bare.label !== undefined || inputs.length === 1)) {
    lenient.push(bare.form);
    return { ok: true, byLabel: new Map([[bare.label ?? inputs[0]!.key, bare.bytes]]) };
  }
  const read = readDictionary(text);
  if (!read.ok) {
    const reason = read.fault === 'duplicate_key' ? 'duplicate_label' : 'malformed_signature';
    return refusal(reason, `Signature: ${read.detail}`);
  }
  const byLabel = new Map<string, Buffer>();
  for (const { key, value } of read.members) {
    if (!(value[0] instanceof ArrayBuffer)) return refusal('malformed_signature', `${key} is not a byte sequence`);
    byLabel.set(key, Buffer.from(value[0]));
  }
  return { ok: true, byLabel };
}

/** SIG-02: both fields name the same labels; of several, `sig1`, else the one tagged `gnap`. */
function selectLabel(
  inputs: readonly DictionaryMember[],
  signatures: ReadonlyMap<string, Buffer>,
): DictionaryMember | Refusal {
  const labels = new Set(inputs.map(({ key }) => key));
  const lonely =
    [...labels].find((label) => !signatures.has(label)) ?? [...signatures.keys()].find((label) => !labels.has(label));
  if (lonely !== undefined) {
    return refusal('label_mismatch', `label ${lonely} stands in only one of Signature-Input and Signature`);
  }
  const tagged = inputs.filter(({ value }) => value[1].get('tag') === 'gnap');
  const chosen =
    inputs.find(({ key }) => key === 'sig1') ??
    (tagged.length === 1 ? tagged[0] : inputs.length === 1 ? inputs[0] : undefined);
  return chosen ?? refusal('ambiguous_label', 'several signatures, none labelled sig1 and not exactly one tagged gnap');
}

function readParameters(
  raw: string,
  [, values]: InnerList,
  switches: WireSwitches,
  now: number,
): SignatureParameters | Refusal {
  const literals = readParameterLiterals(raw);
  const literal = new Map(literals);
  if (literal.size !== literals.length) return refusal('duplicate_parameter', 'a signature parameter stands twice');
  for (const name of ['keyid', 'nonce', 'alg', 'tag']) {
    const value = values.get(name);
    if (value !== undefined && typeof value !== 'string')
      return refusal('malformed_parameter', `${name} is not a string`);
  }
  for (const name of ['created', 'expires']) {
    if (values.has(name) && !/^\d{1,15}$/.test(literal.get(name) ?? '')) {
      return refusal('malformed_parameter', `${name} is not an integer of seconds`);
    }
  }
  const params = Object.fromEntries(values) as unknown as Partial<SignatureParameters>;
  const { keyid, created, expires, nonce, alg, tag } = params;

  if (!keyid) return refusal('missing_keyid', 'the signature has no keyid');
  if (created === undefined) return refusal('missing_created', 'the signature has no created');
  if (created * 1000 < now - switches.signatureMaxAgeMs) {
    return refusal('created_too_old', `created is more than ${switches.signatureMaxAgeMs / 1000} s ago`);
  }
  if (created * 1000 > now + switches.signatureSkewMs) {
    return refusal('created_in_future', `created is more than ${switches.signatureSkewMs / 1000} s ahead`);
  }
  if (expires !== undefined && expires * 1000 < now) return refusal('expired', 'expires has passed');
  if (alg !== undefined && alg !== 'ed25519') return refusal('unsupported_alg', 'alg is not ed25519');
  if (tag === undefined ? switches.requireTagGnap : tag !== 'gnap')
    return refusal('unsupported_tag', 'tag is not gnap');
  return { keyid, created, expires, nonce, alg, tag };
}

function readComponents([items]: InnerList, required: readonly string[]): string[] | Refusal {
  if (items.length > maxComponents) return refusal('too_many_components', `more than ${maxComponents} components`);
  const components: string[] = [];
  for (const [name, params] of items) {
    if (typeof name !== 'string') return refusal('malformed_signature_input', 'a component name is not a string');
    if (params.size > 0) return refusal('unsupported_component', `parameters on component ${name}`);
    if (!isSupportedComponent(name)) return refusal('unsupported_component', `component ${JSON.stringify(name)}`);
    if (components.includes(name)) return refusal('duplicate_component', `component ${name} stands twice`);
    components.push(name);
  }
  const missing = required.find((name) => !components.includes(name));
  return missing === undefined ? components : refusal('missing_component', `the signature does not cover ${missing}`);
}

/** RFC 9635 §7.3.1: what a signature must cover, by what the request holds (SIG-03, SIG-04, SIG-05). */
export function requiredComponents(exchange: ReceivedRequest): string[] {
  const required = ['@method', '@target-uri'];
  if (headerLines(exchange, 'authorization').length > 0) required.push('authorization');
  if (exchange.body.length > 0) required.push('content-digest');
  return required;
}
