// HTTP message signatures and digests: what must be refused, and what real signers do that must be accepted.
// RFC 9421, RFC 9530, RFC 9635 §7.3.1.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Check, CheckContext } from '../runner/check.ts';
import { expectGnapError, expectResourceError, expectStatus } from '../runner/expect.ts';
import { contentDigest, type SignatureOptions } from '../runner/message-signature.ts';
import { createIncomingPayment, incomingToken, quoteAccess } from '../runner/scenarios.ts';
import type { Answer, Call } from '../runner/signed-client.ts';
import { withWorld } from '../runner/world.ts';

const now = (): number => Math.floor(Date.now() / 1000);
const withBody = ['@method', '@target-uri', 'authorization', 'content-digest', 'content-length', 'content-type'];

/** A grant request (no token) that is right but for what `change` says. */
function postGrant(context: CheckContext, change: Partial<Call>): Promise<Answer> {
  const json = { client: context.environment.client, access_token: { access: [quoteAccess()] } };
  return context.call({ operation: 'post-request', url: context.sender.authServer, json, ...change });
}

/** A creation at the resource server that is right but for what `change` says. */
async function postPayment(context: CheckContext, change: Partial<Call>): Promise<Answer> {
  const token = await incomingToken(context);
  const url = `${context.receiver.resourceServer}/incoming-payments`;
  const json = { walletAddress: context.receiver.url };
  return context.call({ operation: 'create-incoming-payment', url, json, token, ...change });
}

type Form = readonly [id: string, rows: readonly string[], title: string, change: () => Partial<Call>];
const signed =
  (options: SignatureOptions): (() => Partial<Call>) =>
  () => ({ sign: options });

/** Refused by both servers: AS 401 invalid_client, RS 401 "Signature validation error…". */
const refused: readonly Form[] = [
  ['unsigned', ['SIG-01', 'SIG-31', 'AMB-13'], 'no signature', () => ({ sign: false })],
  ['broken', ['SIG-23'], 'one bit of the signature differs', signed({ broken: true })],
  ['no-method', ['SIG-03'], '@method is not covered', signed({ components: withBody.slice(1) })],
  [
    'no-target',
    ['SIG-03'],
    '@target-uri is not covered',
    signed({ components: withBody.filter((name) => name !== '@target-uri') }),
  ],
  [
    'uncovered-digest',
    ['SIG-05', 'SIG-N02'],
    'the digest is not covered',
    signed({ components: withBody.slice(0, 3) }),
  ],
  ['no-digest', ['SIG-05'], 'a body without digest', signed({ digest: null, components: withBody.slice(0, 3) })],
  [
    'other-body',
    ['SIG-07', 'SIG-09'],
    'the bytes differ from what was digested',
    () => ({ raw: '{"a":1,"client":"x"}', contentType: 'application/json', sendInstead: '{"a":2,"client":"x"}' }),
  ],
  [
    'other-digest',
    ['SIG-09'],
    'the digest is of something else',
    signed({ digest: contentDigest(Buffer.from('x'), 'sha-512') }),
  ],
  ['malformed-digest', ['SIG-09'], 'the digest is no dictionary', signed({ digest: 'sha-512=abc' })],
  [
    'unknown-digest',
    ['SIG-08'],
    'the digest is of an unknown algorithm only',
    signed({ digest: 'md5=:CY9rzUYh03PK3k6DJie09g==:' }),
  ],
  [
    'one-of-two-digests-wrong',
    ['SIG-08'],
    'one of two known digests does not match',
    signed({ digest: `${contentDigest(Buffer.from('x'), 'sha-256')}, ${contentDigest(Buffer.from('x'), 'sha-512')}` }),
  ],
  ['no-keyid', ['SIG-10'], 'no keyid', signed({ keyId: null })],
  ['no-created', ['SIG-11', 'AMB-10'], 'no created', signed({ created: null })],
  ['text-created', ['SIG-11'], 'created is text', signed({ created: '"now"' })],
  ['old', ['SIG-11'], 'created an hour ago', () => ({ sign: { created: now() - 3600 } })],
  ['future', ['SIG-11'], 'created in an hour', () => ({ sign: { created: now() + 3600 } })],
  ['expired', ['SIG-12'], 'expired', () => ({ sign: { parameters: `;expires=${now() - 10}` } })],
  ['other-alg', ['SIG-13'], 'another algorithm', signed({ parameters: ';alg="rsa-pss-sha512"' })],
  ['other-tag', ['SIG-14'], 'another tag', signed({ parameters: ';tag="gnap-rotate"' })],
  ['upper-case', ['SIG-18'], 'a component in capitals', signed({ components: ['@METHOD', ...withBody] })],
  ['component-twice', ['SIG-18'], 'a component twice', signed({ components: ['@method', ...withBody] })],
  [
    'component-parameter',
    ['SIG-18'],
    'a component with a parameter',
    signed({ components: [...withBody, '"accept";sf'] }),
  ],
  [
    'ignored-parameter',
    ['SIG-18'],
    'a component with a parameter that the signer ignored',
    signed({ components: [...withBody, '"accept";sf'], bareIdentifiers: true }),
  ],
  ['absent-header', ['SIG-19'], 'a covered header is absent', signed({ components: [...withBody, 'x-absent'] })],
  ['unknown-derived', ['SIG-N01'], 'an unknown derived component', signed({ components: [...withBody, '@status'] })],
  ['labels-differ', ['SIG-02'], 'the two headers name different labels', signed({ signatureLabel: 'sig2' })],
];

/** Accepted by both. What only a resource request can show (a token to cover) comes below. */
const accepted: readonly Form[] = [
  ['label', ['SIG-02'], 'another label', signed({ label: 'foo' })],
  [
    'few-components',
    ['SIG-06'],
    'content-length and content-type are not covered',
    signed({ components: withBody.slice(0, 4) }),
  ],
  ['sha-256', ['SIG-08'], 'a sha-256 digest', signed({ digest: 'sha-256' })],
  ['pretty-printed', ['SIG-07'], 'white space in the body', () => ({ contentType: 'application/json; charset=utf-8' })],
  ['alg', ['SIG-13', 'AMB-10'], 'alg="ed25519"', signed({ parameters: ';alg="ed25519"' })],
  ['tag', ['SIG-14', 'AMB-10'], 'tag="gnap"', signed({ parameters: ';tag="gnap"' })],
  ['expires', ['SIG-12'], 'not yet expired', () => ({ sign: { parameters: `;expires=${now() + 60}` } })],
  ['component-order', ['SIG-17'], 'components in reverse', signed({ components: [...withBody].reverse() })],
  [
    'parameter-order',
    ['SIG-17'],
    'parameters in another order',
    () => ({ sign: { created: null, parameters: `;nonce="${randomUUID()}";created=${now()}` } }),
  ],
  [
    'authority',
    ['SIG-N01'],
    '@authority, @path and more are covered',
    signed({ components: [...withBody, '@authority', '@path', '@scheme', '@query', '@request-target'] }),
  ],
  [
    'any-header',
    ['SIG-N01'],
    'another header is covered',
    () => ({ headers: [['date', 'Tue, 20 Apr 2021 02:07:55 GMT']], sign: { components: [...withBody, 'date'] } }),
  ],
  ['php', ['SIG-25'], 'a signature without colons', signed({ form: 'php' })],
  ['rust', ['SIG-25', 'SIG-26'], 'an unquoted list and a bare signature', signed({ form: 'rust' })],
];

/** Grant requests carry no token: covering it there would be another mistake. */
function withoutAuthorization(change: Partial<Call>): Partial<Call> {
  if (!change.sign || 'privateKey' in change.sign || !change.sign.components) return change;
  return {
    ...change,
    sign: { ...change.sign, components: change.sign.components.filter((name) => name !== 'authorization') },
  };
}

/** The body of a call, pretty-printed: same value, other bytes. */
function prettyPrinted(change: Partial<Call>, json: unknown): Partial<Call> {
  return { ...change, raw: JSON.stringify(json, null, 2) };
}

export const signatureChecks: Check[] = [
  ...refused.flatMap(([id, rows, title, change]): Check[] => [
    {
      id: `signature.grant-${id}`,
      rows: [...rows, 'AS-24', 'AS-162'],
      title: `a grant request is refused with 401: ${title}`,
      run: async (context) => {
        const altered = withoutAuthorization(change());
        expectGnapError(await postGrant(context, grantBytes(context, altered)), 401, 'invalid_client');
      },
    },
    {
      id: `signature.payment-${id}`,
      rows: [...rows, 'SIG-30', 'RS-02', 'RS-04'],
      title: `the resource server refuses with 401: ${title}`,
      run: async (context) => {
        expectResourceError(await postPayment(context, change()), 401, /^Signature validation error/);
      },
    },
  ]),
  ...accepted.flatMap(([id, rows, title, change]): Check[] => [
    {
      id: `signature.grant-${id}`,
      rows,
      title: `a grant request is accepted: ${title}`,
      run: async (context) => {
        const json = { client: context.environment.client, access_token: { access: [quoteAccess()] } };
        const altered = withoutAuthorization(change());
        const call = id === 'pretty-printed' ? prettyPrinted(altered, json) : altered;
        expectStatus(await postGrant(context, call), 200);
      },
    },
    {
      id: `signature.payment-${id}`,
      rows,
      title: `the resource server accepts: ${title}`,
      run: async (context) => {
        const call =
          id === 'pretty-printed' ? prettyPrinted(change(), { walletAddress: context.receiver.url }) : change();
        expectStatus(await postPayment(context, call), 201);
      },
    },
  ]),
  {
    id: 'signature.uncovered-token',
    rows: ['SIG-04'],
    title: 'a token that the signature does not cover is refused, on a grant request too',
    run: async (context) => {
      const components = withBody.filter((name) => name !== 'authorization');
      expectResourceError(await postPayment(context, { sign: { components } }), 401, /^Signature validation error/);
      expectGnapError(await postGrant(context, { token: 'older', sign: { components } }), 401, 'invalid_client');
    },
  },
  {
    id: 'signature.nonce',
    rows: ['SIG-15'],
    title: 'a nonce is good once; one that a broken signature carried is not used up',
    run: async (context) => {
      const parameters = `;nonce="${randomUUID()}"`;
      expectResourceError(await postPayment(context, { sign: { parameters, broken: true } }), 401);
      expectStatus(await postPayment(context, { sign: { parameters } }), 201);
      expectResourceError(await postPayment(context, { sign: { parameters } }), 401);
    },
  },
  {
    id: 'signature.repeated',
    rows: ['SIG-16'],
    title: 'two identical signed requests within a second are both good',
    run: async (context) => {
      const { id: url } = await createIncomingPayment(context);
      const token = await incomingToken(context);
      const sign = { created: now() };
      for (let i = 0; i < 2; i += 1) {
        expectStatus(await context.call({ operation: 'get-incoming-payment', url, token, sign }), 200);
      }
    },
  },
  {
    id: 'signature.query',
    rows: ['SIG-20', 'SIG-22', 'RS-L-14'],
    title: 'the query is signed as it stands in the request line, escaped or not',
    run: async (context) => {
      const { receiver } = context;
      const token = await incomingToken(context);
      for (const address of [encodeURIComponent(receiver.url), receiver.url]) {
        const url = `${receiver.resourceServer}/incoming-payments?wallet-address=${address}&first=5`;
        expectStatus(await context.call({ operation: 'list-incoming-payments', url, token, sign: {} }), 200);
      }
    },
  },
  {
    id: 'signature.forwarded-headers',
    rows: ['SIG-21'],
    title: 'headers of a proxy that nobody trusts do not move the target URI',
    run: async (context) => {
      const headers = [
        ['x-forwarded-host', 'elsewhere.example'],
        ['x-forwarded-proto', 'https'],
        ['forwarded', 'host=elsewhere.example;proto=https'],
      ] as const;
      expectStatus(await postPayment(context, { headers }), 201);
    },
  },
  {
    id: 'signature.published-url',
    rows: ['SIG-21', 'WA-08'],
    title: 'where the published URL is not the one that is listened at, the target URI is the published one',
    run: async (context) => {
      const published = 'http://published.localhost/tenant';
      const at = 'one/ann';
      const definition = {
        ases: [
          {
            name: 'one',
            servers: { resourceServer: { url: published } },
            wallets: [{ path: '/ann', publicName: 'Ann', asset: 'USD/2' }],
          },
        ],
        sender: at,
        receiver: at,
        client: { wallet: at, keyId: 'one-1' },
      };
      await withWorld(context, { definition }, async (world) => {
        const { receiver } = world;
        assert.equal(receiver.resourceServer, published);
        const operation = 'create-incoming-payment';
        const url = `${new URL(receiver.url).origin}/tenant/incoming-payments`;
        const call = { operation, url, token: await incomingToken(world), json: { walletAddress: receiver.url } };
        expectResourceError(await world.call(call), 401);
        const host = [['x-forwarded-host', 'published.localhost']] as const;
        expectResourceError(await world.call({ ...call, headers: host }), 401);
        const { body } = expectStatus(
          await world.call({ ...call, sign: { url: `${published}/incoming-payments` } }),
          201,
        );
        assert.ok(body.id.startsWith(`${published}/incoming-payments/`), body.id);
      });
    },
  },
  {
    id: 'signature.content-type-without-body',
    rows: ['SIG-27', 'SIG-N02'],
    title: 'a GET may cover its content type, and carry a digest of nothing without covering it',
    run: async (context) => {
      const { id: url } = await createIncomingPayment(context);
      const call = { operation: 'get-incoming-payment', url, token: await incomingToken(context) };
      const components = ['@method', '@target-uri', 'authorization'];
      const typed = { contentType: 'application/json', sign: { components: [...components, 'content-type'] } };
      expectStatus(await context.call({ ...call, ...typed }), 200);
      expectStatus(await context.call({ ...call, sign: { digest: 'sha-512', components } }), 200);
    },
  },
  {
    id: 'signature.bearer',
    rows: ['SIG-28', 'RS-05'],
    title: 'the scheme is GNAP, in any case, with one token; Bearer is not supported',
    run: async (context) => {
      const token = await incomingToken(context);
      const sign: SignatureOptions = {};
      const authorized = (value: string): Partial<Call> => ({
        token: undefined,
        headers: [['authorization', value]],
        sign,
      });
      for (const value of [`Bearer ${token}`, 'GNAP', `GNAP ${token} ${token}`, token]) {
        expectResourceError(await postPayment(context, authorized(value)), 401);
      }
      expectStatus(await postPayment(context, authorized(`gnap ${token}`)), 201);
    },
  },
  {
    id: 'signature.two-authorizations',
    rows: ['SIG-N03'],
    title: 'two Authorization lines are refused, not chosen from',
    run: async (context) => {
      const headers = [['authorization', 'GNAP another']] as const;
      expectResourceError(await postPayment(context, { headers, sign: {} }), 401);
    },
  },
  {
    id: 'signature.quoted-keyid',
    rows: ['SIG-10'],
    title: 'a keyid may hold a semicolon',
    run: async (context) => {
      const identity = context.newIdentity('key;id="odd"');
      const json = { client: { jwk: identity.jwk }, access_token: { access: [quoteAccess()] } };
      const answer = await postGrant(context, { json, sign: { by: identity } });
      expectStatus(answer, 200);
      assert.equal(typeof answer.body.access_token.value, 'string');
    },
  },
];

/** The entry whose bytes change after signing needs a body that is a valid grant request before and after. */
function grantBytes(context: CheckContext, change: Partial<Call>): Partial<Call> {
  if (change.sendInstead === undefined) return change;
  const json = { client: context.environment.client, access_token: { access: [quoteAccess(['create'])] }, note: 1 };
  return { ...change, raw: JSON.stringify(json), sendInstead: JSON.stringify({ ...json, note: 2 }) };
}
