/** Verdicts on a signature or a digest, with one closed list of reasons (RFC 9421 §3.2, RFC 9635 §7.3.1). */

/** Why a request was refused. */
export type Reason =
  | 'missing_signature_input'
  | 'missing_signature'
  | 'signature_input_too_large'
  | 'malformed_signature_input'
  | 'malformed_signature'
  | 'duplicate_label'
  | 'label_mismatch'
  | 'ambiguous_label'
  | 'malformed_parameter'
  | 'duplicate_parameter'
  | 'missing_keyid'
  | 'keyid_mismatch'
  | 'missing_created'
  | 'created_too_old'
  | 'created_in_future'
  | 'expired'
  | 'unsupported_alg'
  | 'unsupported_tag'
  | 'too_many_components'
  | 'duplicate_component'
  | 'unsupported_component'
  | 'missing_component'
  | 'covered_header_absent'
  | 'unprintable_value'
  | 'duplicate_authorization'
  | 'digest_missing'
  | 'digest_malformed'
  | 'digest_unsupported'
  | 'digest_mismatch'
  | 'unsupported_key'
  | 'signature_mismatch'
  | 'nonce_replayed';

/** A form that the specification does not allow but the profile accepts; reported, never an error by itself. */
export type LenientForm =
  /** `alg` present although RFC 9635 §7.3.1 forbids it (SIG-13). */
  | 'alg_parameter'
  /** `sig1=(@method …)`: covered components without quotes (SIG-26). */
  | 'unquoted_components'
  /** `sig1=b64`: signature without the colons of a byte sequence (SIG-25). */
  | 'signature_without_colons'
  /** Signature field that is nothing but base64 (SIG-25). */
  | 'signature_without_label'
  /** Digest of the body re-serialised as compact JSON (SIG-07). */
  | 'digest_of_compact_json';

export interface Refusal {
  readonly ok: false;
  readonly reason: Reason;
  /** One sentence for a log or an error description. Holds no field value that may be a secret. */
  readonly detail: string;
}

export type Verdict = { readonly ok: true; readonly lenient: readonly LenientForm[] } | Refusal;

export function refusal(reason: Reason, detail: string): Refusal {
  return { ok: false, reason, detail };
}
