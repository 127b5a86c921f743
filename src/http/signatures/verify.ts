/** Verification of a signed request: RFC 9421 §3.2 and §3.3.6, RFC 9635 §7.3.1. */
import { type KeyObject, verify } from 'node:crypto';
import type { WireSwitches } from '../../profile.ts';
import type { ReceivedRequest } from '../received-request.ts';
import { verifyContentDigest } from './content-digest.ts';
import { createSignatureBase } from './signature-base.ts';
import { type ReadSignature, readSignature } from './signature-input.ts';
import { refusal, type Verdict } from './verdict.ts';

export interface CheckOptions {
  /** Ed25519 public key of the client. */
  readonly key: KeyObject;
  /** `kid` that the signature's keyid must equal, when the key was not looked up by it (SIG-32). */
  readonly expectedKeyId?: string;
  readonly switches: WireSwitches;
}

/** Second step, after `readSignature`: digest and signature, with the key that belongs to `read.keyid`. */
export function checkSignature(exchange: ReceivedRequest, read: ReadSignature, options: CheckOptions): Verdict {
  const { key, expectedKeyId, switches } = options;
  if (expectedKeyId !== undefined && read.keyid !== expectedKeyId) {
    return refusal('keyid_mismatch', 'keyid is not the kid of the expected key');
  }
  if (key.asymmetricKeyType !== 'ed25519') return refusal('unsupported_key', 'the key is not an Ed25519 key');
  const digest = verifyContentDigest(exchange, switches);
  if (!digest.ok) return digest;
  const built = createSignatureBase(exchange, read.components, read.signatureParams);
  if (!built.ok) return built;
  if (!verify(null, Buffer.from(built.base, 'ascii'), key, read.signature)) {
    return refusal('signature_mismatch', 'the signature does not verify with this key over the signature base');
  }
  return { ok: true, lenient: [...read.lenient, ...digest.lenient] };
}

/** Both steps at once, for a caller that knows the key. `now` is wall time in milliseconds. */
export function verifySignature(exchange: ReceivedRequest, options: CheckOptions & { readonly now: number }): Verdict {
  const read = readSignature(exchange, options.switches, options.now);
  return read.ok ? checkSignature(exchange, read, options) : read;
}

/**
 * The value that may be used only once with the verified key: the nonce, or the signature itself if the profile asks
 * for that (SIG-15, SIG-16). Remember it after `checkSignature` accepted, so that a forged request cannot use up a nonce.
 */
export function singleUseValue({ params, signature }: ReadSignature, switches: WireSwitches): string | undefined {
  return params.nonce ?? (switches.rejectRepeatedSignatures ? signature.toString('base64') : undefined);
}
