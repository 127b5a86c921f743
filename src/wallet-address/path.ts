/** Paths of wallet addresses: any path of the ASE that is not one of its own endpoints (WA-20…24). */
import { canonicalPath } from '../open-payments/wallet-address-url.ts';

/** The wallet address of the ASE's root, as payment pointers without a path resolve (ILP-0026). */
export const rootPath = '/.well-known/pay';

/** Path of the ASE's own client wallet address, which has keys but no document (WA-36). */
export const instancePath = '/.well-known/ase';

const documents = { '/jwks.json': 'get-wallet-address-keys', '/did.json': 'get-wallet-address-did-document' } as const;

export type WalletAddressOperation = 'get-wallet-address' | (typeof documents)[keyof typeof documents];

export interface WalletAddressTarget {
  readonly operationId: WalletAddressOperation;
  /** Path in the document of that operation. */
  readonly documentPath: string;
  /** Canonical path of the wallet address: lower case, no trailing or double slashes. */
  readonly path: string;
}

/** Reads a request target: which document of which wallet address. */
export function parseWalletAddressTarget(rawTarget: string): WalletAddressTarget {
  const path = canonicalPath(rawTarget);
  for (const [suffix, operationId] of Object.entries(documents)) {
    if (path.endsWith(suffix)) {
      return { operationId, documentPath: suffix, path: path.slice(0, -suffix.length) || rootPath };
    }
  }
  return { operationId: 'get-wallet-address', documentPath: '/', path: path === '/' ? rootPath : path };
}
