/** Keys and secrets derived from the first secret of an ASE, equal in every process and after every start. */
import { createHmac, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { ClientJwk } from '../open-payments/client.ts';

/** Bytes. Provisioning makes 32. */
const MIN_SECRET_BYTES = 16;

function derive(secrets: readonly string[], label: string): Buffer {
  const secret = Buffer.from(secrets[0]!, 'base64');
  if (secret.length < MIN_SECRET_BYTES) throw new Error('the secret of the ASE is too short');
  return createHmac('sha256', secret).update(label).digest();
}

/** A secret for a purpose. */
export const deriveSecret = (secrets: readonly string[], purpose: string): string =>
  derive(secrets, `secret\n${purpose}`).toString('base64url').replace(/^[-_]/, 'x');

/** PKCS#8 header of an Ed25519 private key (RFC 8410 §7), before its 32 bytes. */
const ED25519_PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** An Ed25519 key: of the test client, or of the ASE as a client of others, with the path that publishes it. */
export function deriveKey(secrets: readonly string[], purpose: 'client' | `instance ${string}`): KeyObject {
  const bytes = derive(secrets, `ed25519 key\n${purpose}`);
  return createPrivateKey({ key: Buffer.concat([ED25519_PKCS8, bytes]), format: 'der', type: 'pkcs8' });
}

/** The public part of an Ed25519 key, private or public. */
export function exportPublicJwk(key: KeyObject, kid: string): ClientJwk {
  const { x } = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' });
  return { kid, alg: 'EdDSA', kty: 'OKP', crv: 'Ed25519', x: x! };
}
