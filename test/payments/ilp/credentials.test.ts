/** ILP credentials: stateless, stable, and of no use under another secret (ILP-09, ILP-15, RS-IP-10…13). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createCredentials, resolveAddress } from '../../../src/payments/ilp/credentials.ts';
import fc from '../../support/fast-check.ts';
import { secretOf } from '../support/payment-rows.ts';

const [older, newer] = [secretOf('a'), secretOf('b')];
const id = '1f6c9f0e-6f0b-4b1c-8f8e-2f4a5c1d7e90';

describe('ILP credentials', () => {
  it('have the form that Open Payments asks for', () => {
    const { ilpAddress, sharedSecret } = createCredentials([older], 'test.granite', id);
    assert.match(ilpAddress, /^(g|private|example|peer|self|test[1-3]?|local)([.][a-zA-Z0-9_~-]+)+$/);
    assert.ok(ilpAddress.length <= 1023);
    assert.match(sharedSecret.toString('base64url'), /^[A-Za-z0-9_-]{43}$/);
    assert.ok(!ilpAddress.includes(id));
  });

  it('resolve to the payment and the same secret, whatever follows the token', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), (paymentId) => {
        const { ilpAddress, sharedSecret } = createCredentials([older], 'test.granite', paymentId);
        const expected = { incomingPaymentId: paymentId, sharedSecret };
        const resolve = (address: string) => resolveAddress([older], 'test.granite', address);
        assert.deepEqual(resolve(ilpAddress), { ...expected, connection: '' });
        assert.deepEqual(resolve(`${ilpAddress}.0.x`), { ...expected, connection: '0.x' });
      }),
      { numRuns: 50 },
    );
  });

  it('are the same each time, and others for another payment', () => {
    const first = createCredentials([older], 'test.granite', id);
    assert.deepEqual(createCredentials([older], 'test.granite', id), first);
    const other = createCredentials([older], 'test.granite', `${id}x`);
    assert.notEqual(other.ilpAddress, first.ilpAddress);
    assert.ok(!other.sharedSecret.equals(first.sharedSecret));
  });

  it('of an older secret still resolve; of a secret that is gone, no more', () => {
    const { ilpAddress } = createCredentials([older], 'test.granite', id);
    assert.equal(resolveAddress([older, newer], 'test.granite', ilpAddress)?.incomingPaymentId, id);
    assert.equal(resolveAddress([newer], 'test.granite', ilpAddress), undefined);
    assert.notEqual(createCredentials([older, newer], 'test.granite', id).ilpAddress, ilpAddress);
  });

  it('do not resolve when changed in any bit, cut short, or below another prefix', () => {
    const { ilpAddress } = createCredentials([older], 'test.granite', id);
    const token = Buffer.from(ilpAddress.slice('test.granite.'.length), 'base64url');
    for (let bit = 8; bit < token.length * 8; bit += 1) {
      const changed = Buffer.from(token);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      assert.equal(resolveAddress([older], 'test.granite', `test.granite.${changed.toString('base64url')}`), undefined);
    }
    // An address has one spelling: decoding base64url would pass over `~`, `=` and the last bits.
    const respelt = [`${ilpAddress}~`, ilpAddress.replace('test.granite.', '$&~'), `${ilpAddress.slice(0, -1)}=`];
    for (const address of ['test.granite', 'test.granite.', 'test.granite.AAAA', ilpAddress.slice(0, -9), ...respelt]) {
      assert.equal(resolveAddress([older], 'test.granite', address), undefined);
    }
    assert.equal(resolveAddress([older], 'test.marble', ilpAddress), undefined);
  });
});
