/** Paths of wallet addresses: any path of the ASE that is not an endpoint (WA-20…24). */
import { createHash } from 'node:crypto';
import { withoutLastSlashes } from '../net/slashes.ts';
import { canonicalPath } from '../open-payments/wallet-address-url.ts';

/** Path of the root wallet address, to which payment pointers without a path resolve (ILP-0026). */
export const rootPath = '/.well-known/pay';

/**
 * Path of the wallet address that the ASE uses as a client of an authorization server. It has one key, which the ASE
 * uses for no other server (RFC 9635 §11.12), and no document (WA-36).
 */
export const instancePathFor = (authServer: string): string =>
  `/.well-known/ase/${createHash('sha256').update(withoutLastSlashes(authServer)).digest('hex').slice(0, 32)}`;

/** True for every path that `instancePathFor` can return. */
export const isInstancePath = (path: string): boolean => /^\/\.well-known\/ase\/[0-9a-f]{32}$/.test(path);

const documents = { '/jwks.json': 'get-wallet-address-keys', '/did.json': 'get-wallet-address-did-document' } as const;

export type WalletAddressOperation = 'get-wallet-address' | (typeof documents)[keyof typeof documents];

export interface WalletAddressTarget {
  readonly operationId: WalletAddressOperation;
  /** Canonical path of the wallet address: lower case, no trailing or double slashes. */
  readonly path: string;
}

/** The wallet address and the document that a request target identifies. */
export function parseWalletAddressTarget(rawTarget: string): WalletAddressTarget {
  const path = canonicalPath(rawTarget);
  for (const [suffix, operationId] of Object.entries(documents)) {
    if (path.endsWith(suffix)) {
      return { operationId, path: path.slice(0, -suffix.length) || rootPath };
    }
  }
  return { operationId: 'get-wallet-address', path: path === '/' ? rootPath : path };
}
