/** Broken world files: each mistake is one sentence that names the file, the line, the member and the remedy. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { ConfigError } from '../../../src/errors.ts';
import { parseWorld, readWorldFile } from '../../../src/world/definition/file.ts';

const directory = mkdtempSync(join(tmpdir(), 'touchstone-mistakes-'));
after(() => rmSync(directory, { recursive: true }));
const file = join(directory, 'world.yaml');

const good = `ases:
  - name: slate
    port: 4500
    wallets:
      - path: /ann
        asset: CHF/2
        balance: 500
  - name: chalk
    port: 4600
    wallets:
      - { path: /ben, asset: CHF/2 }
sender: slate/ann
receiver: chalk/ben
client: { wallet: slate/ann, keyId: k1 }
`;

const read = (content: string | Buffer) => {
  writeFileSync(file, content);
  return readWorldFile(file);
};

const change = (from: string, to: string): string => {
  assert.ok(good.includes(from), from);
  return good.replace(from, to);
};

const manyAliases = `a: &a [${'x, '.repeat(99)}x]\nb: &b [${'*a, '.repeat(99)}*a]\nc: [${'*b, '.repeat(99)}*b]\n`;

/** Title, content, and the whole message without the file's name. */
const broken: readonly (readonly [title: string, content: string | Buffer, ...message: (string | RegExp)[]])[] = [
  ['an empty file', '', /^the document: expected an object with ases, .*, not nothing$/],
  ['a list', '- 1', /^line 1: the document: expected an object with ases, .*, not a list$/],
  ['text', 'hello', /^line 1: the document: expected an object with ases, .*, not text$/],
  ['a binary file', Buffer.from([0xff, 0xfe, 0x61, 0x00]), 'not UTF-8 text; save it in UTF-8'],
  ['a control character', 'a: \u0000', /^line 1: \S/],
  ['broken syntax', 'ases: [\nsender: {', /^line \d: \S/],
  ['a tab', 'ases:\n\t- name: slate', /^line 2: \S/],
  ['a member twice', change('    port: 4500', '    port: 4500\n    port: 4501'), 'line 4: duplicated mapping key'],
  ['a second document', `${good}---\nases: []\n`, 'line 15: a second document begins here; a world file holds one'],
  ['an empty second document', `---\n${good}---\n`, 'line 16: a second document begins here; a world file holds one'],
  ['an empty first document', `---\n---\n${good}`, 'line 2: a second document begins here; a world file holds one'],
  ['an unknown alias', change('port: 4500', 'port: *x'), 'line 3: unidentified alias "x"'],
  ['an unknown tag', change('port: 4500', 'port: !!float 1'), /^line 3: unknown tag/],
  ['deep nesting', '['.repeat(20_000), 'line 1: nesting exceeded maxDepth (100)'],
  ['aliases of aliases', manyAliases, /^more than 100000 values once its aliases are resolved: /],
  ['an alias inside its object', 'ases: &a [*a]', /^more than 100000 values once its aliases are resolved: /],
  ['a large file', `# ${'x'.repeat(1_000_000)}\n${good}`, 'larger than 1000000 bytes'],
  [
    'a typo',
    change('    wallets', '    walets'),
    /^line 2: ases\[0\]\.wallets: is missing$|walets: unknown member; did you mean wallets\?$/,
    /./,
  ],
  [
    'a far word',
    change('path: /ann', 'colour: red\n        path: /ann'),
    /^line 5: ases\[0\]\.wallets\[0\]\.colour: unknown member; the members are path, publicName, asset, /,
  ],
  [
    'an asset without scale',
    change('CHF/2\n', 'CHF\n'),
    "line 6: ases[0].wallets[0].asset: expected an asset as USD/2, code and scale, not 'CHF'",
  ],
  [
    'a decimal balance',
    change('balance: 500\n', 'balance: "10.00"\n'),
    "line 7: ases[0].wallets[0].balance: expected minor units, a whole number from 0 to 18446744073709551615, not '10.00'",
  ],
  [
    'a negative balance',
    change('balance: 500\n', 'balance: -1\n'),
    /balance: expected minor units, a whole number from 0 .*, not '-1'$/,
  ],
  [
    'a balance with an exponent',
    change('balance: 500\n', 'balance: 1e3\n'),
    /balance: expected minor units, .*, not '1e3'$/,
  ],
  ['an octal balance', change('balance: 500\n', 'balance: 0o17\n'), /balance: expected minor units, .*, not '0o17'$/],
  [
    'a balance in groups',
    change('balance: 500\n', 'balance: 1_000\n'),
    /balance: expected minor units, .*, not '1_000'$/,
  ],
  [
    'a balance beyond 64 bits',
    change('balance: 500\n', 'balance: 18446744073709551616\n'),
    /balance: expected minor units, /,
  ],
  [
    'a hexadecimal port',
    change('4500', '0x1194'),
    'line 3: ases[0].port: expected a whole number from 1 to 65535, not text',
  ],
  ['a large port', change('4500', '65536'), 'line 3: ases[0].port: expected a whole number from 1 to 65535, not 65536'],
  [
    'a path without a slash',
    change('/ann\n', 'ann\n'),
    'line 5: ases[0].wallets[0].path: a path begins with "/", such as /ann',
  ],
  ['a query in a path', change('/ann\n', '/ann?x=1\n'), /^line 5: ases\[0\]\.wallets\[0\]\.path: \S/],
  [
    'an unknown sender',
    change('sender: slate/ann', 'sender: slate/anna'),
    'line 12: sender: unknown wallet slate/anna; did you mean slate/ann?',
  ],
  [
    'an upper-case name',
    change('name: slate', 'name: Slate'),
    "line 2: ases[0].name: expected a name of lower case letters, digits and hyphens, not 'Slate'",
  ],
  ['a missing client', change('client: { wallet: slate/ann, keyId: k1 }\n', ''), 'line 1: client: is missing'],
  ['a key id of nothing', change('k1', 'null'), 'line 14: client.keyId: expected a line of text, not nothing'],
  [
    'a bad key',
    change('keyId: k1 }', 'keyId: k1 }\nprices: { CHF: 0 }'),
    /^line 15: prices\["CHF"\]: "0" is not a price/,
  ],
  [
    'two ASEs with one port',
    change('4600', '4500'),
    'line 9: ases[1].port: the ASE slate already has the origin http://localhost:4500: give each ASE its own port or URL',
  ],
  [
    'two ASEs with one URL',
    good.replace(/port: 4\d00/g, "servers: { walletAddressServer: { url: 'https://wallet.example' } }"),
    'line 9: ases[1].servers.walletAddressServer.url: the ASE slate already has the origin https://wallet.example: give each ASE its own port or URL',
  ],
  [
    'an alias that is the origin of another ASE',
    change('port: 4500', "port: 4500\n    servers: { resourceServer: { aliases: ['http://localhost:4600/x'] } }"),
    'line 10: ases[1].port: the ASE slate already has the origin http://localhost:4600: give each ASE its own port or URL',
  ],
];

describe('each broken file', () => {
  for (const [title, content, ...expected] of broken) {
    test(title, async () => {
      await assert.rejects(read(content), (error: Error) => {
        assert.ok(error instanceof ConfigError, error.stack);
        const lines = error.message.split('\n');
        assert.equal(lines.length, expected.length, error.message);
        for (const [index, line] of lines.entries()) {
          assert.ok(line.startsWith(`${file}: `), line);
          const message = line.slice(file.length + 2);
          const pattern = expected[index]!;
          if (typeof pattern === 'string') assert.equal(message, pattern);
          else assert.match(message, pattern);
        }
        return true;
      });
    });
  }
});

test('digits stay as they are written', async () => {
  const content = good
    .replace('balance: 500', 'balance: 10000000000000001')
    .replace('k1', '0042')
    .replace('path: /ann\n', 'path: /ann\n        publicName: 2024-01-01\n')
    .concat('prices: { CHF: 0.0000001, USD: 1.10 }\n');
  const { ases, client, prices } = await read(content);
  assert.equal(ases[0]!.wallets[0]!.balance, 10_000_000_000_000_001n);
  assert.equal(ases[0]!.wallets[0]!.publicName, '2024-01-01');
  assert.equal(client.keyId, '0042');
  assert.deepEqual(prices, { CHF: '0.0000001', USD: '1.10' });
});

test('words that YAML 1.1 would change stay text, and a member without a value is left out', async () => {
  const named = async (name: string) =>
    (await read(good.replace('path: /ann\n', `path: /ann\n        publicName: ${name}\n`))).ases[0]!.wallets[0]!
      .publicName;
  for (const name of ['true', 'No', 'Null', '0x1F', '1e3', '.inf', '12:30:45']) assert.equal(await named(name), name);
  for (const empty of ['', '~', 'null']) assert.equal(await named(empty), undefined);
});

test('merge keys and one marker of a document are allowed', async () => {
  const merged = good
    .replace('name: slate', 'name: slate\n    grants: &g { waitSeconds: 5 }')
    .replace('name: chalk', 'name: chalk\n    grants: { <<: *g, tokenSeconds: 60 }');
  const { ases } = await read(`# A world.\n---\n${merged}...\n`);
  assert.deepEqual(ases[1]!.grants, { waitSeconds: 5, tokenSeconds: 60 });
});

test('a JSON number that lost digits is refused', () => {
  const document = JSON.parse(
    '{"ases":[{"name":"a","wallets":[{"path":"/a","asset":"CHF/2","balance":10000000000000001}]}],"prices":{"CHF":0.0000001},"sender":"a/a","receiver":"a/a","client":{"wallet":"a/a","keyId":"k"}}',
  );
  assert.throws(() => parseWorld(document), {
    message: [
      'ases[0].wallets[0].balance: this number loses digits in JSON: write it as a string',
      'prices["CHF"]: this number loses digits in JSON: write it as a string',
    ].join('\n'),
  });
});

test('a device that never ends is not read to its end', { skip: process.platform === 'win32' }, async () => {
  await assert.rejects(readWorldFile('/dev/zero'), { message: '/dev/zero: larger than 1000000 bytes' });
});
