/** The interaction finish hash, against a published vector (AS-100…105). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createInteractionHash } from '../../src/open-payments/interaction-hash.ts';

const interaction = {
  clientNonce: 'VJLO6A4CATR0KRO',
  serverNonce: 'MBDOFXG4Y5CVJCX821LH',
  interactRef: '4IFWWIKYB2PQ6U56NL1',
  grantEndpoint: 'https://server.example.com/tx',
};

test('AS-102, AS-105: padded base64, which clients expect', () => {
  assert.equal(createInteractionHash(interaction, 'base64'), 'x+gguKWTj8rQf7d7i3w3UhzvuJ5bpOlKyAlVpLxBffY=');
});

test('AS-105: the published value, in base64url without padding (RFC 9635 §4.2.3)', () => {
  assert.equal(createInteractionHash(interaction, 'base64url'), 'x-gguKWTj8rQf7d7i3w3UhzvuJ5bpOlKyAlVpLxBffY');
});

test('depends on every value, including the trailing slash of the endpoint', () => {
  const hash = createInteractionHash(interaction, 'base64');
  for (const member of Object.keys(interaction) as (keyof typeof interaction)[]) {
    const changed = { ...interaction, [member]: `${interaction[member]}/` };
    assert.notEqual(createInteractionHash(changed, 'base64'), hash, member);
  }
});
