/** The profiles `strict` and `compat` as records of named switches. No other file depends on the name of a profile. */

/** Switches of the wire: signatures and digests. */
export interface WireSwitches {
  /** Accept the signature headers of the PHP and Rust clients, which are not structured fields (SIG-25, SIG-26). */
  readonly lenientSignatureForms: boolean;
  /** Accept a digest of the body re-serialised as compact JSON (SIG-07). */
  readonly digestOfCompactJson: boolean;
  /** Refuse a signature without `tag="gnap"` (RFC 9635 §7.3.1; no known client sends it, SIG-14). */
  readonly requireTagGnap: boolean;
  /** Treat equal signature bytes without a nonce as a replay: only for testing a client's nonces (SIG-16). */
  readonly rejectRepeatedSignatures: boolean;
  /** Oldest accepted `created`, in milliseconds before now (SIG-11). */
  readonly signatureMaxAgeMs: number;
  /** Furthest accepted `created`, in milliseconds after now (SIG-11). */
  readonly signatureSkewMs: number;
  /** How long a client's fetched key set is used, in milliseconds; a removed key is refused at the latest then (AS-N09). */
  readonly clientKeyMaxAgeMs: number;
}

/** All switches: those of the wire and those of the slices. */
export interface Switches extends WireSwitches {
  /** Encoding of the interaction finish hash: padded base64 as clients expect it, or RFC 9635's base64url (AMB-01). */
  readonly hashEncoding: 'base64' | 'base64url';
  /** An unsigned public GET that carries some old token is answered as public instead of refused (RS-IP-16). */
  readonly publicGetWithForeignToken: boolean;
  /** `identifier` in a quote's access item: taken as a scope, or refused as the schema says (AMB-05). */
  readonly quoteIdentifier: 'accept' | 'refuse';
  /** Rotation and revocation signed by the grant's client, but with another token or none (AS-145). */
  readonly rotateWithForeignToken: boolean;
  /** Each answer that can be continued brings a new continue token, and the one before it is void (RFC 9635 §5, AS-124). */
  readonly rotateContinuation: boolean;
  /** A client whose wallet address has no `publicName` asks for an interactive grant (AMB-16). */
  readonly clientWithoutName: 'refuse' | 'show-address';
  /** Unknown members of `limits` in an access item (AS-48). */
  readonly unknownLimitMembers: 'ignore' | 'refuse';
  /** Unknown members inside an amount of a request body (RS-01). */
  readonly unknownAmountMembers: 'ignore' | 'refuse';
  /** Query parameters that an operation does not have (RS-32, OPI-095). */
  readonly unknownQueryParameters: 'ignore' | 'refuse';
}

/** Follows the specifications exactly. */
export const strict: Switches = Object.freeze({
  lenientSignatureForms: false,
  digestOfCompactJson: false,
  requireTagGnap: false,
  rejectRepeatedSignatures: false,
  signatureMaxAgeMs: 300_000,
  signatureSkewMs: 60_000,
  clientKeyMaxAgeMs: 10_000,
  hashEncoding: 'base64url',
  publicGetWithForeignToken: false,
  quoteIdentifier: 'refuse',
  rotateWithForeignToken: false,
  rotateContinuation: false,
  clientWithoutName: 'refuse',
  unknownLimitMembers: 'refuse',
  unknownAmountMembers: 'refuse',
  unknownQueryParameters: 'refuse',
});

/** Tolerates known deviations of existing clients and reports each of them. The default. */
export const compat: Switches = Object.freeze({
  ...strict,
  lenientSignatureForms: true,
  digestOfCompactJson: true,
  hashEncoding: 'base64',
  publicGetWithForeignToken: true,
  quoteIdentifier: 'accept',
  rotateWithForeignToken: true,
  unknownLimitMembers: 'ignore',
  unknownAmountMembers: 'ignore',
  unknownQueryParameters: 'ignore',
});

export type ProfileName = 'strict' | 'compat';

/** The switches of a profile, some of them changed one by one. */
export function selectProfile(name: ProfileName, changed: Partial<Switches> = {}): Switches {
  return Object.freeze({ ...(name === 'strict' ? strict : compat), ...changed });
}
