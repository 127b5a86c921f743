/**
 * Signature-Input and Signature, read before the key is known: RFC 9421 §4.1, §4.2, §2.3 (SIG-02 to SIG-19). Each field
 * is parsed once; the values that are checked and the text that goes into the signature base come from the same parse.
 */
import type { WireSwitches } from '../../profile.ts';
import { combinedHeader, headerLines, type ReceivedRequest } from '../received-request.ts';
import { isSupportedComponent } from './components.ts';
import { parseBareSignature } from './lenient-forms.ts';
import { type DictionaryMember, type InnerList, parseDictionary } from './structured-fields.ts';
import { type LenientForm, type Reason, type Refusal, refusal } from './verdict.ts';

const MAX_FIELD_LENGTH = 8192;
const MAX_COMPONENTS = 32;

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
    return refusal('duplicate_authorization', 'the Authorization field occurs more than once');
  }
  const inputText = combinedHeader(exchange, 'signature-input');
  if (!inputText) return refusal('missing_signature_input', 'the request lacks Signature-Input');
  const signatureText = combinedHeader(exchange, 'signature');
  if (!signatureText) return refusal('missing_signature', 'the request lacks Signature');
  if (inputText.length > MAX_FIELD_LENGTH || signatureText.length > MAX_FIELD_LENGTH) {
    const detail = `Signature-Input and Signature may have at most ${MAX_FIELD_LENGTH} characters`;
    return refusal('signature_input_too_large', detail);
  }
  const lenient: LenientForm[] = [];
  const inputs = parseInputs(inputText, switches, lenient);
  if (!inputs.ok) return inputs;
  const signatures = parseSignatures(signatureText, inputs.members, switches, lenient);
  if (!signatures.ok) return signatures;
  const member = selectInput(inputs.members, signatures.byLabel);
  if ('ok' in member) return member;

  const params = checkParameters(member.value, switches, now);
  if ('ok' in params) return params;
  if (params.alg !== undefined) lenient.push('alg_parameter');
  const components = checkComponents(member.value, required);
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

type InputMember = DictionaryMember & { readonly value: InnerList };

type Inputs = { readonly ok: true; readonly members: readonly InputMember[] } | Refusal;

function parseInputs(text: string, switches: WireSwitches, lenient: LenientForm[]): Inputs {
  const parsed = parseDictionary(text, { unquotedNames: switches.lenientSignatureForms });
  if (!parsed.ok) {
    const reason = faultReasons[parsed.fault] ?? 'malformed_signature_input';
    return refusal(reason, `Signature-Input: ${parsed.detail}`);
  }
  const { members } = parsed;
  const stray = members.find((member) => !isInput(member));
  if (stray) return refusal('malformed_signature_input', `Signature-Input: ${stray.key} is not an inner list`);
  if (members.length === 0) return refusal('missing_signature_input', 'Signature-Input is empty');
  if (parsed.hasUnquotedNames) lenient.push('unquoted_components');
  return { ok: true, members: members.filter(isInput) };
}

const isInput = (member: DictionaryMember): member is InputMember => 'items' in member.value;

const faultReasons: Readonly<Record<string, Reason>> = {
  duplicate_key: 'duplicate_label',
  duplicate_parameter: 'duplicate_parameter',
};

type Signatures = { readonly ok: true; readonly byLabel: ReadonlyMap<string, Buffer> } | Refusal;

function parseSignatures(
  text: string,
  inputs: readonly InputMember[],
  switches: WireSwitches,
  lenient: LenientForm[],
): Signatures {
  const bare = switches.lenientSignatureForms ? parseBareSignature(text) : undefined;
  if (bare && (bare.label !== undefined || inputs.length === 1)) {
    lenient.push(bare.form);
    return { ok: true, byLabel: new Map([[bare.label ?? inputs[0]!.key, bare.bytes]]) };
  }
  const parsed = parseDictionary(text);
  if (!parsed.ok) return refusal(faultReasons[parsed.fault] ?? 'malformed_signature', `Signature: ${parsed.detail}`);
  const byLabel = new Map<string, Buffer>();
  for (const { key, value } of parsed.members) {
    if (!('bare' in value) || value.bare.type !== 'bytes') {
      return refusal('malformed_signature', `Signature: ${key} is not a byte sequence`);
    }
    byLabel.set(key, value.bare.value);
  }
  return { ok: true, byLabel };
}

/**
 * The signature that counts. Both fields have the same labels. A label means nothing (RFC 9421 §7.2.5): the signature
 * tagged `gnap` counts (RFC 9635 §7.3.1), and without any, the one that no other application tagged as its own. It must
 * be the only one (SIG-02, OPI-080).
 */
function selectInput(inputs: readonly InputMember[], signatures: ReadonlyMap<string, Buffer>): InputMember | Refusal {
  const labels = new Set(inputs.map(({ key }) => key));
  const unmatched =
    [...labels].find((label) => !signatures.has(label)) ?? [...signatures.keys()].find((label) => !labels.has(label));
  if (unmatched !== undefined) {
    return refusal('label_mismatch', `the label ${unmatched} is in only one of Signature-Input and Signature`);
  }
  const tagged = (wanted: string | undefined) =>
    inputs.filter(({ value }) => value.parameters.get('tag')?.value === wanted);
  const candidates = [tagged('gnap'), tagged(undefined), inputs].find(({ length }) => length > 0) ?? [];
  if (candidates.length === 1) return candidates[0]!;
  return refusal('ambiguous_label', 'there are several signatures and not exactly one is tagged gnap');
}

function checkParameters(
  { parameters }: InnerList,
  switches: WireSwitches,
  now: number,
): SignatureParameters | Refusal {
  for (const name of ['keyid', 'nonce', 'alg', 'tag']) {
    const type = parameters.get(name)?.type;
    if (type !== undefined && type !== 'string') return refusal('malformed_parameter', `${name} is not a string`);
  }
  for (const name of ['created', 'expires']) {
    const item = parameters.get(name);
    if (item !== undefined && (item.type !== 'integer' || item.value < 0)) {
      return refusal('malformed_parameter', `${name} is not a whole number of seconds`);
    }
  }
  const values = [...parameters].map(([name, { value }]) => [name, value]);
  const params: Partial<SignatureParameters> = Object.fromEntries(values);
  const { keyid, created, expires, nonce, alg, tag } = params;

  if (!keyid) return refusal('missing_keyid', 'the signature lacks a keyid');
  if (created === undefined) return refusal('missing_created', 'the signature lacks created');
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

function checkComponents({ items }: InnerList, required: readonly string[]): string[] | Refusal {
  if (items.length > MAX_COMPONENTS) return refusal('too_many_components', `more than ${MAX_COMPONENTS} components`);
  const components: string[] = [];
  for (const { bare, parameters } of items) {
    if (bare.type !== 'string') return refusal('malformed_signature_input', 'a component name is not a string');
    const name = bare.value;
    if (parameters.size > 0) return refusal('unsupported_component', `parameters on component ${name}`);
    if (!isSupportedComponent(name))
      return refusal('unsupported_component', `the component ${JSON.stringify(name)} is not supported`);
    if (components.includes(name)) return refusal('duplicate_component', `component ${name} occurs twice`);
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
