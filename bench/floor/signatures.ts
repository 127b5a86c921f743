/** HTTP message signatures in the one form that the driver sends: one Ed25519 verification and one SHA-512. */
import { createPublicKey, hash, type KeyObject, verify } from 'node:crypto';
import type { Request } from 'express';
import { query } from './database.ts';
import { Refused } from './http.ts';

/** Age at which the program asks for a client's key again. */
const KEY_MAX_AGE_MS = 30_000;
const SIGNATURE_MAX_AGE_S = 3600;

const keys = new Map<string, { readonly key: KeyObject; readonly fetchedAt: number }>();

async function keyOf(client: string, kid: string): Promise<KeyObject> {
  const name = `${client}#${kid}`;
  const cached = keys.get(name);
  if (cached && Date.now() - cached.fetchedAt < KEY_MAX_AGE_MS) return cached.key;
  const [row] = await query(
    'key',
    `select k.jwk from wallet_address w join wallet_address_key k on k.ase = w.ase and k.wallet_address_id = w.id
     where w.ase = $1 and w.url = $2 and k.kid = $3`,
    [client, kid],
  );
  if (!row) throw new Refused(401);
  const key = createPublicKey({ format: 'jwk', key: row['jwk'] });
  keys.set(name, { key, fetchedAt: Date.now() });
  return key;
}

const INPUT = /^sig1=(\(([^)]*)\);created=(\d+);keyid="([^"]+)")$/;

/** Throws 401 unless the client has signed the request. */
export async function checkSignature(req: Request, origin: string, client: string, body?: Buffer): Promise<void> {
  const { headers, method, originalUrl } = req;
  const input = INPUT.exec((headers['signature-input'] as string) ?? '');
  const signature = /^sig1=:([A-Za-z0-9+/=]+):$/.exec((headers['signature'] as string) ?? '');
  if (!input || !signature || Math.abs(Date.now() / 1000 - Number(input[3])) > SIGNATURE_MAX_AGE_S) {
    throw new Refused(401);
  }
  const key = await keyOf(client, input[4]!);
  if (body) {
    const [, digest] = /sha-512=:([^:]+):/.exec((headers['content-digest'] as string) ?? '') ?? [];
    if (hash('sha512', body, 'base64') !== digest) throw new Refused(401);
  }
  let base = '';
  for (const quoted of input[2]!.split(' ')) {
    const name = quoted.slice(1, -1);
    const value = name === '@method' ? method : name === '@target-uri' ? origin + originalUrl : headers[name];
    base += `${quoted}: ${value}\n`;
  }
  const signed = Buffer.from(`${base}"@signature-params": ${input[1]}`, 'ascii');
  if (!verify(null, signed, key, Buffer.from(signature[1]!, 'base64'))) throw new Refused(401);
}
