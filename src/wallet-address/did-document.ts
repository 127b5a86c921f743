/** The DID document of a wallet address (did:web). */
import type { ClientJwk } from '../open-payments/client.ts';

/** Percent-encodes everything but the unescaped characters of DID Core §3.1, so that no two texts become one. */
const encodeIdPart = (text: string): string =>
  encodeURIComponent(text).replace(/[!~*'()]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

/** `did:web:<host>:<path segments>`, a port as `%3A`. Two canonical wallet addresses never share a DID (OPI-088). */
export function createDid(walletAddress: string): string {
  const { host, pathname } = new URL(walletAddress);
  const segments = pathname.split('/').filter((segment) => segment !== '');
  return ['did:web', ...[host, ...segments].map(encodeIdPart)].join(':');
}

export function createDidDocument(walletAddress: string, keys: readonly ClientJwk[]): Record<string, unknown> {
  const id = createDid(walletAddress);
  const methods = keys.map((jwk) => ({
    id: `${id}#${encodeURIComponent(jwk.kid)}`,
    type: 'JsonWebKey2020',
    controller: id,
    publicKeyJwk: jwk,
  }));
  const references = methods.map((method) => method.id);
  return {
    '@context': ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/suites/jws-2020/v1'],
    id,
    verificationMethod: methods,
    authentication: references,
    assertionMethod: references,
  };
}
