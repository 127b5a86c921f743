/** Addresses that are blocked always, and those that are blocked unless the operator allows them (RFC 6890, AS-30). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError } from '../../src/errors.ts';
import {
  isAllowedAddress,
  isPublicAddress,
  loopbackRanges,
  parseAddressRanges,
  privateRanges,
} from '../../src/net/addresses.ts';

const blocked = [
  '0.0.0.0',
  '0.1.2.3',
  '169.254.169.254',
  '192.0.0.192',
  '198.18.0.1',
  '203.0.113.1',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '100.100.100.200',
  '168.63.129.16',
  '::',
  '::7f00:1',
  'fe80::1',
  'fe80::1%eth0',
  'fec0::1',
  'fd00:ec2::254',
  'fd00:ec2::254%1',
  'ff02::1',
  '100::1',
  '2001::1',
  '2001:db8::1',
  '2002:7f00:1::',
  '64:ff9b::7f00:1',
  '64:ff9b:1::7f00:1',
  '5f00::1',
  '::ffff:169.254.169.254',
  '::ffff:0:127.0.0.1',
  '::ffff:0.0.0.0',
  'not an address',
  '',
];
const loopback = ['127.0.0.1', '127.1.2.3', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1'];
const internal = [
  '10.0.0.1',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '100.64.0.1',
  'fc00::1',
  'fd12::1%eth0',
  '::ffff:10.0.0.1',
];
const open = ['1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '::ffff:1.1.1.1'];

test('an address is public, private or always blocked', () => {
  for (const [addresses, isPublic, ...allowed] of [
    [blocked, false, false, false, false],
    [internal, false, false, false, true],
    [loopback, false, false, true, true],
    [open, true, true, true, true],
  ] as const) {
    for (const address of addresses) {
      assert.equal(isPublicAddress(address), isPublic, address);
      const answers = [[], loopbackRanges, privateRanges].map((ranges) => isAllowedAddress(address, ranges));
      assert.deepEqual(answers, allowed, address);
    }
  }
});

test('ranges are named or written as CIDR', () => {
  const ranges = parseAddressRanges('loopback, 10.1.0.0/16,fd00::/8');
  for (const address of ['127.0.0.1', '::1', '10.1.2.3', '::ffff:10.1.2.3', 'fd12::1'])
    assert.equal(isAllowedAddress(address, ranges), true, address);
  for (const address of ['10.2.0.1', '192.168.0.1', 'fc00::1', 'fd00:ec2::254'])
    assert.equal(isAllowedAddress(address, ranges), false, address);
  assert.deepEqual(parseAddressRanges(undefined), []);
  for (const wrong of ['', ',', 'all', '10.0.0.0', '10.0.0.0/33', '0.0.0.0/0', '::/0', '169.254.0.0/16', '8.8.8.0/24'])
    assert.throws(() => parseAddressRanges(wrong), ConfigError, wrong);
});
