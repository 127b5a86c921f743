/** The evidence of a run under a probe: which exchanges it has, how long it is, and that it shows no secret. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EvidenceSource, gatherEvidence } from '../../src/grade/probe-evidence.ts';
import { selectProfile } from '../../src/profile.ts';
import { traced } from './traced.ts';

const source = (parts: Partial<EvidenceSource>): EvidenceSource => ({
  exchanges: [],
  origins: ['https://auth.granite.example'],
  switches: selectProfile('strict'),
  secrets: [],
  ...parts,
});
const wanted = { decisive: [], most: 8, output: '' };

test('the exchanges that decided, and the last others; those between servers are left out', () => {
  const exchanges = [1, 2, 3, 4, 5, 6].map((id) => traced({ id, isFromServer: id === 5 }));
  const evidence = gatherEvidence(source({ exchanges }), { ...wanted, decisive: [2], most: 3 });
  assert.deepEqual(
    evidence.exchanges.map(({ id }) => id),
    [2, 4, 6],
  );
  assert.equal(evidence.omitted, 2);
});

test('output is shortened, after its secrets were removed', () => {
  const secret = 's'.repeat(40);
  const output = `begins${'-'.repeat(1480)}${secret}${'.'.repeat(90_000)}${secret}${'-'.repeat(2480)}ends`;
  const { output: shown } = gatherEvidence(source({ secrets: [secret] }), { ...wanted, output });
  assert.match(shown, /^begins-+…\(40\)\.+\n\(\d+ characters left out\)\n\.+…\(40\)-+ends$/);
  assert.ok(!shown.includes('sss') && shown.length < 4100, `${shown.length}`);
});

test('neither output nor exchanges show secrets of the exchanges, of the world, or keys that the client made', () => {
  const token = 'token-of-the-grant-1';
  const exchanges = [
    traced({ id: 1, body: {}, answer: { access_token: { value: token } } }),
    traced({ id: 2, url: `https://auth.granite.example/${token}`, headers: { 'X-Note': 'control-token-7' } }),
  ];
  const pem = '-----BEGIN PRIVATE KEY-----\nQUJDREVGRw==\n-----END PRIVATE KEY-----';
  const output = `got ${token}; ${pem}; {"kty":"OKP", "d": "q8JvX3pY0yq4eYbLqZ0o2A"} control-token-7`;
  const evidence = gatherEvidence(source({ exchanges, secrets: ['control-token-7'] }), { ...wanted, output });
  assert.equal(
    evidence.output,
    'got …(20); -----BEGIN PRIVATE KEY-----…-----END PRIVATE KEY-----; {"kty":"OKP", "d": "…"} …(15)',
  );
  assert.equal(evidence.exchanges.length, 2);
  assert.doesNotMatch(JSON.stringify(evidence), /token-of-the-grant-1|control-token-7|QUJDREVGRw|q8JvX3pY0yq4/);
});
