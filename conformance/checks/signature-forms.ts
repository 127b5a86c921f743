// Forms of signatures and digests, each at both servers: what must be refused, and what real signers do that must be
// accepted. RFC 9421, RFC 9530, RFC 9635 §7.3.1.
import { randomUUID } from 'node:crypto';
import type { Check, CheckContext, Profile } from '../runner/check.ts';
import { expectGnapError, expectResourceError, expectStatus } from '../runner/expect.ts';
import { contentDigest, type SignatureOptions } from '../runner/message-signature.ts';
import { incomingToken, quoteAccess } from '../runner/scenarios.ts';
import type { Answer, Call } from '../runner/signed-client.ts';

export const now = (): number => Math.floor(Date.now() / 1000);
export const withBody = ['@method', '@target-uri', 'authorization', 'content-digest', 'content-length', 'content-type'];

/** A grant request (no token) that is right but for what `change` says. */
export function postGrant(context: CheckContext, change: Partial<Call>): Promise<Answer> {
  const json = { client: context.environment.client, access_token: { access: [quoteAccess()] } };
  return context.call({ operation: 'post-request', url: context.sender.authServer, json, ...change });
}

/** A creation at the resource server that is right but for what `change` says. */
export async function postPayment(context: CheckContext, change: Partial<Call>): Promise<Answer> {
  const token = await incomingToken(context);
  const url = `${context.receiver.resourceServer}/incoming-payments`;
  const json = { walletAddress: context.receiver.url };
  return context.call({ operation: 'create-incoming-payment', url, json, token, ...change });
}

const hundreds = Array.from({ length: 300 }, (_, index) => `x-${index}`);

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
  ['prehashed', ['SIG-23', 'AMB-22'], 'the hash of the signature base is signed', signed({ prehash: true })],
  [
    'mislabelled-digest',
    ['SIG-08', 'AMB-11'],
    'a digest under the name of another algorithm',
    signed({ digest: (body) => contentDigest(body, 'sha-256').replace('sha-256', 'sha-512') }),
  ],
  [
    'digest-twice',
    ['SIG-N03'],
    'two lines with digests of one algorithm',
    () => ({ headers: [['content-digest', contentDigest(Buffer.from('x'), 'sha-512')]], sign: {} }),
  ],
  ['label-twice', ['SIG-02', 'SIG-N03'], 'a label twice, on two lines', signed({ repeated: true })],
  ['long-list', ['SIG-18'], 'some hundred components', signed({ components: [...withBody, ...hundreds] })],
  ['deep-list', ['SIG-02'], 'lists within lists', signed({ parameters: `;nonce=${'('.repeat(2000)}` })],
  ['not-ascii', ['SIG-10'], 'a parameter that is not ASCII', signed({ parameters: ';nonce="\u00fc"' })],
  ['parameter-twice', ['SIG-11'], 'created twice', () => ({ sign: { parameters: `;created=${now()}` } })],
  ['decimal-created', ['SIG-11'], 'created is no integer', () => ({ sign: { created: `${now()}.5` } })],
];

/** What clients in use send although it is no structured field: refused in `strict`, accepted in `compat`. */
const loose: readonly Form[] = [
  ['php', ['SIG-25'], 'a signature without colons', signed({ form: 'php' })],
  ['rust', ['SIG-25', 'SIG-26'], 'an unquoted list and a bare signature', signed({ form: 'rust' })],
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

/** The entry whose bytes change after signing needs a body that is a valid grant request before and after. */
function grantBytes(context: CheckContext, change: Partial<Call>): Partial<Call> {
  if (change.sendInstead === undefined) return change;
  const json = { client: context.environment.client, access_token: { access: [quoteAccess(['create'])] }, note: 1 };
  return { ...change, raw: JSON.stringify(json), sendInstead: JSON.stringify({ ...json, note: 2 }) };
}

function refusals([id, rows, title, change]: Form, profile?: Profile): Check[] {
  const only = profile ? { profile } : {};
  return [
    {
      id: `signature.grant-${id}`,
      rows: [...rows, 'AS-24', 'AS-162'],
      title: `a grant request is refused with 401: ${title}`,
      ...only,
      run: async (context) => {
        const altered = withoutAuthorization(change());
        expectGnapError(await postGrant(context, grantBytes(context, altered)), 401, 'invalid_client');
      },
    },
    {
      id: `signature.payment-${id}`,
      rows: [...rows, 'SIG-30', 'RS-02', 'RS-04'],
      title: `the resource server refuses with 401: ${title}`,
      ...only,
      run: async (context) => {
        expectResourceError(await postPayment(context, change()), 401, /^Signature validation error/);
      },
    },
  ];
}

function acceptances([id, rows, title, change]: Form, profile?: Profile): Check[] {
  const only = profile ? { profile } : {};
  return [
    {
      id: `signature.grant-${id}`,
      rows,
      title: `a grant request is accepted: ${title}`,
      ...only,
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
      ...only,
      run: async (context) => {
        const call =
          id === 'pretty-printed' ? prettyPrinted(change(), { walletAddress: context.receiver.url }) : change();
        expectStatus(await postPayment(context, call), 201);
      },
    },
  ];
}

export const signatureFormChecks: readonly Check[] = [
  ...refused.flatMap((form) => refusals(form)),
  ...accepted.flatMap((form) => acceptances(form)),
  ...loose.flatMap((form) => acceptances(form, 'compat')),
  ...loose.flatMap(([id, rows, title, change]) => refusals([`strict-${id}`, rows, title, change], 'strict')),
];
