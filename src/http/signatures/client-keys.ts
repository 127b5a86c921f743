/**
 * Keys of clients: JWK Sets of client wallet addresses (RFC 7517 §5) and directly presented keys (RFC 8037); AS-22…30,
 * AS-N09.
 */

import { createPublicKey, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint } from 'jose';
import { Problem } from '../../errors.ts';
import type { Outbound } from '../../net/outbound.ts';
import { parseJson } from '../../net/read-json.ts';
import type { ClientJwk } from '../../open-payments/client.ts';

/**
 * `key_not_found`: unknown kid, or no key set at the URL; `key_unusable`: the kid occurs twice or its key is not for
 * Ed25519 signatures; `keys_unreachable`: the set could not be fetched.
 */
export type ClientKeyErrorCode = 'key_not_found' | 'key_unusable' | 'keys_unreachable';

/** A key set as it was fetched. */
export interface FetchedKeySet {
  readonly url: string;
  /** Undefined for a large one, since exchanges are recorded with it. */
  readonly document: unknown;
}

export class ClientKeyError extends Error {
  readonly code: ClientKeyErrorCode;
  /** The set in which the key is missing or unusable. */
  keySet?: FetchedKeySet;
  constructor(code: ClientKeyErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'ClientKeyError';
    this.code = code;
  }
}

export interface ClientKey {
  readonly keyid: string;
  readonly key: KeyObject;
  readonly jwk: ClientJwk;
  /** RFC 7638, sha-256, base64url: the identity of a client that is only a key. */
  readonly thumbprint: string;
  /** The key set in which it was found; absent for a key that is the client. */
  readonly keySet?: FetchedKeySet & { readonly entries: ReadonlyMap<string, readonly unknown[]> };
}

export interface ClientKeys {
  /** Key of the wallet address whose kid is `keyid`. Throws ClientKeyError. */
  keyFor(clientWalletAddress: string, keyid: string): Promise<ClientKey>;
  /** Fetches the set anew when it is needed next. */
  forget(clientWalletAddress: string): void;
}

export interface ClientKeysOptions {
  /** Called before each fetch of a key set, with the client's wallet address; its error becomes that of the fetch. */
  readonly beforeFetch?: ((clientWalletAddress: string) => Promise<void>) | undefined;
  readonly outbound: Pick<Outbound, 'request'>;
  /** Wall time in milliseconds. */
  readonly wallNow: () => number;
  /** How long a fetched set is used; 0 fetches for each call. A removed key is refused at the latest after this. */
  readonly ttlMs?: number;
  /** Shortest time between two fetches of one set on account of an unknown kid. */
  readonly minRefetchMs?: number;
  /** How long a failed fetch is remembered (never longer than `ttlMs`). */
  readonly failureTtlMs?: number;
  /** Maximum number of cached sets, and their total bytes; the least recently used set is evicted first. */
  readonly maxSets?: number;
  readonly maxBytes?: number;
}

interface KeySet extends FetchedKeySet {
  readonly fetchedAt: number;
  /** Size of the response. */
  readonly bytes: number;
  /** Entries by kid, as received; `imported` holds those that were asked for. */
  readonly entries: ReadonlyMap<string, readonly unknown[]>;
  readonly imported: Map<string, Promise<ClientKey>>;
}

interface CachedSet {
  current?: KeySet;
  failure?: { readonly error: unknown; readonly at: number };
  pending?: Promise<KeySet>;
  refetchedAt: number;
}

/** Characters of a client's URL, which is a key of the cache, and of a kid, which is stored with each grant. */
const MAX_LENGTH = 2_048;

/** Any client can cause fetches, so the cache is bounded. The first sets are the least recently used. */
function evict(sets: Map<string, CachedSet>, maxBytes: number): void {
  let bytes = sets.values().reduce((sum, { current }) => sum + (current?.bytes ?? 0), 0);
  for (const [clientWalletAddress, { current }] of sets) {
    if (bytes <= maxBytes) return;
    if (!current) continue;
    bytes -= current.bytes;
    sets.delete(clientWalletAddress);
  }
}

/** Cache of clients' key sets over `outbound`. Concurrent fetches of one set are one fetch. */
export function createClientKeys(options: ClientKeysOptions): ClientKeys {
  const {
    outbound,
    wallNow,
    ttlMs = 30_000,
    minRefetchMs = 1_000,
    maxSets = 1_000,
    maxBytes = 4 * 1024 * 1024,
  } = options;
  const failureTtlMs = Math.min(options.failureTtlMs ?? 1_000, ttlMs);
  const sets = new Map<string, CachedSet>();

  return { keyFor, forget: (clientWalletAddress) => void sets.delete(clientWalletAddress) };

  async function keyFor(clientWalletAddress: string, keyid: string): Promise<ClientKey> {
    if (clientWalletAddress.length > MAX_LENGTH) {
      throw new ClientKeyError('keys_unreachable', `the client is longer than ${MAX_LENGTH} characters`);
    }
    const cached = touch(clientWalletAddress);
    const before = cached.current;
    let set = before && wallNow() - before.fetchedAt < ttlMs ? before : undefined;
    const wasCached = set !== undefined || cached.pending !== undefined;
    set ??= await fetchSet(clientWalletAddress, cached);
    if (!set.entries.has(keyid) && wasCached) {
      if (!cached.pending && wallNow() - cached.refetchedAt >= minRefetchMs) {
        cached.refetchedAt = wallNow();
        set = await fetchSet(clientWalletAddress, cached);
      } else if (cached.pending) set = await cached.pending;
    }
    return importKey(set, keyid);
  }

  function touch(clientWalletAddress: string): CachedSet {
    const cached = sets.get(clientWalletAddress) ?? { refetchedAt: Number.NEGATIVE_INFINITY };
    sets.delete(clientWalletAddress);
    sets.set(clientWalletAddress, cached);
    if (sets.size > maxSets) sets.delete(sets.keys().next().value!);
    return cached;
  }

  function fetchSet(clientWalletAddress: string, cached: CachedSet): Promise<KeySet> {
    if (cached.pending) return cached.pending;
    if (cached.failure && wallNow() - cached.failure.at < failureTtlMs) return Promise.reject(cached.failure.error);
    const pending = Promise.resolve(options.beforeFetch?.(clientWalletAddress))
      .then(() => fetchKeySet(outbound, clientWalletAddress, wallNow))
      .then(
        (set) => {
          cached.current = set;
          cached.failure = undefined;
          evict(sets, maxBytes);
          return set;
        },
        (error: unknown) => {
          cached.failure = { error, at: wallNow() };
          throw error;
        },
      )
      .finally(() => {
        cached.pending = undefined;
      });
    cached.pending = pending;
    return pending;
  }
}

/** Some forty keys. */
const MAX_RECORDED_BYTES = 8192;

async function fetchKeySet(
  outbound: Pick<Outbound, 'request'>,
  clientWalletAddress: string,
  wallNow: () => number,
): Promise<KeySet> {
  const url = URL.parse(clientWalletAddress);
  if (url === null || url.search !== '' || url.hash !== '') {
    throw new ClientKeyError('keys_unreachable', 'the client is not a wallet address URL');
  }
  const fetchedAt = wallNow(); // a key removed while the answer was on its way is not used for longer
  const keySet = { url: `${clientWalletAddress.replace(/\/$/, '')}/jwks.json` };
  const response = await outbound.request(keySet).catch((error: unknown) => {
    throw new ClientKeyError('keys_unreachable', "the client's key set cannot be fetched", error);
  });
  if (response.status !== 200) throw new ClientKeyError('key_not_found', `key set: status ${response.status}`);
  const document = parseJson(response.body);
  const entries = readKeySet(document);
  const bytes = response.body.length;
  const recorded = bytes <= MAX_RECORDED_BYTES ? document : undefined;
  return { ...keySet, fetchedAt, bytes, document: recorded, entries, imported: new Map() };
}

/** Entries of a JWK Set by kid. Entries without a kid, or broken in another way, do not matter to the others. */
function readKeySet(document: unknown): Map<string, unknown[]> {
  const keys = (document as { keys?: unknown } | null | undefined)?.keys;
  if (!Array.isArray(keys)) throw new ClientKeyError('key_not_found', 'the key set lacks the member keys');
  const byKid = new Map<string, unknown[]>();
  for (const jwk of keys) {
    const kid: unknown = jwk?.kid;
    if (typeof kid !== 'string') continue;
    const same = byKid.get(kid);
    if (same) same.push(jwk);
    else byKid.set(kid, [jwk]);
  }
  return byKid;
}

function importKey({ url, document, entries, imported }: KeySet, keyid: string): Promise<ClientKey> {
  const known = imported.get(keyid);
  if (known) return known;
  const key = importOnlyEntry(entries.get(keyid)).then(
    (only) => ({ ...only, keySet: { url, document, entries } }),
    (error: unknown) => {
      if (error instanceof ClientKeyError && document !== undefined) error.keySet = { url, document };
      throw error;
    },
  );
  if (entries.has(keyid)) imported.set(keyid, key);
  return key;
}

async function importOnlyEntry(entries: readonly unknown[] | undefined): Promise<ClientKey> {
  if (entries === undefined) throw new ClientKeyError('key_not_found', 'the key set lacks a key of that kid');
  if (entries.length !== 1) throw new ClientKeyError('key_unusable', 'the key set has several keys of that kid');
  return importClientJwk(entries[0]);
}

/** Members of private and symmetric keys (RFC 7518 §6.2.2, §6.3.2, §6.4; RFC 8037 §2). */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/**
 * A public Ed25519 JWK with `alg` EdDSA, `kty` OKP, `crv` Ed25519 and a kid; unknown members are dropped. Private members
 * are refused rather than dropped, because their owner should learn that the key is exposed. Throws ClientKeyError
 * `key_unusable`.
 */
export function parseClientJwk(jwk: unknown): ClientJwk {
  const members = (jwk ?? {}) as Record<string, unknown>;
  const exposed = PRIVATE_MEMBERS.find((name) => Object.hasOwn(members, name));
  if (exposed !== undefined) {
    throw new ClientKeyError(
      'key_unusable',
      `the key contains its private member ${exposed}; send the public key only`,
    );
  }
  const { kid, alg, kty, crv, x, use } = members;
  if (typeof kid !== 'string' || kid === '') throw new ClientKeyError('key_unusable', 'the key lacks a kid');
  if (kid.length > MAX_LENGTH) throw new ClientKeyError('key_unusable', `the kid is longer than ${MAX_LENGTH}`);
  if (alg !== 'EdDSA' || kty !== 'OKP' || crv !== 'Ed25519') {
    throw new ClientKeyError('key_unusable', 'the key is not alg EdDSA, kty OKP, crv Ed25519');
  }
  if (use !== undefined && use !== 'sig') throw new ClientKeyError('key_unusable', 'the key is not for signatures');
  // The last character has two spare bits. Only one of its four spellings is taken, so that a key has one thumbprint.
  if (typeof x !== 'string' || !/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/.test(x)) {
    throw new ClientKeyError('key_unusable', 'x is not 32 bytes in canonical base64url');
  }
  return { kid, alg, kty, crv, x };
}

export const createClientKey = ({ kty, crv, x }: ClientJwk): KeyObject =>
  createPublicKey({ key: { kty, crv, x }, format: 'jwk' });

/** The key of a client's JWK. Throws ClientKeyError `key_unusable`. */
export async function importClientJwk(jwk: unknown): Promise<ClientKey> {
  const publicJwk = parseClientJwk(jwk);
  const { kid, kty, crv, x } = publicJwk;
  try {
    return {
      keyid: kid,
      key: createClientKey(publicJwk),
      jwk: publicJwk,
      thumbprint: await calculateJwkThumbprint({ kty, crv, x }),
    };
  } catch (error) {
    throw new ClientKeyError('key_unusable', 'the key cannot be imported', error);
  }
}

/** The key of a `{jwk}` client; its kid must be the signature's keyid (AMB-17). */
export async function expectClientJwk(jwk: unknown, keyid: string): Promise<ClientKey> {
  const key = await importClientJwk(jwk);
  if (key.keyid !== keyid)
    throw new Problem('invalid_signature', { description: 'keyid is not the kid of the client’s key' });
  return key;
}
