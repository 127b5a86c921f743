/**
 * For each answer that the Open Payments documents declare, by operation and status, a request that must bring it. The
 * checks `declared.…` send these requests, and so does Dredd.
 */
import assert from 'node:assert/strict';
import type { CheckContext } from '../runner/check.ts';
import { discoveryCalls } from './discovery.ts';
import { expectDeclared, expectStatus } from './expect.ts';
import { operations as resourceOperations } from './resource-operations.ts';
import {
  createIncomingPayment,
  incomingAccess,
  incomingToken,
  obtainConsent,
  outgoingAccess,
  quoteAccess,
  requestInteractiveGrant,
  requestToken,
} from './scenarios.ts';
import type { Answer, Call, Json } from './signed-client.ts';

/** Resolves to the request, after everything that it needs. */
export type Provocation = (context: CheckContext) => Promise<Call>;

/** A provocation, and what its request is like, to follow the name of the operation. */
type Way = readonly [provoke: Provocation, request: string];

const NO_SUCH_ID = '00000000-0000-4000-8000-000000000000';
/** Larger than any body that the servers accept. */
const TOO_MANY_BYTES = 120_000;
const ADDRESS_UNKNOWN = 'with a wallet address that does not exist';
const PARAMETER_UNKNOWN = 'with a query parameter that no document knows';

/**
 * The world in which continuing has to wait, web pages exist, a key set is read again only for a key that it lacks,
 * and both profiles reject unknown parameters.
 */
export const specialWorld: Json = {
  ases: [
    {
      name: 'slate',
      grants: { waitSeconds: 60 },
      extensions: { webPage: 'https://pages.example/%ewp' },
      wallets: [
        { path: '/ann', publicName: 'Ann', asset: 'USD/2', balance: 1000 },
        { path: '/ben', publicName: 'Ben', asset: 'USD/2' },
      ],
    },
  ],
  sender: 'slate/ann',
  receiver: 'slate/ben',
  client: { wallet: 'slate/ben', keyId: 'key-1' },
  switches: { clientKeyMaxAgeMs: 3_600_000, unknownQueryParameters: 'refuse' },
};

const incomingGrant = ({ sender }: CheckContext) => [incomingAccess(sender)];

/** The call of each operation that succeeds. */
const usual: Readonly<Record<string, Provocation>> = {
  'get-wallet-address': async ({ sender }) => ({ url: sender.url, sign: false }),
  'get-wallet-address-keys': async ({ sender }) => ({ url: `${sender.url}/jwks.json`, sign: false }),
  'get-wallet-address-did-document': async ({ sender }) => ({ url: `${sender.url}/did.json`, sign: false }),
  'options-discovery': async (context) => ({ ...(await discoveryCalls(context)).options, sign: false }),
  'get-discovery': async (context) => ({ ...(await discoveryCalls(context)).get, sign: false }),
  'post-request': async (context) => ({
    url: context.sender.authServer,
    json: { client: context.target.client, access_token: { access: incomingGrant(context) } },
  }),
  'post-continue': async (context) => {
    const pending = await requestInteractiveGrant(context, [outgoingAccess(context.sender)]);
    const { uri, access_token: token } = pending.body.continue;
    const json = { interact_ref: await obtainConsent(context, pending) };
    return { method: 'POST', url: uri, token: token.value, json };
  },
  'delete-continue': async (context) => {
    const { uri, access_token: token } = (await requestToken(context, context.sender, incomingGrant(context))).continue;
    return { method: 'DELETE', url: uri, token: token.value };
  },
  'post-token': async (context) => {
    const { access_token: token } = await requestToken(context, context.sender, incomingGrant(context));
    return { method: 'POST', url: token.manage, token: token.value };
  },
  'delete-token': async (context) => ({ ...(await usual['post-token']!(context)), method: 'DELETE' }),
  ...Object.fromEntries(
    resourceOperations.map(({ id, call, token }): [string, Provocation] => [
      id,
      async (context) => ({ ...(await call(context)), token: await token(context) }),
    ]),
  ),
  // A fresh one, because other calls need the shared one open.
  'complete-incoming-payment': async (context) => {
    const { id } = await createIncomingPayment(context);
    return { method: 'POST', url: `${id}/complete`, token: await incomingToken(context) };
  },
};

const usualCall = async (operation: string, context: CheckContext): Promise<Call> => ({
  ...(await usual[operation]!(context)),
  operation,
});

/** The usual call with something changed. */
const changed = (
  operation: string,
  request: string,
  change: (call: Call, context: CheckContext) => Partial<Call> | Promise<Partial<Call>>,
): Way => [
  async (context) => {
    const call = await usualCall(operation, context);
    return { ...call, ...(await change(call, context)) };
  },
  request,
];

/** The usual call while a fault is injected. The fault comes last, since preparing the call may use the operation. */
const withFault = (operation: string, request: string, fault: Json): Way => [
  async (context) => {
    const call = await usualCall(operation, context);
    const { status } = await context.control.request('POST', '/faults', { operation, nth: 1, times: 1, ...fault });
    if (status !== 201) throw new Error(`POST /faults answered ${status}`);
    return call;
  },
  request,
];

const withUnknownParameter = ({ url }: Call) => ({ url: `${url}${url.includes('?') ? '&' : '?'}x=1` });
const withUnknownId = ({ url }: Call) => ({ url: url.replace(/[^/]+(?=(\/complete)?$)/, NO_SUCH_ID) });
const withUnknownToken = () => ({ token: 'unknown' });
const withUnknownAddress = ({ url }: Call) => ({ url: url.replace(/(\/[a-z]+\.json)?$/, '-unknown$1') });
const tooLarge = ({ method, json }: Call): Partial<Call> => ({
  ...{ raw: JSON.stringify({ x: 'x'.repeat(TOO_MANY_BYTES) }), json: undefined, sign: false },
  method: method ?? (json === undefined ? 'GET' : 'POST'),
});
const asText = ({ json }: Call): Partial<Call> => ({
  ...{ raw: JSON.stringify(json ?? {}), json: undefined },
  contentType: 'text/plain',
});

/** A token of the ASE of the operation, for another kind of resource. */
const withTokenOfOtherKind =
  (operation: string) =>
  async (_call: Call, context: CheckContext): Promise<Partial<Call>> => {
    const { party } = resourceOperations.find(({ id }) => id === operation)!;
    const access = /quote|outgoing/.test(operation) ? incomingAccess(party(context)) : quoteAccess();
    return { token: (await requestToken(context, party(context), [access])).access_token.value };
  };

/** A grant of a client whose key set the runner hosts. */
async function grantToHostedClient(context: CheckContext) {
  const identity = context.newIdentity('hosted');
  const client = await context.clientHost.add([identity.jwk]);
  const asker = { client: client.url, identity };
  const grant = await requestToken(context, context.sender, incomingGrant(context), asker);
  return { client, identity, grant };
}

/** Answers of single operations. Those in `special` come about in `specialWorld`. */
const single: Readonly<Record<string, Readonly<Record<number, Way>>>> = {
  'get-wallet-address': {
    404: changed('get-wallet-address', ADDRESS_UNKNOWN, withUnknownAddress),
    406: changed('get-wallet-address', 'with `Accept: image/png`', () => ({ accept: 'image/png' })),
  },
  'get-wallet-address-keys': { 404: changed('get-wallet-address-keys', ADDRESS_UNKNOWN, withUnknownAddress) },
  'get-wallet-address-did-document': {
    404: changed('get-wallet-address-did-document', ADDRESS_UNKNOWN, withUnknownAddress),
  },
  'post-request': {
    400: changed('post-request', 'with an empty object', () => ({ json: {} })),
    401: changed('post-request', 'with a signature that does not verify', () => ({ sign: { broken: true } })),
  },
  'post-continue': {
    404: changed('post-continue', 'with a reference that was never issued', () => ({
      json: { interact_ref: 'unknown' },
    })),
  },
  'post-token': { 401: changed('post-token', 'with an id that does not exist', withUnknownId) },
  'delete-token': { 401: changed('delete-token', 'with an id that does not exist', withUnknownId) },
  'create-incoming-payment': {
    400: changed('create-incoming-payment', 'with a number as `walletAddress`', () => ({ json: { walletAddress: 7 } })),
  },
  'list-incoming-payments': {
    400: changed('list-incoming-payments', 'with `first` and `last`', ({ url }) => ({ url: `${url}&first=1&last=1` })),
  },
  'complete-incoming-payment': {
    // The content of a completion has no meaning, but a coded one cannot be compared with its digest.
    415: changed('complete-incoming-payment', 'with `Content-Encoding: gzip`', (call) => ({
      ...asText(call),
      headers: [['content-encoding', 'gzip']],
    })),
    409: changed('complete-incoming-payment', 'for a payment that is complete', async (call, context) => {
      await context.call(call);
      return {};
    }),
  },
  'create-quote': {
    400: changed('create-quote', 'with the method `card`', ({ json }) => ({
      json: { ...(json as Json), method: 'card' },
    })),
  },
  'create-outgoing-payment': {
    400: changed('create-outgoing-payment', 'with an empty object', () => ({ json: {} })),
    404: changed('create-outgoing-payment', 'with a quote that does not exist', ({ json }, { sender }) => ({
      json: { ...(json as Json), quoteId: `${sender.resourceServer}/quotes/${NO_SUCH_ID}` },
    })),
  },
  'list-outgoing-payments': {
    400: changed('list-outgoing-payments', 'with `first=0`', ({ url }) => ({ url: `${url}&first=0` })),
  },
};

const special: Readonly<Record<string, Readonly<Record<number, Way>>>> = {
  'get-wallet-address': {
    302: [
      async ({ sender }) => ({ operation: 'get-wallet-address', url: sender.url, sign: false, accept: 'text/html' }),
      'with `Accept: text/html`',
    ],
  },
  'post-continue': {
    400: [
      async (context) => {
        const pending = await requestInteractiveGrant(context, [outgoingAccess(context.sender)], false);
        const { uri, access_token: token } = pending.body.continue;
        return { operation: 'post-continue', method: 'POST', url: uri, token: token.value };
      },
      'sooner than `wait` says',
    ],
  },
  'delete-continue': {
    404: changed('delete-continue', PARAMETER_UNKNOWN, withUnknownParameter),
    400: [
      async (context) => {
        const { grant } = await grantToHostedClient(context);
        const { uri, access_token: token } = grant.continue;
        const sign = context.newIdentity('unpublished');
        return { operation: 'delete-continue', method: 'DELETE', url: uri, token: token.value, sign };
      },
      'by a client with a key that it has not published',
    ],
  },
  'post-token': {
    // The server has found the token when it asks for the new key. Until the answer, it takes the key that it knows.
    404: [
      async (context) => {
        const { client, grant, identity } = await grantToHostedClient(context);
        const { manage: url, value: token } = grant.access_token;
        const call: Call = { operation: 'post-token', method: 'POST', url, token };
        const newIdentity = context.newIdentity('new');
        client.keys.push(newIdentity.jwk);
        client.beforeNextAnswer = async () => void expectStatus(await context.call({ ...call, sign: identity }), 200);
        return { ...call, sign: newIdentity };
      },
      'while another rotation succeeds',
    ],
  },
};

/** Statuses that an injected fault brings about, for all operations. */
const faulty: readonly number[] = [429, 500, 503];

interface WayToAnswer {
  readonly provoke: Provocation;
  /** How its request differs from the usual one. Empty if it does not. */
  readonly request: string;
  /** It comes about in `specialWorld`. */
  readonly isSpecial: boolean;
  /** It comes about by a fault that is injected for one request. */
  readonly byFault: boolean;
}

/** How the answer comes about. Throws if no way is known. */
export function findProvocation(operation: string, status: number): WayToAnswer {
  if (!(operation in usual)) {
    throw new Error(`no request of ${operation} is known: add one to conformance/steps/declared-answers.ts`);
  }
  const byFault = faulty.includes(status);
  const inSpecial = special[operation]?.[status];
  const way = inSpecial ?? single[operation]?.[status] ?? general(operation, status);
  if (way) return { provoke: way[0], request: way[1], isSpecial: inSpecial !== undefined, byFault };
  if (status === 400) {
    const [provoke, request] = changed(operation, PARAMETER_UNKNOWN, withUnknownParameter);
    return { provoke, request, isSpecial: true, byFault };
  }
  throw new Error(`no request is known that makes ${operation} answer ${status}`);
}

/** Answers that come about in the same way for all operations. */
function general(operation: string, status: number): Way | undefined {
  switch (status) {
    case 200:
    case 201:
    case 204:
      return [(context) => usualCall(operation, context), ''];
    case 401:
      return changed(operation, 'with a token that was never issued', withUnknownToken);
    case 403:
      return changed(operation, 'with a token for other resources', withTokenOfOtherKind(operation));
    case 404:
      return changed(operation, 'with an id that does not exist', withUnknownId);
    case 405:
      return changed(operation, 'with the method PUT instead', () => ({ method: 'PUT', sign: false }));
    case 413:
      return changed(operation, `with ${TOO_MANY_BYTES} bytes of content`, tooLarge);
    case 415:
      return changed(operation, 'with `Content-Type: text/plain`', asText);
    case 429:
    case 503:
      return withFault(operation, 'while the control API injects this status', { kind: 'status', status });
    case 500:
      return withFault(operation, 'while the control API lets the server fail', { kind: 'crash' });
    default:
      return undefined;
  }
}

/** The answer has this status and is as its document says, and not empty where the schema demands no member. */
export function expectDeclaredAnswer(answer: Answer, status: number): void {
  expectDeclared(answer, status);
  assert.notDeepEqual(answer.body, {}, 'the answer is an empty object');
}

export interface DeclaredAnswer {
  readonly operation: string;
  readonly status: number;
}

/** All answers that the three documents of Open Payments declare. */
export const declaredAnswers: readonly DeclaredAnswer[] = (
  await Promise.all(
    ['wallet-address-server', 'auth-server', 'resource-server'].map(async (server) => {
      const file = new URL(`../../generated/${server}/document.json`, import.meta.url).href;
      const { default: document } = (await import(file, { with: { type: 'json' } })) as { default: Json };
      return Object.values<Json>(document.paths)
        .flatMap((path) => Object.values<Json>(path))
        .filter(({ operationId }) => operationId !== undefined)
        .flatMap(({ operationId: operation, responses }) =>
          Object.keys(responses).map((status) => ({ operation, status: Number(status) })),
        );
    }),
  )
).flat();
