// Grant requests that are refused: one entry per way to be wrong, each with the status and code of its protocol.
// RFC 9635 §2, Open Payments auth-server POST /.
import { randomUUID } from 'node:crypto';
import type { Check, CheckContext } from '../runner/check.ts';
import { expectGnapError } from '../runner/expect.ts';
import { finishUri } from '../runner/interaction.ts';
import { amountOf, incomingAccess, outgoingAccess, quoteAccess } from '../runner/scenarios.ts';
import type { Call, Json } from '../runner/signed-client.ts';

/** Rows that every refusal observes: the error object, the codes, the pairs of status and code, no storing. */
const errorRows = ['AS-160', 'AS-161', 'AS-162', 'AS-14'];

type Refusal = readonly [
  id: string,
  rows: readonly string[],
  title: string,
  request: (context: CheckContext) => Json,
  code?: 'invalid_request' | 'invalid_client',
];

const quote = { access: [quoteAccess()] };
const interact = (finish?: Json): Json => ({ start: ['redirect'], ...(finish ? { finish } : {}) });
const finish = (change: Json = {}): Json => ({ method: 'redirect', uri: finishUri, nonce: randomUUID(), ...change });
const withClient = (context: CheckContext, rest: Json): Json => ({ client: context.environment.client, ...rest });
/** A request for one access item. */
const asking =
  (item: (context: CheckContext) => Json, more: Json = {}) =>
  (context: CheckContext): Json =>
    withClient(context, { access_token: { access: [item(context)] }, ...more });
/** A request for an outgoing payment with these limits, complete in every other respect. */
const limited = (limits: (context: CheckContext) => Json) =>
  asking((context) => outgoingAccess(context.sender, limits(context)), { interact: interact(finish()) });
const interacting =
  (value: () => Json) =>
  (context: CheckContext): Json =>
    withClient(context, { access_token: { access: [outgoingAccess(context.sender)] }, interact: value() });
const jwkWith =
  (change: Json) =>
  (context: CheckContext): Json => {
    const { jwk } = context.newIdentity(context.environment.identity.keyId);
    const changed = Object.fromEntries(
      Object.entries({ ...jwk, ...change }).filter(([, value]) => value !== undefined),
    );
    return { client: { jwk: changed }, access_token: quote };
  };

const refusals: readonly Refusal[] = [
  ['no-purpose', ['AS-03'], 'neither access_token nor subject', (c) => withClient(c, {})],
  ['access-token-array', ['AS-04'], 'several tokens at once', (c) => withClient(c, { access_token: [quote] })],
  ['access-token-text', ['AS-03', 'AS-07'], 'access_token is text', (c) => withClient(c, { access_token: 'quote' })],
  ['access-object', ['AS-05', 'AS-07'], 'access is no array', (c) => withClient(c, { access_token: { access: {} } })],
  [
    'four-items',
    ['AS-05'],
    'four access items',
    (c) => {
      const items = ['create', 'read', 'list', 'complete'].map((action) => incomingAccess(c.sender, [action]));
      return withClient(c, { access_token: { access: items } });
    },
  ],
  [
    'same-item-twice',
    ['AS-05'],
    'the same access item twice',
    (c) => withClient(c, { access_token: { access: [quoteAccess(), quoteAccess()] } }),
  ],
  ['no-items', ['AS-06'], 'no access item and no subject', (c) => withClient(c, { access_token: { access: [] } })],
  ['missing-client', ['AS-21'], 'no client', () => ({ access_token: quote })],
  ['number-client', ['AS-21'], 'client is a number', () => ({ client: 5, access_token: quote })],
  ['null-client', ['AS-21'], 'client is null', () => ({ client: null, access_token: quote })],
  ['word-client', ['AS-21'], 'client is a word', () => ({ client: 'foo', access_token: quote }), 'invalid_client'],
  [
    'two-clients',
    ['AS-20'],
    'wallet address and key together',
    (c) => ({ client: { walletAddress: c.environment.client, jwk: c.newIdentity('k').jwk }, access_token: quote }),
  ],
  [
    'foreign-client-member',
    ['AS-20'],
    'an unknown member in client',
    (c) => ({ client: { walletAddress: c.environment.client, name: 'shop' }, access_token: quote }),
  ],
  ['jwk-alg', ['AS-29'], 'a key of another algorithm', jwkWith({ alg: 'RS256' })],
  ['jwk-kty', ['AS-29'], 'a key of another type', jwkWith({ kty: 'RSA' })],
  ['jwk-crv', ['AS-29'], 'a key on another curve', jwkWith({ crv: 'X25519' })],
  ['jwk-without-x', ['AS-29'], 'a key without its value', jwkWith({ x: undefined })],
  ['jwk-without-kid', ['AS-29'], 'a key without a name', jwkWith({ kid: undefined })],
  ['type', ['AS-07'], 'an unknown type of access', asking(() => ({ type: 'card', actions: ['create'] }))],
  ['incoming-action', ['AS-35'], 'an unknown action', asking((c) => incomingAccess(c.sender, ['destroy']))],
  [
    'incoming-limits',
    ['AS-35'],
    'limits on incoming payments',
    asking((c) => ({ ...incomingAccess(c.sender), limits: { debitAmount: amountOf(c.sender, '1') } })),
  ],
  ['quote-list', ['AS-36'], 'listing quotes', asking(() => quoteAccess(['list']))],
  [
    'outgoing-without-identifier',
    ['AS-37'],
    'an outgoing payment of nobody',
    asking(() => ({ type: 'outgoing-payment', actions: ['create'] }), { interact: interact(finish()) }),
  ],
  [
    'outgoing-complete',
    ['AS-37'],
    'completing an outgoing payment',
    asking((c) => outgoingAccess(c.sender, undefined, ['complete']), { interact: interact(finish()) }),
  ],
  ['actions-twice', ['AS-38'], 'the same action twice', asking(() => quoteAccess(['create', 'create']))],
  ['no-actions', ['AS-38'], 'no action', asking(() => quoteAccess([]))],
  ['actions-missing', ['AS-35'], 'actions missing', asking(() => ({ type: 'incoming-payment' }))],
  [
    'foreign-identifier',
    ['AS-40'],
    'an identifier of another ASE',
    asking((c) => outgoingAccess(c.receiver), { interact: interact(finish()) }),
  ],
  [
    'list-all-without-identifier',
    ['AS-41'],
    'list-all of nobody',
    asking(() => ({ type: 'incoming-payment', actions: ['list-all'] }), { interact: interact(finish()) }),
  ],
  ['limit-receiver', ['AS-42'], 'a wallet address as limits.receiver', limited((c) => ({ receiver: c.receiver.url }))],
  ...['1.5', '-1', '', '18446744073709551616', '1e3', '007'].map(
    (value): Refusal => [
      `limit-value-${value.replace('.', '-') || 'empty'}`,
      ['AS-43'],
      `limits.debitAmount.value is "${value}"`,
      limited((c) => ({ debitAmount: amountOf(c.sender, value) })),
    ],
  ),
  [
    'limit-value-number',
    ['AS-43', 'AMB-24'],
    'limits.receiveAmount.value is a number',
    limited((c) => ({ receiveAmount: { ...amountOf(c.receiver, '1'), value: 1 } })),
  ],
  [
    'limit-without-asset',
    ['AS-43'],
    'limits.debitAmount without its asset',
    limited(() => ({ debitAmount: { value: '1' } })),
  ],
  ['limit-zero', ['LIM-N02'], 'a limit of zero', limited((c) => ({ debitAmount: amountOf(c.sender, '0') }))],
  [
    'two-limits',
    ['AS-44', 'AMB-24'],
    'a debit and a receive limit together',
    limited((c) => ({ debitAmount: amountOf(c.sender, '1'), receiveAmount: amountOf(c.receiver, '1') })),
  ],
  ...['R3/foo/P1M', 'R/2026-01-01T00:00:00Z', 'every month', 'P1M', ''].map(
    (interval, index): Refusal => [
      `interval-${index + 1}`,
      ['AS-45', 'AS-46'],
      `limits.interval is "${interval}"`,
      limited((c) => ({ interval, debitAmount: amountOf(c.sender, '1') })),
    ],
  ),
  ...['R0/2026-01-01T00:00:00Z/P1M', 'R-2/2026-01-01T00:00:00Z/P1M'].map(
    (interval, index): Refusal => [
      `repetitions-${index + 1}`,
      ['LIM-09'],
      `limits.interval is "${interval}"`,
      limited((c) => ({ interval, debitAmount: amountOf(c.sender, '1') })),
    ],
  ),
  [
    'same-identifier-twice',
    ['AS-N08'],
    'two outgoing items for one wallet address',
    (c) => {
      const items = [outgoingAccess(c.sender, undefined, ['create']), outgoingAccess(c.sender, undefined, ['read'])];
      return withClient(c, { access_token: { access: items }, interact: interact(finish()) });
    },
  ],
  ['no-interact', ['AS-61'], 'consent is needed, interact is missing', asking((c) => outgoingAccess(c.sender))],
  [
    'subject-without-interact',
    ['AS-60'],
    'a subject, interact is missing',
    (c) => withClient(c, { subject: { sub_ids: [{ id: c.sender.url, format: 'uri' }] } }),
  ],
  [
    'subject-and-token-without-interact',
    ['AS-60'],
    'a subject beside a quote, interact is missing',
    (c) => withClient(c, { access_token: quote, subject: { sub_ids: [{ id: c.sender.url, format: 'uri' }] } }),
  ],
  [
    'no-subject-id',
    ['AS-62'],
    'a subject of nobody',
    (c) => withClient(c, { subject: { sub_ids: [] }, interact: interact(finish()) }),
  ],
  [
    'two-subject-ids',
    ['AS-62'],
    'two subjects',
    (c) => {
      const ids = [c.sender.url, c.receiver.url].map((id) => ({ id, format: 'uri' }));
      return withClient(c, { subject: { sub_ids: ids }, interact: interact(finish()) });
    },
  ],
  ['start-user-code', ['AS-70'], 'another start mode', interacting(() => ({ start: ['user_code'], finish: finish() }))],
  ['start-empty', ['AS-70'], 'no start mode', interacting(() => ({ start: [], finish: finish() }))],
  ['start-missing', ['AS-70'], 'start is missing', interacting(() => ({ finish: finish() }))],
  ['finish-push', ['AS-71'], 'another finish mode', interacting(() => interact(finish({ method: 'push' })))],
  ['finish-no-uri', ['AS-71'], 'finish without uri', interacting(() => interact(finish({ uri: undefined })))],
  ['finish-no-nonce', ['AS-71'], 'finish without nonce', interacting(() => interact(finish({ nonce: undefined })))],
  ['finish-empty-nonce', ['AS-70'], 'an empty nonce', interacting(() => interact(finish({ nonce: '' })))],
  ['hash-method', ['AS-72'], 'another hash', interacting(() => interact(finish({ hash_method: 'sha3-512' })))],
  ...[`${finishUri}#fragment`, 'javascript:alert(1)', 'data:text/plain,x', 'file:///tmp/x', '/finish'].map(
    (uri, index): Refusal => [
      `finish-uri-${index + 1}`,
      ['AS-94'],
      `finish.uri is ${uri}`,
      interacting(() => interact(finish({ uri }))),
    ],
  ),
];

/** Ways to break the message around a request that is right in itself. */
const broken: readonly (readonly [id: string, rows: string[], title: string, call: Partial<Call>])[] = [
  ['malformed-json', ['AS-07'], 'broken JSON', { raw: '{"client":' }],
  ['no-body', ['AS-03', 'AS-07'], 'no body', { method: 'POST' }],
  ['array-body', ['AS-07'], 'the body is an array', { json: [] }],
  ['null-body', ['AS-07'], 'the body is null', { raw: 'null', contentType: 'application/json' }],
  ['text-plain', ['AS-N12'], 'another content type', { raw: '{}', contentType: 'text/plain' }],
  ['no-content-type', ['AS-N12'], 'no content type', { raw: '{}', contentType: null }],
];

export const grantRefusalChecks: Check[] = [
  ...refusals.map(
    ([id, rows, title, request, code = 'invalid_request']): Check => ({
      id: `grant.${id}`,
      rows: [...rows, ...errorRows],
      title: `refused with 400 ${code}: ${title}`,
      run: async (context) => {
        const url = context.sender.authServer;
        expectGnapError(await context.call({ operation: 'post-request', url, json: request(context) }), 400, code);
      },
    }),
  ),
  ...broken.map(
    ([id, rows, title, call]): Check => ({
      id: `grant.${id}`,
      rows: [...rows, ...errorRows],
      title: `refused with 400 invalid_request: ${title}`,
      run: async (context) => {
        const answer = await context.call({ operation: 'post-request', url: context.sender.authServer, ...call });
        expectGnapError(answer, 400, 'invalid_request');
      },
    }),
  ),
  {
    id: 'grant.jwk-interactive',
    rows: ['AS-28', ...errorRows],
    title: 'a client known only by its key cannot ask for what needs consent',
    run: async (context) => {
      const identity = context.newIdentity('directed');
      const json = {
        client: { jwk: identity.jwk },
        access_token: { access: [outgoingAccess(context.sender)] },
        interact: interact(finish()),
      };
      const answer = await context.call({
        operation: 'post-request',
        url: context.sender.authServer,
        json,
        sign: identity,
      });
      expectGnapError(answer, 400, 'invalid_client');
    },
  },
  {
    id: 'grant.order-of-refusals',
    rows: ['AS-N01', 'AS-02', 'AS-24'],
    title: 'a broken body comes before a missing signature, a missing signature before an unknown key',
    run: async (context) => {
      const call = { operation: 'post-request', url: context.sender.authServer, sign: false } as const;
      expectGnapError(await context.call({ ...call, json: {} }), 400, 'invalid_request');
      const json = withClient(context, { access_token: quote });
      expectGnapError(await context.call({ ...call, json }), 401, 'invalid_client');
      const sign = context.newIdentity(`unknown-${randomUUID()}`);
      expectGnapError(await context.call({ ...call, json, sign }), 400, 'invalid_client');
    },
  },
];
