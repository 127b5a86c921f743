/** Clients with mistakes in their keys. */
import { generateKeyPairSync } from 'node:crypto';
import { Stop } from '../message-client.ts';
import { type Change, changeGrant } from './changes.ts';

// biome-ignore lint/suspicious/noExplicitAny: bodies as JSON
type Json = any;

export const keyChanges = {
  'CL-KEY-01': ({ server }) => {
    server.isPublished = false;
  },
  'CL-KEY-02': changeKey(({ alg: _alg, ...rest }) => rest),
  'CL-KEY-03': changeKey((key) => ({ ...key, x: Buffer.from(key.x, 'base64url').toString('base64') })),
  'CL-KEY-04': (client) => {
    client.describeKey = ({ keyId, privateKey }) => ({
      ...{ kid: keyId, alg: 'EdDSA', use: 'sig' },
      ...privateKey.export({ format: 'jwk' }),
    });
  },
  'CL-KEY-05': (client) => {
    const keyFor = client.keyFor.bind(client);
    client.keyFor = (authServer) => {
      const isNew = !client.keys.has(authServer);
      const key = keyFor(authServer);
      const other = { keyId: key.keyId, privateKey: generateKeyPairSync('ed25519').privateKey };
      if (isNew) client.server.keys.push(client.describeKey(other));
      return key;
    };
  },
  'CL-KEY-06': changeGrant((body, client) =>
    body.interact ? { ...body, client: { jwk: client.server.keys.at(-1) } } : body,
  ),
  'CL-KEY-07': (client) => {
    const keyFor = client.keyFor.bind(client);
    client.keyFor = (authServer) => {
      client.keys.delete(authServer);
      return keyFor(authServer);
    };
  },
  'CL-KEY-08': (client) => {
    const keyFor = client.keyFor.bind(client);
    client.keyFor = () => keyFor('every server');
  },
  'CL-KEY-09': (client) => {
    client.readKeys = async (address) => {
      const { keys } = client.expect(await client.send({ method: 'GET', url: client.keySetUrl(address) }), 200);
      if (!keys.every(({ alg }: Json) => alg === 'EdDSA')) throw new Stop('a key of another kind');
      return keys;
    };
  },
  'CL-KEY-10': (client) => {
    const readWallet = client.readWallet.bind(client);
    client.readWallet = (address) => {
      client.print(`using the key ${client.givenKey}`);
      return readWallet(address);
    };
  },
} satisfies Readonly<Record<string, Change>>;

function changeKey(change: (key: Json) => object): Change {
  return (client) => {
    const describeKey = client.describeKey;
    client.describeKey = (key) => change(describeKey(key));
  };
}
