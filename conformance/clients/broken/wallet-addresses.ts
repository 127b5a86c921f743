/** Clients with mistakes in the use of wallet addresses. */
import type { Wallet } from '../client.ts';
import { Stop } from '../message-client.ts';
import { appendSlash, type Change, changeBody, followRedirects } from './changes.ts';

export const walletChanges = {
  'CL-WA-01': changeBody('incomingBody', (body) => ({
    ...body,
    walletAddress: body.walletAddress.replace('://', '://user:password@'),
  })),
  'CL-WA-02': (client) => {
    client.beforeSigning = (message, request) => {
      if (request.key === undefined) message.headers.set('accept', 'text/html');
    };
  },
  'CL-WA-03': (client) => {
    client.resourceUrl = (wallet, path) => `${new URL(wallet.id).origin}/${path}`;
  },
  'CL-WA-04': (client) => {
    const postGrant = client.postGrant.bind(client);
    client.postGrant = (authServer, json) => postGrant(appendSlash(authServer), json);
  },
  'CL-WA-05': (client) => {
    client.resourceUrl = (wallet, path) => `${wallet.resourceServer}/${path}`;
  },
  'CL-WA-06': (client) => {
    client.readWallet = async (address) => {
      const answer = await client.send({ method: 'GET', url: address });
      const location = answer.headers.get('location');
      if (location) return client.readWallet(new URL(location, address).href);
      return client.expect(answer, 200);
    };
  },
  'CL-WA-07': (client) => {
    client.readWallet = async (address) => {
      const { host, pathname, origin } = new URL(address);
      client.print(`paying $${host}${pathname}`);
      await client.send({ method: 'GET', url: `${origin}/` });
      throw new Stop('the root is another account');
    };
  },
  'CL-WA-08': (client) => {
    client.keySetUrl = (address) => `${address}jwks.json`;
  },
  'CL-WA-09': (client) => {
    client.checkScheme = () => {};
    followRedirects(client, () => true);
  },
  'CL-WA-10': (client) => {
    const create = client.create.bind(client);
    client.create = async (token, wallet, path, json) => {
      for (let reads = 0; reads < 3; reads += 1) await client.send(client.walletRequest(wallet.id));
      return create(token, wallet, path, json);
    };
  },
  'CL-WA-11': (client) => {
    client.readWallet = async (address) => {
      const wallet = client.expect(await client.send(client.walletRequest(address)), 200);
      return { ...wallet, assetScale: wallet.assetScale ?? 2 } as Wallet;
    };
  },
  'CL-WA-12': (client) => {
    client.readWallet = async (address) => {
      const answer = await client.send(client.walletRequest(address));
      if (answer.status === 200) return answer.json;
      const { origin } = new URL(address);
      return { id: address, authServer: `${origin}/auth/`, resourceServer: origin, assetCode: 'USD', assetScale: 2 };
    };
  },
} satisfies Readonly<Record<string, Change>>;
