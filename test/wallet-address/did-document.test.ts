/** DIDs of wallet addresses: valid by DID Core §3.1 and injective (OPI-088). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseWalletAddress } from '../../src/open-payments/wallet-address-url.ts';
import { createDid } from '../../src/wallet-address/did-document.ts';
import fc from '../support/fast-check.ts';

/** A did:web of DID Core §3.1, none of whose parts is empty. */
const validDid = /^did:web(?::(?:[A-Za-z0-9._-]|%[0-9A-F]{2})+)+$/;

/** Reads the DID back as a resolver of did:web does. */
function toWalletAddress(did: string): string {
  const [host, ...segments] = did.split(':').slice(2).map(decodeURIComponent);
  return ['https:/', host, ...segments].join('/');
}

test('characters that a DID does not allow are percent-encoded', () => {
  const dids = ['/x/b', '/x:b', '/x%3ab', "/!$&'()*+,;=@~"].map((path) => createDid(`https://ase.example:8443${path}`));
  assert.deepEqual(dids, [
    'did:web:ase.example%3A8443:x:b',
    'did:web:ase.example%3A8443:x%3Ab',
    'did:web:ase.example%3A8443:x%253ab',
    'did:web:ase.example%3A8443:%21%24%26%27%28%29%2A%2B%2C%3B%3D%40%7E',
  ]);
});

test('every canonical wallet address has a valid DID that leads back to it', () => {
  const char = fc.constantFrom(...'ab09-._~!$&\'()*+,;=:@/%|^[]"<>{}`\\é');
  const host = fc.constantFrom('ase.example', 'ase.example:8443', '[::1]', '[::1]:8443');
  fc.assert(
    fc.property(host, fc.array(char, { maxLength: 12 }), (authority, chars) => {
      const address = parseWalletAddress(`https://${authority}/${chars.join('')}`);
      fc.pre(address !== undefined);
      const did = createDid(address);
      assert.match(did, validDid);
      assert.equal(toWalletAddress(did), address);
    }),
  );
});
