/** Grant requests that are refused for their client or their access items. RFC 9635 §2, Open Payments auth-server POST /. */

import { randomUUID } from 'node:crypto';
import type { Check } from '../../runner/check.ts';
import { expectGnapError } from '../../steps/expect.ts';
import {
  asking,
  errorRows,
  finish,
  interact,
  jwkWith,
  quote,
  type Refusal,
  refusal,
  withClient,
} from '../../steps/grant-refusals.ts';
import { expectTwoAses } from '../../steps/parties.ts';
import { amountOf, incomingAccess, outgoingAccess, quoteAccess } from '../../steps/scenarios.ts';
import type { Call } from '../../steps/signed-client.ts';

const refusals: readonly Refusal[] = [
  {
    id: 'grant.no-purpose',
    rows: ['AS-03'],
    title: 'neither access_token nor subject',
    request: (c) => withClient(c, {}),
  },
  {
    id: 'grant.access-token-array',
    rows: ['AS-04'],
    title: 'several tokens at once',
    request: (c) => withClient(c, { access_token: [quote] }),
  },
  {
    id: 'grant.access-token-text',
    rows: ['AS-03', 'AS-07'],
    title: 'access_token is text',
    request: (c) => withClient(c, { access_token: 'quote' }),
  },
  {
    id: 'grant.access-object',
    rows: ['AS-05', 'AS-07'],
    title: 'access is not an array',
    request: (c) => withClient(c, { access_token: { access: {} } }),
  },
  {
    id: 'grant.four-items',
    rows: ['AS-05'],
    title: 'four access items',
    request: (c) => {
      const items = ['create', 'read', 'list', 'complete'].map((action) => incomingAccess(c.sender, [action]));
      return withClient(c, { access_token: { access: items } });
    },
  },
  {
    id: 'grant.same-item-twice',
    rows: ['AS-05'],
    title: 'the same access item twice',
    request: (c) => withClient(c, { access_token: { access: [quoteAccess(), quoteAccess()] } }),
  },
  {
    id: 'grant.no-items',
    rows: ['AS-06'],
    title: 'no access item and no subject',
    request: (c) => withClient(c, { access_token: { access: [] } }),
  },
  {
    id: 'grant.missing-client',
    rows: ['AS-21'],
    title: 'no client',
    request: () => ({ access_token: quote }),
  },
  {
    id: 'grant.number-client',
    rows: ['AS-21'],
    title: 'client is a number',
    request: () => ({ client: 5, access_token: quote }),
  },
  {
    id: 'grant.null-client',
    rows: ['AS-21'],
    title: 'client is null',
    request: () => ({ client: null, access_token: quote }),
  },
  {
    id: 'grant.word-client',
    rows: ['AS-21'],
    title: 'client is a word',
    request: () => ({ client: 'foo', access_token: quote }),
    code: 'invalid_client',
  },
  {
    id: 'grant.two-clients',
    rows: ['AS-20'],
    title: 'wallet address and key together',
    request: (c) => ({
      client: { walletAddress: c.target.client, jwk: c.newIdentity('k').jwk },
      access_token: quote,
    }),
  },
  {
    id: 'grant.foreign-client-member',
    rows: ['AS-20'],
    title: 'an unknown member in client',
    request: (c) => ({ client: { walletAddress: c.target.client, name: 'shop' }, access_token: quote }),
  },
  {
    id: 'grant.jwk-alg',
    rows: ['AS-29'],
    title: 'a key of another algorithm',
    request: jwkWith({ alg: 'RS256' }),
  },
  {
    id: 'grant.jwk-kty',
    rows: ['AS-29'],
    title: 'a key of another type',
    request: jwkWith({ kty: 'RSA' }),
  },
  {
    id: 'grant.jwk-crv',
    rows: ['AS-29'],
    title: 'a key on another curve',
    request: jwkWith({ crv: 'X25519' }),
  },
  {
    id: 'grant.jwk-without-x',
    rows: ['AS-29'],
    title: 'a key without its value',
    request: jwkWith({ x: undefined }),
  },
  {
    id: 'grant.jwk-without-kid',
    rows: ['AS-29'],
    title: 'a key without a name',
    request: jwkWith({ kid: undefined }),
  },
  {
    id: 'grant.type',
    rows: ['AS-07'],
    title: 'an unknown type of access',
    request: asking(() => ({ type: 'card', actions: ['create'] })),
  },
  {
    id: 'grant.incoming-action',
    rows: ['AS-35'],
    title: 'an unknown action',
    request: asking((c) => incomingAccess(c.sender, ['destroy'])),
  },
  {
    id: 'grant.incoming-limits',
    rows: ['AS-35'],
    title: 'limits on incoming payments',
    request: asking((c) => ({ ...incomingAccess(c.sender), limits: { debitAmount: amountOf(c.sender, '1') } })),
  },
  {
    id: 'grant.quote-list',
    rows: ['AS-36'],
    title: 'listing quotes',
    request: asking(() => quoteAccess(['list'])),
  },
  {
    id: 'grant.outgoing-without-identifier',
    rows: ['AS-37'],
    title: 'an outgoing payment without identifier',
    request: asking(() => ({ type: 'outgoing-payment', actions: ['create'] }), { interact: interact(finish()) }),
  },
  {
    id: 'grant.outgoing-complete',
    rows: ['AS-37'],
    title: 'completing an outgoing payment',
    request: asking((c) => outgoingAccess(c.sender, undefined, ['complete']), { interact: interact(finish()) }),
  },
  {
    id: 'grant.actions-twice',
    rows: ['AS-38'],
    title: 'the same action twice',
    request: asking(() => quoteAccess(['create', 'create'])),
  },
  {
    id: 'grant.no-actions',
    rows: ['AS-38'],
    title: 'no action',
    request: asking(() => quoteAccess([])),
  },
  {
    id: 'grant.actions-missing',
    rows: ['AS-35'],
    title: 'actions missing',
    request: asking(() => ({ type: 'incoming-payment' })),
  },
  {
    id: 'grant.foreign-identifier',
    rows: ['AS-40'],
    title: 'an identifier of another ASE',
    request: asking(
      (c) => {
        expectTwoAses(c);
        return outgoingAccess(c.receiver);
      },
      { interact: interact(finish()) },
    ),
  },
  {
    id: 'grant.list-all-without-identifier',
    rows: ['AS-41'],
    title: 'list-all without identifier',
    request: asking(() => ({ type: 'incoming-payment', actions: ['list-all'] }), { interact: interact(finish()) }),
  },
];

/** Broken messages around a valid request. */
const broken: readonly {
  readonly id: string;
  readonly rows: readonly string[];
  readonly title: string;
  readonly call: Partial<Call>;
}[] = [
  {
    id: 'grant.malformed-json',
    rows: ['AS-07'],
    title: 'broken JSON',
    call: { raw: '{"client":' },
  },
  {
    id: 'grant.no-body',
    rows: ['AS-03', 'AS-07'],
    title: 'no body',
    call: { method: 'POST' },
  },
  {
    id: 'grant.array-body',
    rows: ['AS-07'],
    title: 'the body is an array',
    call: { json: [] },
  },
  {
    id: 'grant.null-body',
    rows: ['AS-07'],
    title: 'the body is null',
    call: { raw: 'null', contentType: 'application/json' },
  },
  {
    id: 'grant.text-plain',
    rows: ['AS-N12'],
    title: 'another content type',
    call: { raw: '{}', contentType: 'text/plain' },
  },
  {
    id: 'grant.no-content-type',
    rows: ['AS-N12'],
    title: 'no content type',
    call: { raw: '{}', contentType: null },
  },
];

export const checks: readonly Check[] = [
  ...refusals.map(refusal),
  ...broken.map(
    ({ id, rows, title, call }): Check => ({
      id,
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
