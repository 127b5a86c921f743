/**
 * Credentials of the payment method `ilp`: the ILP address contains the encrypted payment id, and the shared secret
 * follows from the address, so any process can answer any packet, also after a restart (ILP-0029 §4.1; ILP-09, ILP-15,
 * RS-IP-10…13). The same payment always gets the same credentials from the same secret.
 */
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';

const NONCE_LENGTH = 12;
const TAG_LENGTH = 16;

export interface StreamCredentials {
  readonly ilpAddress: string;
  readonly sharedSecret: Buffer;
}

const hmac = (key: Buffer, data: string | Buffer): Buffer => createHmac('sha256', key).update(data).digest();

interface Keys {
  /** Tells the secrets apart. */
  readonly version: number;
  readonly nonce: Buffer;
  readonly token: Buffer;
  readonly sharedSecret: Buffer;
}

/** Keys for the purposes of one secret, so that none is used for two. */
function deriveKeys(secret: string): Keys {
  const root = Buffer.from(secret, 'base64');
  return {
    version: hmac(root, 'ilp credentials version')[0]!,
    nonce: hmac(root, 'ilp credentials nonce'),
    token: hmac(root, 'ilp credentials token'),
    sharedSecret: hmac(root, 'ilp credentials shared secret'),
  };
}

const derived = new WeakMap<readonly string[], readonly Keys[]>();

/** The keys of secrets, which are derived once for each list of secrets. */
function keysOf(secrets: readonly string[]): readonly Keys[] {
  const keys = derived.get(secrets) ?? secrets.map(deriveKeys);
  derived.set(secrets, keys);
  return keys;
}

/** Credentials of an incoming payment, by the newest secret (the last one). */
export function createCredentials(
  secrets: readonly string[],
  prefix: string,
  incomingPaymentId: string,
): StreamCredentials {
  const keys = keysOf(secrets).at(-1)!;
  const nonce = hmac(keys.nonce, incomingPaymentId).subarray(0, NONCE_LENGTH);
  const cipher = createCipheriv('aes-256-gcm', keys.token, nonce);
  const sealed = Buffer.concat([cipher.update(incomingPaymentId, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  const token = Buffer.concat([Buffer.of(keys.version), nonce, sealed]);
  return {
    ilpAddress: `${prefix}.${token.toString('base64url')}`,
    sharedSecret: hmac(keys.sharedSecret, token),
  };
}

/**
 * The payment that an address below `prefix` belongs to, and its shared secret. Segments after the token are the
 * sender's own affair; they identify its connection. Undefined if the token was not made by one of the secrets.
 */
export function resolveAddress(
  secrets: readonly string[],
  prefix: string,
  address: string,
): { incomingPaymentId: string; connection: string; sharedSecret: Buffer } | undefined {
  if (!address.startsWith(`${prefix}.`)) return undefined;
  const [segment = '', ...rest] = address.slice(prefix.length + 1).split('.');
  const connection = rest.join('.');
  const token = Buffer.from(segment, 'base64url');
  // Decoding passes over what is no base64url: one address is not to have several spellings.
  if (token.length <= 1 + NONCE_LENGTH + TAG_LENGTH || token.toString('base64url') !== segment) return undefined;
  for (const keys of keysOf(secrets)) {
    const incomingPaymentId = keys.version === token[0] ? openToken(keys.token, token) : undefined;
    if (incomingPaymentId !== undefined) {
      return { incomingPaymentId, connection, sharedSecret: hmac(keys.sharedSecret, token) };
    }
  }
  return undefined;
}

function openToken(key: Buffer, token: Buffer): string | undefined {
  const decipher = createDecipheriv('aes-256-gcm', key, token.subarray(1, 1 + NONCE_LENGTH));
  decipher.setAuthTag(token.subarray(-TAG_LENGTH));
  try {
    const id = decipher.update(token.subarray(1 + NONCE_LENGTH, -TAG_LENGTH));
    return Buffer.concat([id, decipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
}
