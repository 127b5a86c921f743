/** Clients with mistakes in signatures and digests. */
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { quote } from '../signing.ts';
import { type Change, changeParameters, isJson, setParameter, without } from './changes.ts';

export const signatureChanges = {
  'CL-SIG-01': (client) => {
    client.isSigned = (_message, request) => request.key !== undefined && request.token !== undefined;
  },
  'CL-SIG-02': (client) => {
    client.isSigned = (_message, request) => request.key !== undefined && request.method !== 'DELETE';
  },
  'CL-SIG-03': ({ signing }) => {
    const { components, componentValue } = signing;
    signing.components = (message) => components(message).map((name) => (name === '@target-uri' ? '@path' : name));
    signing.componentValue = (name, message) =>
      name === '@path' ? new URL(message.url).pathname : componentValue(name, message);
  },
  'CL-SIG-04': ({ signing }) => {
    const { componentValue } = signing;
    signing.componentValue = (name, message) =>
      name === '@target-uri' ? decodeURIComponent(message.url) : componentValue(name, message);
  },
  'CL-SIG-05': without('authorization'),
  'CL-SIG-06': without('content-digest'),
  'CL-SIG-07': without('content-length', 'content-type'),
  // A clock that was read when the process started, two minutes ago.
  'CL-SIG-08': ({ signing }) => {
    const { now } = signing;
    signing.now = () => now() - 120;
  },
  'CL-SIG-09': changeParameters((parameters, { server }) =>
    parameters.map(([name, value]) => [name, name === 'keyid' ? quote(server.walletAddress) : value]),
  ),
  'CL-SIG-10': changeParameters((parameters) => parameters.filter(([name]) => name !== 'tag')),
  'CL-SIG-11': setParameter('alg', quote('ed25519')),
  'CL-SIG-12': setParameter('nonce', quote('1')),
  'CL-SIG-13': ({ signing }) => {
    signing.input = (components, parameters) => `${signing.label}=(${components.join(' ')})${parameters}`;
  },
  'CL-SIG-14': ({ signing }) => {
    signing.signature = (bytes) => `${signing.label}=${bytes.toString('base64')}`;
  },
  'CL-SIG-15': ({ signing }) => {
    signing.signature = (bytes) => `sig2=:${bytes.toString('base64')}:`;
  },
  'CL-SIG-16': ({ signing }) => {
    signing.sign = (base, key) => sign(null, createHash('sha512').update(base).digest(), key.privateKey);
  },
  'CL-SIG-17': (client) => {
    const read = client.read.bind(client);
    let isRepeated = false;
    client.read = async (token, url) => {
      if (isRepeated) return read(token, url);
      isRepeated = true;
      const key = client.keyFor(token.authServer);
      const message = client.compose({ method: 'GET', url, token: token.value, key });
      const answer = await client.transport.send(message);
      await pause(1100);
      await client.transport.send(message);
      return client.expect(answer, 200);
    };
  },
  'CL-SIG-18': (client, steps) => {
    const { privateKey } = generateKeyPairSync('ed25519');
    steps.readPublic = async ({ id }) => {
      const [{ keyId } = { keyId: 'none' }] = client.keys.values();
      await client.send({ method: 'GET', url: id, key: { keyId, privateKey } });
    };
  },
  'CL-DIG-01': (client, steps) => {
    client.beforeSigning = ({ headers }) => void headers.delete('content-digest');
    without('content-digest')(client, steps);
  },
  'CL-DIG-02': ({ signing }) => {
    const { digest } = signing;
    signing.digest = (body) => digest(Buffer.from(JSON.stringify(JSON.parse(body.toString()), null, 2)));
  },
  'CL-DIG-03': ({ signing }) => {
    signing.digest = (body) => `SHA-512=${createHash('sha512').update(body).digest('base64')}`;
  },
  'CL-DIG-04': ({ signing }) => {
    signing.digest = (body) => `md5=:${createHash('md5').update(body).digest('base64')}:`;
  },
  'CL-DIG-05': ({ signing }) => {
    signing.digest = (body) => `sha-3000=:${createHash('sha512').update(body).digest('base64')}:`;
  },
  'CL-DIG-06': (client) => {
    client.beforeSigning = (message) => {
      if (!isJson(message)) message.headers.set('content-digest', client.signing.digest(message.body));
    };
  },
} satisfies Readonly<Record<string, Change>>;
