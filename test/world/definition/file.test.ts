/** The world file: what it may hold, and what is said of one that is wrong. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { load } from 'js-yaml';
import { ConfigError } from '../../../src/errors.ts';
import { defaultWorld } from '../../../src/world/definition/definition.ts';
import { parseWorld, readWorldFile } from '../../../src/world/definition/file.ts';
import { loadYaml } from '../../../src/world/definition/yaml.ts';

const directory = mkdtempSync(join(tmpdir(), 'touchstone-world-'));
after(() => rmSync(directory, { recursive: true }));

const small = `
ases:
  - name: slate
    wallets:
      - { path: /People/Ann, asset: CHF/2, balance: 12345 }
sender: slate/people/ann
receiver: slate/people/ann
client: { wallet: slate/people/ann, keyId: k1 }
`;

const parse = (yaml: string) => parseWorld(loadYaml(yaml).document, directory);

/** The mistakes that are found in the document. */
function mistakesIn(yaml: string): string[] {
  try {
    parse(yaml);
  } catch (error) {
    assert.ok(error instanceof ConfigError, `${error}`);
    return error.message.split('\n');
  }
  return assert.fail('nothing was found wrong');
}

test('a small world: what is left out is as in the default one', () => {
  const world = parse(small);
  assert.deepEqual(world.ases, [
    {
      name: 'slate',
      portOffset: 0,
      wallets: [{ path: '/people/ann', asset: { code: 'CHF', scale: 2 }, balance: 12_345n }],
    },
  ]);
  assert.deepEqual(world.client, { ase: 'slate', path: '/people/ann', keyId: 'k1' });
  assert.deepEqual(world.prices, defaultWorld.prices);
  assert.equal(world.maxPacketAmount, defaultWorld.maxPacketAmount);
});

test('how an ASE makes grants, and single switches', () => {
  const world = parse(`
${small.replace('name: slate', 'name: slate\n    grants: { consentFor: [quote], waitSeconds: 5, tokenSeconds: 60, interactionSeconds: 30 }')}
switches: { rotateContinuation: true, hashEncoding: base64url, signatureMaxAgeMs: 1000 }
`);
  const grants = { consentFor: ['quote'], waitSeconds: 5, tokenSeconds: 60, interactionSeconds: 30 };
  assert.deepEqual(world.ases[0]?.grants, grants);
  assert.deepEqual(world.switches, { rotateContinuation: true, hashEncoding: 'base64url', signatureMaxAgeMs: 1000 });
});

test('each wrong switch and grant rule is reported', () => {
  const mistakes = mistakesIn(`
${small.replace('name: slate', 'name: slate\n    grants: { consentFor: [outgoing-payment], waitSeconds: -1, tokenSecond: 5 }')}
switches: { rotateContinuations: true, hashEncoding: hex, requireTagGnap: 1 }
`);
  const expected = [
    /^ases\[0\]\.grants\.tokenSecond: .*tokenSeconds/,
    /^ases\[0\]\.grants\.consentFor\[0\]: expected one of incoming-payment, quote/,
    /^ases\[0\]\.grants\.waitSeconds: /,
    /^switches\.rotateContinuations: .*rotateContinuation\?/,
    /^switches\.hashEncoding: expected one of base64, base64url/,
    /^switches\.requireTagGnap: expected true or false/,
  ];
  assert.equal(mistakes.length, expected.length, mistakes.join('\n'));
  for (const pattern of expected)
    assert.ok(
      mistakes.some((mistake) => pattern.test(mistake)),
      `${pattern}`,
    );
});

test('a whole world', () => {
  const world = parse(`
ases:
  - name: slate
    port: 3000
    servers:
      walletAddressServer: { url: 'https://wallet.example' }
      resourceServer: { url: 'http://wallet.example/tenant/', aliases: ['http://localhost:3000'] }
      authServer: { url: 'http://localhost:3006/tenant', port: 3006 }
    wallets:
      - { path: /ann, publicName: Ann, asset: JPY/0 }
    prices: { JPY: 0.0067, USD: '1' }
    fees:
      - { asset: JPY/0, basisPoints: 50 }
    peers:
      - { name: chalk, balanceLimit: '100000' }
      - name: elsewhere
        prefix: test.elsewhere
        endpoint: https://elsewhere.example
        incomingToken: a-token-of-some-length
        outgoingToken: another-token-of-some-length
  - name: chalk
    prices: { JPY: 0.0067, USD: '1' }
    wallets:
      - { path: /ben, asset: USD/6, balance: '18446744073709551615' }
fee: { basisPoints: 10, fixed: 5 }
maxPacketAmount: 1000
sender: chalk/ben
receiver: slate/ann
client: { wallet: slate/ann, keyId: k1 }
hosts: { 'https://other.example': 'http://127.0.0.1:9000' }
pages: { accept: allow, close: close, accepted: Accepted }
`);
  const [slate, chalk] = world.ases;
  assert.equal(slate!.port, 3000);
  assert.equal(slate!.servers!.resourceServer!.url, 'http://wallet.example/tenant');
  assert.deepEqual(slate!.servers!.authServer, { url: 'http://localhost:3006/tenant', port: 3006 });
  assert.deepEqual(slate!.prices, { JPY: '0.0067', USD: '1' });
  assert.deepEqual(slate!.fees, [{ asset: { code: 'JPY', scale: 0 }, fee: { basisPoints: 50, fixed: 0n } }]);
  assert.equal(slate!.peers![0]!.balanceLimit, 100_000n);
  assert.equal(slate!.peers![0]!.elsewhere, undefined);
  assert.equal(slate!.peers![1]!.elsewhere!.prefix, 'test.elsewhere');
  assert.equal(chalk!.portOffset, 100);
  assert.equal(chalk!.wallets[0]!.balance, 2n ** 64n - 1n);
  assert.deepEqual(world.fee, { basisPoints: 10, fixed: 5n });
  assert.deepEqual(world.pages, { accept: 'allow', close: 'close', accepted: 'Accepted' });
});

test('extensions of wallet addresses; a property is text, or has a value and may be hidden', () => {
  const yaml = (extensions: string, properties: string) => `
ases:
  - name: slate
    extensions: ${extensions}
    wallets:
      - { path: /ann, asset: CHF/2, additionalProperties: ${properties} }
sender: slate/ann
receiver: slate/ann
client: { wallet: slate/ann, keyId: k1 }
`;
  const given = '{ webPage: "https://page.example/%ewp", cardService: "https://cards.example", spsp: true }';
  const [slate] = parse(yaml(given, '{ city: Chur, risk: { value: high, visible: false } }')).ases;
  assert.deepEqual(slate!.extensions, {
    webPage: 'https://page.example/%ewp',
    cardService: 'https://cards.example',
    spsp: true,
  });
  assert.deepEqual(slate!.wallets[0]!.additionalProperties, {
    city: { value: 'Chur', visible: true },
    risk: { value: 'high', visible: false },
  });
  assert.deepEqual(mistakesIn(yaml('{ webPage: "page", spsp: perhaps, lookupHook: 7 }', '{ city: [Chur] }')), [
    'ases[0].wallets[0].additionalProperties["city"]: expected an object with value, visible, not a list',
    "ases[0].extensions.webPage: expected a URL with %wa, %ewa, %wp or %ewp for the wallet address, not 'page'",
    'ases[0].extensions.spsp: expected true or false, not text',
    "ases[0].extensions.lookupHook: expected an http or https URL without query, not '7'",
  ]);
});

test('keys: PEM, base64 of PEM, JWK, a file; private keys are recognised', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }) as string;
  writeFileSync(join(directory, 'key.pem'), pem);
  writeFileSync(join(directory, 'key.json'), JSON.stringify(publicKey.export({ format: 'jwk' })));
  const forms = {
    pem,
    publicPem: publicKey.export({ format: 'pem', type: 'spki' }),
    base64: Buffer.from(pem).toString('base64'),
    jwk: publicKey.export({ format: 'jwk' }),
    privateJwk: privateKey.export({ format: 'jwk' }),
    file: { file: 'key.pem' },
    jwkFile: { file: 'key.json' },
  };
  const document = load(small) as { ases: [{ wallets: [Record<string, unknown>] }] };
  document.ases[0].wallets[0]['keys'] = Object.entries(forms).map(([id, key]) => ({ id, key }));
  const { keys } = parseWorld(document, directory).ases[0]!.wallets[0]!;
  const { x } = publicKey.export({ format: 'jwk' });
  assert.deepEqual(
    keys!.map(({ jwk }) => jwk),
    Object.keys(forms).map((kid) => ({ kid, alg: 'EdDSA', kty: 'OKP', crv: 'Ed25519', x })),
  );
  const privateOnes = keys!.filter((key) => key.privateKey).map(({ jwk }) => jwk.kid);
  assert.deepEqual(privateOnes, ['pem', 'base64', 'privateJwk', 'file']);
});

test('the example has every member and is valid', async () => {
  const file = join(import.meta.dirname, '..', '..', '..', 'spec', 'ase', 'world.example.yaml');
  assert.equal((await readWorldFile(file)).ases.length, 2);
  const text = readFileSync(file, 'utf8');
  const source = readFileSync(
    join(import.meta.dirname, '..', '..', '..', 'src', 'world', 'definition', 'shape.ts'),
    'utf8',
  );
  const members = [...source.matchAll(/^\s+(\w+): optional\(/gm), ...source.matchAll(/[{,] (\w+): optional\(/g)];
  assert.ok(members.length > 20);
  for (const [, member] of members) assert.match(text, new RegExp(`\\b${member}:`), member);
});

test('an unusable key is rejected and not quoted', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }) as string;
  const document = load(small) as { ases: [{ wallets: [Record<string, unknown>] }] };
  const forms = [pem, 'c2VjcmV0', 'secret', 7, { file: 'nowhere.pem' }, { kty: 'OKP', d: 'secret' }, null];
  document.ases[0].wallets[0]['keys'] = forms.map((key, index) => ({ id: `k${index}`, key }));
  assert.throws(
    () => parseWorld(document, directory),
    (error: Error) => {
      const lines = error.message.split('\n');
      assert.equal(lines.length, forms.length);
      assert.match(lines[0]!, /^ases\[0\]\.wallets\[0\]\.keys\[0\]\.key: expected an Ed25519 key: PEM/);
      assert.match(lines[4]!, /keys\[4\]\.key: cannot read the file \(ENOENT\)$/);
      assert.doesNotMatch(error.message, /secret|c2Vj|MIG/);
      return true;
    },
  );
});

test('all mistakes are reported at once with their places; for a typo the nearest member', () => {
  assert.deepEqual(
    mistakesIn(`
ases:
  - name: Slate
    prot: 3000
    wallets:
      - { path: /ann/quotes, asset: CHF, balance: -1 }
      - { asset: CHF/2, publicName: [] }
  - name: chalk
    servers: { walletAddressServer: { url: 'https://wallet.example/below' }, authServer: { url: 'ftp://x', port: 0 } }
    wallets: []
price: { CHF: 0 }
prices: { CHF: 0 }
sender: slate
receiver: chalk/ben
`),
    [
      'ases[0].prot: unknown member; did you mean port?',
      "ases[0].name: expected a name of lower case letters, digits and hyphens, not 'Slate'",
      'ases[0].wallets[0].path: "quotes" is an endpoint of this ASE',
      "ases[0].wallets[0].asset: expected an asset as USD/2, code and scale, not 'CHF'",
      "ases[0].wallets[0].balance: expected minor units, a whole number from 0 to 18446744073709551615, not '-1'",
      'ases[0].wallets[1].path: is missing',
      'ases[0].wallets[1].publicName: expected a line of text, not a list',
      "ases[1].servers.walletAddressServer.url: expected an origin as http://localhost:4000, not 'https://wallet.example/below'",
      "ases[1].servers.authServer.url: expected an http or https URL without query, not 'ftp://x'",
      'ases[1].servers.authServer.port: expected a whole number from 1 to 65535, not 0',
      'ases[1].wallets: expected at least 1 of them',
      'prices["CHF"]: "0" is not a price: a positive decimal such as 1.08 is expected',
      "sender: expected an ASE's name and a wallet's path as granite/alice, not 'slate'",
      'client: is missing',
    ].toSpliced(0, 0, 'price: unknown member; did you mean prices?'),
  );
});

test('members must be consistent with each other', () => {
  assert.deepEqual(
    mistakesIn(`
ases:
  - name: slate
    wallets: [{ path: /ann, asset: CHF/2 }, { path: /ANN/, asset: CHF/2 }]
    peers:
      - { name: slate }
      - { name: chalk, prefix: test.chalk }
      - { name: gravel, prefix: test.gravel }
  - name: slate
    wallets: [{ path: /ben, asset: CHF/2 }]
    prices: { CHF: 1 }
  - name: chalk
    wallets: [{ path: /ben, asset: USD/2 }]
sender: slate/ann
receiver: slate/carl
client: { wallet: gravel/x, keyId: k }
`),
    [
      'ases[0].wallets[1].path: there is another wallet at /ann',
      'ases[0].peers[0]: an ASE cannot peer with itself',
      'ases[0].peers[1]: prefix: not allowed for a peer in this world',
      'ases[0].peers[2]: unknown in this world; a remote peer also needs endpoint, incomingToken, outgoingToken',
      'ases[1].name: there is another ASE named slate',
      'prices: no price for CHF',
      'ases[1].prices: no price for USD',
      'receiver: unknown wallet slate/carl; did you mean slate/ann?',
      'client.wallet: unknown wallet gravel/x',
    ],
  );
});

test('no server hides another', () => {
  const withServers = (servers: string) => small.replace('    wallets', `    servers: ${servers}\n    wallets`);
  const atRoot = "authServer: { url: 'http://auth.localhost' }";
  assert.deepEqual(mistakesIn(withServers(`{ ${atRoot} }`)), [
    'ases[0].servers.authServer: resourceServer has the same port and path',
  ]);
  assert.deepEqual(
    mistakesIn(withServers("{ identityProvider: { url: 'http://a.localhost/', aliases: ['http://b/auth'] } }")),
    [
      'ases[0].servers.authServer: identityProvider has the same port and path',
      'ases[0].servers.identityProvider: authServer has the same port and path',
    ],
  );
  assert.ok(parse(withServers(`{ ${atRoot.replace(' }', ', port: 46999 }')} }`)));
});

test('a token is not quoted', () => {
  const [mistake, ...others] = mistakesIn(
    small.replace(
      '    wallets',
      '    peers: [{ name: x, prefix: t, endpoint: https://x.example, incomingToken: short, outgoingToken: abcdefghijklmnopqrst }]\n    wallets',
    ),
  );
  assert.equal(mistake, 'ases[0].peers[0].incomingToken: expected a token of 16 to 500 printable characters');
  assert.deepEqual(others, []);
});

test('files: mistakes name the file and, in the syntax, the line', async () => {
  const file = join(directory, 'world.yaml');
  writeFileSync(file, 'ases: [\nsender: {');
  await assert.rejects(
    readWorldFile(file),
    (error) => error instanceof ConfigError && /world\.yaml: line \d/.test(error.message),
  );
  writeFileSync(file, 'ases: []\nsendr: 1');
  await assert.rejects(readWorldFile(file), (error: Error) => {
    assert.ok(error.message.split('\n').every((line) => line.startsWith(`${file}: `)));
    return error instanceof ConfigError;
  });
  await assert.rejects(readWorldFile(join(directory, 'none.yaml')), /cannot read .*none\.yaml \(ENOENT\)/);
  writeFileSync(file, small);
  assert.equal((await readWorldFile(file)).ases[0]!.name, 'slate');
});
