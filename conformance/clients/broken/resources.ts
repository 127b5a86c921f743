/** Clients with mistakes in payments, quotes and lists. */
import { Stop } from '../message-client.ts';
import { type Change, changeBody } from './changes.ts';

export const resourceChanges = {
  'CL-IP-01': changeBody('quoteBody', (body, sender) => ({ ...body, receiver: sender.id })),
  'CL-IP-02': changeBody('incomingBody', (body) => ({ ...body, description: 'Order 1' })),
  'CL-IP-03': changeBody('incomingBody', (body) => ({
    ...body,
    incomingAmount: { ...body.incomingAmount, assetCode: body.incomingAmount.assetCode === 'EUR' ? 'USD' : 'EUR' },
  })),
  'CL-IP-04': changeBody('incomingBody', (body) => ({ ...body, expiresAt: '2036-01-01 12:00' })),
  'CL-IP-05': (client) => {
    client.completion = (id) => ({ method: 'PATCH', url: id, json: { completed: true } });
  },
  'CL-IP-06': (client, steps) => {
    steps.readPublic = async ({ id, walletAddress }) => {
      const { authServer } = await client.readWallet(walletAddress);
      const token = await client.requestToken(authServer, [{ type: 'quote', actions: ['create'] }]);
      await client.send({ method: 'GET', url: id, token: token.value, key: client.keyFor(authServer) });
      await steps.cleanUp(token);
    };
  },
  'CL-IP-07': (client) => {
    const create = client.create.bind(client);
    client.create = async (token, wallet, path, json) => {
      const resource = await create(token, wallet, path, json);
      if (path === 'incoming-payments' && resource.metadata === undefined) throw new Error('metadata is missing');
      return resource;
    };
  },
  'CL-IP-08': (client) => {
    const readUntil = client.readUntil.bind(client);
    client.readUntil = async (token, url, hasEnded) => {
      for (let reads = 0; reads < 7; reads += 1) await client.read(token, url);
      return readUntil(token, url, hasEnded);
    };
  },
  'CL-Q-01': changeBody('quoteBody', ({ method: _method, ...rest }) => rest),
  'CL-Q-02': changeBody('quoteBody', (body, sender, incoming) => ({
    ...body,
    debitAmount: { value: '100', assetCode: sender.assetCode, assetScale: sender.assetScale },
    receiveAmount: incoming.incomingAmount,
  })),
  'CL-Q-03': changeBody('incomingBody', ({ incomingAmount: _amount, ...rest }) => rest),
  'CL-Q-04': (client, steps) => {
    changeBody('incomingBody', ({ incomingAmount: _amount, ...rest }) => rest)(client, steps);
    changeBody('quoteBody', (body, sender) => ({
      ...body,
      debitAmount: {
        value: '100',
        assetCode: sender.assetCode === 'EUR' ? 'USD' : 'EUR',
        assetScale: sender.assetScale,
      },
    }))(client, steps);
  },
  'CL-Q-05': (_client, steps) => {
    steps.refresh = async (_token, _sender, _incoming, kept) => kept;
  },
  'CL-Q-06': changeBody('paymentBody', (body) => ({ ...body, quoteId: body.quoteId.split('/').at(-1) })),
  'CL-OP-01': changeBody('paymentBody', (body, _sender, accepted) => ({ ...body, debitAmount: accepted.debitAmount })),
  'CL-OP-02': changeBody('paymentBody', ({ walletAddress }, _sender, { receiver, debitAmount }) => ({
    walletAddress,
    incomingPayment: receiver,
    debitAmount: { ...debitAmount, assetScale: 0 },
  })),
  'CL-OP-03': changeBody('limits', (body) => ({ debitAmount: { ...body.debitAmount, value: 10.5 } })),
  'CL-OP-04': (_client, steps) => {
    const { outgoingAccess } = steps;
    steps.outgoingAccess = (sender, limits) =>
      outgoingAccess(sender, limits.interval ? { ...limits, interval: 'P1M' } : limits);
  },
  'CL-OP-05': changeBody('limits', (body, accepted) => ({ ...body, receiveAmount: accepted.receiveAmount })),
  'CL-OP-06': changeBody('limits', ({ debitAmount }) => ({
    debitAmount: { ...debitAmount, value: String(Number(debitAmount.value)) },
  })),
  'CL-OP-07': (client) => {
    const readWallet = client.readWallet.bind(client);
    client.readWallet = async (address) => {
      const wallet = await readWallet(address);
      if (!wallet.assetScale) throw new Stop('the wallet address has no asset scale');
      return wallet;
    };
  },
  'CL-OP-08': (client) => {
    const create = client.create.bind(client);
    client.create = async (token, wallet, path, json) => {
      const resource = await create(token, wallet, path, json);
      if (path === 'outgoing-payments' && resource.metadata === undefined) throw new Error('metadata is missing');
      return resource;
    };
  },
  // Takes a payment of which nothing has arrived for one that was never made.
  'CL-OP-09': (client) => {
    const create = client.create.bind(client);
    client.create = async (token, wallet, path, json) => {
      const payment = await create(token, wallet, path, json);
      if (path === 'outgoing-payments') await create(token, wallet, path, json).catch(() => {});
      return payment;
    };
  },
  'CL-OP-10': (client) => {
    const create = client.create.bind(client);
    client.create = (...args) => create(...args).catch(() => create(...args));
  },
  'CL-LST-01': ({ signing }) => {
    const { componentValue } = signing;
    signing.componentValue = (name, message) =>
      name === '@target-uri' ? message.url.replace(/\?.*$/, '') : componentValue(name, message);
  },
  'CL-LST-02': (client) => {
    client.pageQuery = () => ({ first: '500' });
  },
  'CL-LST-03': (client) => {
    client.pageQuery = () => ({ first: '1', last: '1' });
  },
  'CL-LST-04': (client) => {
    client.query = (members) =>
      Object.entries(members)
        .map(
          ([name, value]) => `${name}=${name === 'cursor' ? value.replaceAll(' ', '%20') : encodeURIComponent(value)}`,
        )
        .join('&');
  },
  'CL-LST-05': (client) => {
    client.list = async (token, wallet, path) => {
      for (let page = 0, cursor: string | undefined; page < 12; page += 1) {
        const query = { 'wallet-address': wallet.id, first: '1', ...(cursor !== undefined && { cursor }) };
        const list = await client.read(token, `${client.resourceUrl(wallet, path)}?${client.query(query)}`);
        if (!list.pagination.hasNextPage) break;
        cursor = list.pagination.endCursor;
      }
      return [];
    };
  },
} satisfies Readonly<Record<string, Change>>;
