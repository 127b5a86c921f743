/** Client instances (RFC 9635 §2.3): a wallet address with a key set, or a key alone. */

/** Public members of an Ed25519 JWK as Open Payments wants it. */
export interface ClientJwk {
  readonly kid: string;
  readonly alg: 'EdDSA';
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  readonly x: string;
}

/** A client by its wallet address, or by its key alone. */
export type ClientInstance = { readonly walletAddress: string } | { readonly jwk: ClientJwk };
