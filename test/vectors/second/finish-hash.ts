/** The interaction finish hash, written a second time: by another hash function of the platform, encoded by hand. */
import { hash } from 'node:crypto';

interface Inputs {
  readonly clientNonce: string;
  readonly serverNonce: string;
  readonly interactRef: string;
  readonly grantEndpoint: string;
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

export function finishHash(inputs: Inputs, encoding: 'base64' | 'base64-unpadded' | 'base64url'): string {
  const { clientNonce, serverNonce, interactRef, grantEndpoint } = inputs;
  const digits = BigInt(`0x${hash('sha256', `${clientNonce}\n${serverNonce}\n${interactRef}\n${grantEndpoint}`)}`);
  const alphabet = `${LETTERS}${encoding === 'base64url' ? '-_' : '+/'}`;
  // 256 bits are 43 groups of six, the last of which has two bits of zeros.
  const groups = Array.from({ length: 43 }, (_, index) => Number(((digits << 2n) >> BigInt(6 * (42 - index))) & 63n));
  return groups.map((group) => alphabet[group]).join('') + (encoding === 'base64' ? '=' : '');
}
