/** The DID document of a wallet address (did:web). */
import type { ClientJwk } from '../open-payments/client.ts';

/** `did:web:<host>:<path segments>`, a port as `%3A`. */
function createDid(walletAddress: string): string {
  const { host, pathname } = new URL(walletAddress);
  const segments = pathname.split('/').filter((segment) => segment !== '');
  return ['did:web', encodeURIComponent(host), ...segments].join(':');
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
