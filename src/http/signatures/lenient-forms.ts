/**
 * The Signature field of clients in use that is not a structured field (SIG-25). Accepted only where the profile's
 * `lenientSignatureForms` allows it, and reported as a LenientForm. For their Signature-Input (SIG-26) see
 * `unquotedNames` of structured-fields.ts.
 */
import type { LenientForm } from './verdict.ts';

/** Signature of the PHP client (`sig1=b64`) or the Rust client (bare base64): 64 bytes without colons. */
export function parseBareSignature(text: string): { label?: string; bytes: Buffer; form: LenientForm } | undefined {
  const match = /^(?:([a-z*][a-z0-9_.*-]{0,99})=)?([A-Za-z0-9+/]{86}(?:==)?)$/.exec(text);
  if (!match) return undefined;
  const bytes = Buffer.from(match[2]!, 'base64');
  return match[1] === undefined
    ? { bytes, form: 'signature_without_label' }
    : { label: match[1], bytes, form: 'signature_without_colons' };
}
