/** Exchanges of a client that pays from `alice` at granite to `bob` at basalt, for tests of judges. */
import type { ExchangeParts } from '../traced.ts';

export const alice = 'https://granite.example/alice';
export const bob = 'https://basalt.example/bob';
export const incomingPayment = 'https://basalt.example/incoming-payments/ip-1';
export const quote = 'https://granite.example/quotes/q-1';

/** Values of tokens, which no finding may show. */
export const accessToken = 'tok-ACCESS.value_1~of+the/grant==';
export const otherToken = 'tok-SECOND.value_2~of+the/grant==';
export const continuationToken = 'tok-CONTINUE-value-1-of-the-grant';
export const secrets = [accessToken, otherToken, continuationToken];

export const manageUri = 'https://auth.granite.example/gnap/token/m-1';
export const continueUri = 'https://auth.granite.example/gnap/continue/c-1';

export const usd = (value: unknown = '100') => ({ value, assetCode: 'USD', assetScale: 2 });
export const eur = (value: unknown = '100') => ({ value, assetCode: 'EUR', assetScale: 2 });

const quoteAccess = [{ type: 'quote', actions: ['create', 'read'] }];

/** A request for access without interaction. */
export const grantFor = (access: unknown): ExchangeParts => ({
  operation: 'post-request',
  url: 'https://auth.granite.example/gnap/',
  body: { client: { walletAddress: 'https://client.example/client' }, access_token: { access } },
});

/** A grant request that was answered with tokens. */
export const grant = (
  token: {
    value?: string;
    manage?: string;
    access?: unknown;
    expires_in?: number;
    continue?: string;
    ase?: string;
  } = {},
  parts: ExchangeParts = {},
): ExchangeParts => ({
  operation: 'post-request',
  ase: token.ase ?? 'granite',
  url: `https://auth.${token.ase ?? 'granite'}.example/gnap/`,
  body: { client: { walletAddress: 'https://client.example/client' }, access_token: { access: quoteAccess } },
  answer: {
    access_token: {
      value: token.value ?? accessToken,
      manage: token.manage ?? manageUri,
      access: token.access ?? quoteAccess,
      expires_in: token.expires_in,
    },
    continue: { access_token: { value: token.continue ?? continuationToken }, uri: continueUri },
  },
  ...parts,
});

/** A grant request with an interaction. */
export const interactiveGrant = (finish: { uri?: unknown; nonce?: unknown }): ExchangeParts => ({
  operation: 'post-request',
  url: 'https://auth.granite.example/gnap/',
  body: {
    client: { walletAddress: 'https://client.example/client' },
    access_token: { access: [{ type: 'outgoing-payment', actions: ['create'], identifier: alice }] },
    interact: { start: ['redirect'], finish: { method: 'redirect', uri: 'https://client.example/done', ...finish } },
  },
});

export const rotation = (parts: ExchangeParts = {}, value = otherToken, manage = `${manageUri}-2`): ExchangeParts => ({
  operation: 'post-token',
  method: 'POST',
  url: manageUri,
  token: accessToken,
  answer: { access_token: { value, manage, access: quoteAccess, expires_in: 600 } },
  ...parts,
});

export const revocation = (parts: ExchangeParts = {}): ExchangeParts => ({
  operation: 'delete-token',
  method: 'DELETE',
  url: manageUri,
  token: accessToken,
  status: 204,
  ...parts,
});

export const walletDocument = (url = alice, assetCode = 'USD', parts: ExchangeParts = {}): ExchangeParts => ({
  operation: 'get-wallet-address',
  ase: url === bob ? 'basalt' : 'granite',
  url,
  key: null,
  headers: { Accept: 'application/json' },
  answer: { id: url, assetCode, assetScale: 2, authServer: 'https://auth.granite.example/gnap/' },
  answerHeaders: { 'Cache-Control': 'max-age=300' },
  ...parts,
});

export const createIncomingPayment = (body: unknown = { walletAddress: bob }, parts: ExchangeParts = {}) => ({
  operation: 'create-incoming-payment',
  ase: 'basalt',
  url: 'https://basalt.example/incoming-payments',
  method: 'POST',
  body,
  token: 'some-token-at-basalt',
  status: 201,
  answer: { id: incomingPayment, walletAddress: bob, completed: false, receivedAmount: eur('0') },
  ...parts,
});

export const readIncomingPayment = (parts: ExchangeParts = {}): ExchangeParts => ({
  operation: 'get-incoming-payment',
  ase: 'basalt',
  url: incomingPayment,
  ...parts,
});

export const createQuote = (body: unknown = {}, parts: ExchangeParts = {}): ExchangeParts => ({
  operation: 'create-quote',
  url: 'https://granite.example/quotes',
  method: 'POST',
  body:
    typeof body === 'object' && body !== null && !Array.isArray(body)
      ? { walletAddress: alice, receiver: incomingPayment, method: 'ilp', ...body }
      : body,
  token: accessToken,
  status: 201,
  answer: {
    id: quote,
    walletAddress: alice,
    receiver: incomingPayment,
    createdAt: '2027-01-15T08:00:00Z',
    expiresAt: '2027-01-15T08:05:00Z',
  },
  ...parts,
});

export const pay = (body: unknown = { walletAddress: alice, quoteId: quote }, parts: ExchangeParts = {}) => ({
  operation: 'create-outgoing-payment',
  url: 'https://granite.example/outgoing-payments',
  method: 'POST',
  body,
  token: 'some-token-at-granite',
  status: 201,
  ...parts,
});

export const list = (query: string, parts: ExchangeParts = {}): ExchangeParts => ({
  operation: 'list-incoming-payments',
  ase: 'basalt',
  url: `https://basalt.example/incoming-payments?${query}`,
  token: 'some-token-at-basalt',
  answer: { pagination: { startCursor: 'a b+c/=&#%25', endCursor: 'xyz 0123', hasNextPage: true }, result: [] },
  ...parts,
});
