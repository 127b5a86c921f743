/** Clients and their keys: given in the request, or fetched from the wallet address of the client. */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { Refusal } from './http.ts';
import { hasMembers, isObject, isWebUrl, type Json } from './json.ts';
import { SignatureError } from './signatures.ts';

export interface Client {
  /** Equal for requests of one client. */
  readonly id: string;
  readonly walletAddress?: string;
  readonly jwk?: Json;
}

/** Key sets of wallet addresses hosted here, by URL. */
export type LocalKeys = (walletAddress: string) => readonly Json[] | undefined;

const MAX_AGE_MS = 30_000;
/** A key that a set lacks is looked for again after so long. */
const PAUSE_MS = 1000;
const MAX_SET_BYTES = 65_536;

/** The `client` member of a grant request. */
export function readClient(value: Json): Client {
  if (typeof value === 'string') return walletClient(value);
  if (hasMembers(value, ['walletAddress']) && typeof value.walletAddress === 'string') {
    return walletClient(value.walletAddress);
  }
  if (!hasMembers(value, ['jwk'])) throw new Refusal(400, 'invalid_request', 'client names no wallet address or key');
  const { jwk } = value;
  if (!isUsable(jwk)) throw new Refusal(400, 'invalid_request', 'the key of the client is not an Ed25519 key');
  const thumbprint = JSON.stringify({ crv: jwk.crv, kty: jwk.kty, x: jwk.x });
  return { id: `jwk ${createHash('sha256').update(thumbprint).digest('base64url')}`, jwk };
}

function walletClient(url: string): Client {
  if (!isWebUrl(url)) throw new Refusal(400, 'invalid_client', 'the client is not a wallet address');
  const walletAddress = new URL(url).href.replace(/\/$/, '');
  return { id: walletAddress, walletAddress };
}

/** A public Ed25519 key as Open Payments describes it. */
function isUsable(jwk: Json): boolean {
  if (!hasMembers(jwk, ['kid', 'alg', 'kty', 'crv', 'x'], ['use'])) return false;
  const { kid, alg, kty, crv, x, use } = jwk;
  if (typeof kid !== 'string' || kid === '' || (use !== undefined && use !== 'sig')) return false;
  if (alg !== 'EdDSA' || kty !== 'OKP' || crv !== 'Ed25519' || typeof x !== 'string') return false;
  const bytes = Buffer.from(x, 'base64url');
  return bytes.length === 32 && bytes.toString('base64url') === x;
}

interface KeySet {
  readonly keys: readonly Json[];
  readonly fetchedAt: number;
}

/** Finds the key of a client. @throws Refusal with 400 `invalid_client` if there is none */
export function createKeyFinder(localKeys: LocalKeys): (client: Client, keyId: string) => Promise<KeyObject> {
  const sets = new Map<string, KeySet>();
  const fetches = new Map<string, Promise<KeySet>>();
  const pausedUntil = new Map<string, number>();
  const fetchOnce = (url: string): Promise<KeySet> => {
    const running = fetches.get(url);
    if (running) return running;
    const started = fetchKeySet(url).finally(() => fetches.delete(url));
    fetches.set(url, started);
    return started;
  };
  const keysOf = async (url: string, keyId: string): Promise<readonly Json[]> => {
    const local = localKeys(url);
    if (local) return local;
    const known = sets.get(url);
    const isFresh = known !== undefined && Date.now() - known.fetchedAt < MAX_AGE_MS;
    const names = (set: KeySet): boolean => set.keys.some(({ kid }) => kid === keyId);
    if (isFresh && (names(known) || (pausedUntil.get(url) ?? 0) > Date.now())) return known.keys;
    const fetched = await fetchOnce(url);
    sets.set(url, fetched);
    if (!names(fetched)) pausedUntil.set(url, Date.now() + PAUSE_MS);
    return fetched.keys;
  };
  return async ({ walletAddress, jwk }, keyId) => {
    if (jwk && jwk.kid !== keyId) throw new SignatureError('keyid is not the kid of the key');
    const keys = walletAddress === undefined ? [jwk] : await keysOf(walletAddress, keyId);
    const named = keys.filter((key) => isObject(key) && key['kid'] === keyId);
    const [key] = named;
    if (named.length !== 1 || !isUsable(key)) throw new Refusal(400, 'invalid_client', 'the key is not known');
    return createPublicKey({ key, format: 'jwk' });
  };
}

/** @throws Refusal unless the answer is a key set of moderate size */
async function fetchKeySet(walletAddress: string): Promise<KeySet> {
  try {
    const signal = AbortSignal.timeout(2000);
    const answer = await fetch(`${walletAddress}/jwks.json`, { redirect: 'manual', signal });
    const isJson = (answer.headers.get('content-type') ?? '').startsWith('application/json');
    if (answer.status !== 200 || !isJson) throw new Error('not a key set');
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of answer.body ?? []) {
      size += chunk.length;
      if (size > MAX_SET_BYTES) throw new Error('too large');
      chunks.push(chunk);
    }
    const { keys } = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    if (!Array.isArray(keys)) throw new Error('no keys');
    return { keys: keys.filter(isObject), fetchedAt: Date.now() };
  } catch {
    throw new Refusal(400, 'invalid_client', 'the key set of the client cannot be read');
  }
}
