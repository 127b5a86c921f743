/** Recognises private keys in texts of any kind. */
import { createPrivateKey } from 'node:crypto';

/** Spellings of a private key: the PEM without its frame, and the 32 bytes in the usual encodings. */
export function spellingsOf(pem: string): string[] {
  const key = createPrivateKey(pem);
  const secret = Buffer.from(String(key.export({ format: 'jwk' }).d), 'base64url');
  const der = key.export({ format: 'der', type: 'pkcs8' });
  const encoded = [secret.toString('base64url'), secret.toString('base64'), secret.toString('hex')];
  return [...encoded, der.toString('base64'), der.toString('hex')];
}
