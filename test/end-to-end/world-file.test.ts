/** A world out of a file: what it says of money, peers, keys and names is so when it runs. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { load } from 'js-yaml';
import { ConfigError } from '../../src/errors.ts';
import { parseWorld } from '../../src/world/definition/file.ts';
import { startProcess } from '../support/process.ts';
import { clientEnvironment, startWorld } from '../support/world.ts';
import { payAcross } from './support/official-client.ts';

const { privateKey } = generateKeyPairSync('ed25519');
const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }) as string;

const yaml = `
ases:
  - name: slate
    wallets:
      - { path: /deep/below/ann, publicName: Ann, asset: CHF/3, balance: 5000000 }
      - { path: /shop, publicName: Shop, asset: CHF/3, keys: [{ id: shop-1, key: { file: shop.pem } }] }
      - { path: /till, asset: JPY/0 }
    prices: { CHF: 1.2, JPY: 0.0067 }
    fees: [{ asset: CHF/3 }]
    peers:
      - { name: chalk, maxPacketAmount: 2500, balanceLimit: 1000000 }
      - name: elsewhere
        prefix: test.elsewhere
        endpoint: https://elsewhere.example
        incomingToken: in-in-in-in-in-in
        outgoingToken: out-out-out-out-out
  - name: chalk
    wallets: [{ path: /ben, publicName: Ben, asset: JPY/0 }]
prices: { CHF: 1.1, JPY: 0.0067 }
fee: { basisPoints: 3 }
sender: slate/deep/below/ann
receiver: chalk/ben
client: { wallet: slate/shop, keyId: shop-1 }
`;

const directory = mkdtempSync(join(tmpdir(), 'touchstone-world-'));
writeFileSync(join(directory, 'shop.pem'), pem);
after(() => rmSync(directory, { recursive: true }));

const definition = parseWorld(load(yaml), directory);

describe('a world of one’s own', async () => {
  const world = await startWorld({ definition });
  after(() => world.close());

  const control = async (path: string) => {
    const headers = { authorization: `Bearer ${world.controlToken}` };
    return (await fetch(world.controlUrl + path, { headers })).json() as Promise<never>;
  };

  test('peers, fees and prices are those of the file', async () => {
    const { peers } = (await control('/ases/slate/peers')) as { peers: { name: string; balanceLimit?: string }[] };
    assert.deepEqual(
      peers.map(({ name }) => name),
      ['chalk', 'elsewhere'],
    );
    assert.equal(peers[0]!.balanceLimit, '1000000');
    const { fees } = (await control('/ases/slate/fees')) as { fees: { assetCode: string; basisPoints: number }[] };
    assert.deepEqual(
      fees.map(({ assetCode, basisPoints }) => [assetCode, basisPoints]),
      [
        ['CHF', 0],
        ['JPY', 3],
      ],
    );
    const { prices } = (await control('/ases/slate/prices')) as { prices: unknown };
    assert.deepEqual(prices, { CHF: '1.2', JPY: '0.0067' });
  });

  test('the client has the key of the file and no other', async () => {
    assert.equal(world.clientKey, pem);
    const { keys } = (await (await fetch(`${world.walletUrl({ ase: 'slate', path: '/shop' })}/jwks.json`)).json()) as {
      keys: { kid: string; d?: string }[];
    };
    assert.deepEqual(
      keys.map(({ kid, d }) => [kid, d]),
      [['shop-1', undefined]],
    );
  });

  test('the official client pays across, from a wallet below a path', async () => {
    await payAcross(clientEnvironment(world));
    await world.settled();
  });

  test('after a reset all is as the file says', async () => {
    await world.controls.reset();
    const [slate] = await world.controls.describeAses();
    const ann = slate!.walletAddresses.find(({ url }) => url.endsWith('/deep/below/ann'));
    assert.equal(ann!.balance, '5000000');
    assert.equal(world.clientKey, pem);
  });
});

test('what is meant for tests needs --insecure where a name is not loopback', async () => {
  const [slate, chalk] = definition.ases;
  const servers = { resourceServer: { url: 'http://slate.example' } };
  const exposed = { ...definition, ases: [{ ...slate!, servers }, chalk!] };
  await assert.rejects(startWorld({ definition: exposed, consent: 'manual' }), (error) => {
    assert.ok(error instanceof ConfigError);
    assert.match(
      error.message,
      /a private key in the world file \(ases\[0\]\.wallets\[1\]\.keys\), an http URL in the world file \(ases\[0\]\.servers\.resourceServer\.url\) on slate\.example/,
    );
    return true;
  });
});

test('the command: --world', async () => {
  const file = join(directory, 'world.yaml');
  writeFileSync(file, yaml);
  const { ready, stop } = await startProcess(['--world', file, '--port', '0']);
  assert.deepEqual(
    ready.ases.map(({ name }) => name),
    ['slate', 'chalk'],
  );
  assert.equal(ready.env['TOUCHSTONE_PRIVATE_KEY'], pem);
  assert.equal(await stop(), 0);
  writeFileSync(file, yaml.replace('wallets', 'walets'));
  await assert.rejects(startProcess(['--world', file]), /walets: unknown member; did you mean wallets\?/);
});
