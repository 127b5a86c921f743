/** Bodies that the three creations of the resource server refuse. Open Payments resource-server. */
import type { Check } from '../../runner/check.ts';
import { expectResourceError } from '../../steps/expect.ts';
import { operations } from '../../steps/resource-operations.ts';
import type { Call, Json } from '../../steps/signed-client.ts';

type Creation = 'create-incoming-payment' | 'create-quote' | 'create-outgoing-payment';

const ids = {
  extraMember: {
    'create-incoming-payment': 'resource.create-incoming-payment-extra-member',
    'create-quote': 'resource.create-quote-extra-member',
    'create-outgoing-payment': 'resource.create-outgoing-payment-extra-member',
  },
  authenticationFirst: {
    'create-incoming-payment': 'resource.create-incoming-payment-authentication-first',
    'create-quote': 'resource.create-quote-authentication-first',
    'create-outgoing-payment': 'resource.create-outgoing-payment-authentication-first',
  },
} as const;

/** Broken bodies with a valid token and signature. */
const brokenBodies: readonly {
  readonly ids: Readonly<Record<Creation, string>>;
  readonly rows: readonly string[];
  readonly title: string;
  readonly change: Partial<Call>;
  readonly statuses: readonly number[];
}[] = [
  {
    ids: {
      'create-incoming-payment': 'resource.create-incoming-payment-malformed-json',
      'create-quote': 'resource.create-quote-malformed-json',
      'create-outgoing-payment': 'resource.create-outgoing-payment-malformed-json',
    },
    rows: ['RS-30'],
    title: 'broken JSON',
    change: { json: undefined, raw: '{"walletAddress":', contentType: 'application/json' },
    statuses: [400],
  },
  {
    ids: {
      'create-incoming-payment': 'resource.create-incoming-payment-text-plain',
      'create-quote': 'resource.create-quote-text-plain',
      'create-outgoing-payment': 'resource.create-outgoing-payment-text-plain',
    },
    rows: ['RS-30'],
    title: 'another content type',
    change: { json: undefined, raw: '{}', contentType: 'text/plain' },
    statuses: [415],
  },
  {
    ids: {
      'create-incoming-payment': 'resource.create-incoming-payment-no-content-type',
      'create-quote': 'resource.create-quote-no-content-type',
      'create-outgoing-payment': 'resource.create-outgoing-payment-no-content-type',
    },
    rows: ['RS-30'],
    title: 'no content type',
    change: { json: undefined, raw: '{}', contentType: null },
    statuses: [415],
  },
  {
    ids: {
      'create-incoming-payment': 'resource.create-incoming-payment-array',
      'create-quote': 'resource.create-quote-array',
      'create-outgoing-payment': 'resource.create-outgoing-payment-array',
    },
    rows: ['RS-01'],
    title: 'an array',
    change: { json: [] },
    statuses: [400],
  },
  {
    ids: {
      'create-incoming-payment': 'resource.create-incoming-payment-empty',
      'create-quote': 'resource.create-quote-empty',
      'create-outgoing-payment': 'resource.create-outgoing-payment-empty',
    },
    rows: ['RS-01', 'RS-IP-03'],
    title: 'an empty object',
    change: { json: {} },
    statuses: [400],
  },
];

const creations = operations.filter((operation) => operation.id.startsWith('create-'));

export const checks: readonly Check[] = [
  ...creations.flatMap((operation): Check[] => [
    ...brokenBodies.map(
      ({ ids, rows, title, change, statuses }): Check => ({
        id: ids[operation.id as Creation],
        rows: [...rows.filter((row) => row !== 'RS-IP-03' || operation.id === 'create-incoming-payment'), 'RS-02'],
        title: `${operation.id} refuses ${title}`,
        run: async (context) => {
          const call = await operation.call(context);
          expectResourceError(
            await context.call({ ...call, token: await operation.token(context), ...change }),
            statuses,
          );
        },
      }),
    ),
    {
      id: ids.extraMember[operation.id as Creation],
      rows: ['RS-01', 'RS-02'],
      title: `${operation.id} refuses an unknown member, null for an optional one, and a number for text`,
      run: async (context) => {
        const call = await operation.call(context);
        const token = await operation.token(context);
        for (const change of [{ foo: 1 }, { metadata: null }, { walletAddress: 5 }]) {
          const json = { ...(call.json as Json), ...change };
          expectResourceError(await context.call({ ...call, token, json }), 400);
        }
      },
    },
    {
      id: ids.authenticationFirst[operation.id as Creation],
      rows: ['RS-14'],
      title: `${operation.id} judges the token before the body`,
      run: async (context) => {
        const call = await operation.call(context);
        expectResourceError(await context.call({ ...call, json: { foo: 1 } }), 401);
      },
    },
  ]),
];
