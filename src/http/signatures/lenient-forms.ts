// Signature headers of clients in use that are no structured fields: rows SIG-25 and SIG-26. Used only where the
// profile's `lenientSignatureForms` says so; each use is reported as a LenientForm.
import type { LenientForm } from './verdict.ts';

/** Signature-Input of the Rust client, with the text rewritten so that it parses; the base still uses the original. */
export interface LenientInput {
  readonly label: string;
  readonly rewritten: string;
  /** Text after `label=` as received. */
  readonly raw: string;
}

/** `sig1=(@method @target-uri content-type);created=…`: the list lacks the quotes around each name. */
export function readUnquotedInput(text: string): LenientInput | undefined {
  const match = /^([a-z*][a-z0-9_.*-]*)=(\(([^()",;\\]*)\)(.*))$/.exec(text);
  if (!match) return undefined;
  const names = match[3]!.split(' ').filter((name) => name !== '');
  const quoted = names.map((name) => `"${name}"`).join(' ');
  return { label: match[1]!, rewritten: `${match[1]}=(${quoted})${match[4]}`, raw: match[2]! };
}

/** Signature field of the PHP client (`sig1=b64`) or the Rust client (bare base64): 64 bytes without colons. */
export function readBareSignature(text: string): { label?: string; bytes: Buffer; form: LenientForm } | undefined {
  const match = /^(?:([a-z*][a-z0-9_.*-]*)=)?([A-Za-z0-9+/]{86}(?:==)?)$/.exec(text);
  if (!match) return undefined;
  const bytes = Buffer.from(match[2]!, 'base64');
  return match[1] === undefined
    ? { bytes, form: 'signature_without_label' }
    : { label: match[1], bytes, form: 'signature_without_colons' };
}
