/** The signature base, the exact text that is signed: RFC 9421 §2.5. */
import type { ReceivedRequest } from '../received-request.ts';
import { componentValue } from './components.ts';
import { type Refusal, refusal } from './verdict.ts';

export type SignatureBase = { readonly ok: true; readonly base: string } | Refusal;

/**
 * Builds the base from the covered component names and the text of `@signature-params`, which a verifier takes over
 * from Signature-Input as received (SIG-17). It contains covered values, such as Authorization: not for logs.
 */
export function createSignatureBase(
  exchange: ReceivedRequest,
  components: readonly string[],
  signatureParams: string,
): SignatureBase {
  let base = '';
  for (const name of components) {
    const value = componentValue(exchange, name);
    if (value === undefined)
      return refusal('covered_header_absent', `the signature covers ${name}, which the request lacks`);
    // A line break inside a value would let one component pass for two.
    if (/[^\t\x20-\x7e]/.test(value))
      return refusal('unprintable_value', `${name} contains characters other than ASCII`);
    base += `"${name}": ${value}\n`;
  }
  return { ok: true, base: `${base}"@signature-params": ${signatureParams}` };
}
