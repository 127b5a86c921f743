/** Properties of signatures over requests. RFC 9421, as RFC 9635 §7.3.1 profiles it. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { Check, CheckContext } from '../runner/check.ts';
import { expectStatus } from '../steps/expect.ts';
import type { HeaderLine } from '../steps/http-exchange.ts';
import type { SignatureOptions } from '../steps/message-signature.ts';
import { newestPayment } from '../steps/payment-lists.ts';
import { forAll, property } from '../steps/property.ts';
import { quoteAccess } from '../steps/scenarios.ts';
import type { Answer, Call } from '../steps/signed-client.ts';
import { now, postGrant, postPayment, withBody } from '../steps/signed-requests.ts';

const labels = fc.stringMatching(/^[a-z*][a-z0-9_.*-]{0,8}$/);
const fieldValue = fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/);

/** A header that means nothing to the server, for signatures to cover. */
const note = fc.record({ name: fc.stringMatching(/^x-[a-z]{1,8}$/), value: fieldValue });

/** Everything about a signature that a client may choose. */
const drafts = fc.record({
  label: labels,
  note,
  optional: fc.subarray([
    'content-length',
    'content-type',
    '@authority',
    '@scheme',
    '@request-target',
    '@path',
    '@query',
  ]),
  order: fc.array(fc.nat(), { minLength: 20, maxLength: 20 }),
  /** Seconds since it was created. */
  age: fc.integer({ min: -30, max: 240 }),
  parameters: fc.shuffledSubarray(['alg', 'tag', 'nonce', 'expires']),
  /** Place of the two parameters that must be there among the others. */
  place: fc.nat({ max: 4 }),
});

type Draft = typeof drafts extends fc.Arbitrary<infer Value> ? Value : never;

/** Sorted by random numbers, so that a shrunk order is the usual one. */
const shuffle = <Item>(items: readonly Item[], order: readonly number[]): Item[] =>
  items
    .map((item, index) => [order[index % order.length]!, item] as const)
    .sort(([one], [other]) => one - other)
    .map(([, item]) => item);

const required = withBody.filter((name) => !name.startsWith('content-') || name === 'content-digest');

/** @param hasToken the request has an `Authorization` header, which must be covered */
function coveredBy({ optional, note: { name }, order }: Draft, hasToken: boolean): string[] {
  const needed = hasToken ? required : required.filter((each) => each !== 'authorization');
  return shuffle([...needed, ...optional, name], order);
}

function signatureOf(draft: Draft, hasToken: boolean): SignatureOptions {
  const values = {
    alg: '"ed25519"',
    tag: '"gnap"',
    // A nonce counts once, whatever run it is from.
    nonce: `"${randomUUID()}"`,
    expires: String(now() + 120),
  };
  const chosen = draft.parameters.map((name) => `;${name}=${values[name as keyof typeof values]}`);
  chosen.splice(draft.place, 0, `;created=${now() - draft.age}`);
  const { label } = draft;
  return { components: coveredBy(draft, hasToken), label, created: null, parameters: chosen.join('') };
}

/** Sends a signed request to each of the two servers: a grant request, and a creation at the resource server. */
const servers = ['authorization', 'resource'] as const;
type Server = (typeof servers)[number];

function send(context: CheckContext, server: Server, change: Partial<Call>): Promise<Answer> {
  return server === 'resource' ? postPayment(context, change) : postGrant(context, change);
}

const success: Readonly<Record<Server, number>> = { authorization: 200, resource: 201 };

/** A bad signature is 401 at the resource server; the authorization server says 400 for keys that it cannot find. */
function expectRefusal(server: Server, answer: Answer): void {
  if (server === 'resource') expectStatus(answer, 401);
  else assert.equal(expectStatus(answer, 400, 401).body?.error?.code, 'invalid_client');
}

/** Mistakes of a careless client, and attacks, on a request that is right in every other respect. */
const faults: Readonly<Record<string, (draft: Draft, choice: number, hasToken: boolean) => Partial<Call>>> = {
  'one bit of the signature is flipped': (draft, choice, hasToken) => ({
    sign: {
      ...signatureOf(draft, hasToken),
      alterSignature: (signature) => {
        signature[choice % signature.length]! ^= 1 << (choice % 8);
      },
    },
  }),
  'the signature is cut off': (draft, choice, hasToken) => ({
    sign: {
      ...signatureOf(draft, hasToken),
      alterLine: ([name, value]) =>
        name === 'signature' ? [name, `${value.slice(0, value.length - 4 - (choice % 40))}:`] : [name, value],
    },
  }),
  'a required component is not covered': (draft, choice, hasToken) => {
    const options = signatureOf(draft, hasToken);
    const needed = options.components!.filter((name) => required.includes(name));
    const left = needed[choice % needed.length];
    return { sign: { ...options, components: options.components!.filter((name) => name !== left) } };
  },
  'a covered component is there twice': (draft, choice, hasToken) => {
    const options = signatureOf(draft, hasToken);
    const components = options.components!;
    return { sign: { ...options, components: [...components, components[choice % components.length]!] } };
  },
  'a header that the request lacks is covered': (draft, _choice, hasToken) => {
    const options = signatureOf(draft, hasToken);
    return { sign: { ...options, components: [...options.components!, 'x-absent'] } };
  },
  'another URL is signed': (draft, choice, hasToken) => ({
    sign: { ...signatureOf(draft, hasToken), url: `https://elsewhere.example/${choice}` },
  }),
  'it is too old': (draft, choice, hasToken) => ({
    sign: signatureOf({ ...draft, age: 400 + (choice % 100_000) }, hasToken),
  }),
  'it comes from the future': (draft, choice, hasToken) => ({
    sign: signatureOf({ ...draft, age: -120 - (choice % 100_000) }, hasToken),
  }),
  'it has expired': (draft, choice, hasToken) => {
    const options = signatureOf({ ...draft, parameters: [] }, hasToken);
    return { sign: { ...options, parameters: `${options.parameters};expires=${now() - 10 - (choice % 1000)}` } };
  },
  'the key is unknown': (draft, choice, hasToken) => ({
    sign: { ...signatureOf(draft, hasToken), keyId: `unknown-${choice}` },
  }),
  'the labels differ': (draft, _choice, hasToken) => ({
    sign: { ...signatureOf(draft, hasToken), signatureLabel: `${draft.label}x` },
  }),
  'a covered header changes on the way': (draft, choice, hasToken) => ({
    sign: {
      ...signatureOf(draft, hasToken),
      alterSigned: ([name, value]) => [name, name === draft.note.name ? `${value}${choice}` : value],
    },
  }),
};

/** Pieces of the two fields, in any order: more of them reach the parser than of random text. */
const pieces = fc
  .array(
    fc.constantFrom(
      ...[
        'sig1',
        'sig2',
        '=',
        '(',
        ')',
        '"@method"',
        '"@target-uri"',
        '"authorization"',
        '"',
        '\\',
        ' ',
        ',',
        ';',
        ':',
      ],
      ...[
        ';created=1',
        ';keyid="key-1"',
        ';alg="ed25519"',
        ';sf',
        ';key="a"',
        'AAAA',
        '@',
        '%"',
        '?1',
        '-1',
        '1.5',
        '*',
      ],
    ),
    { minLength: 1, maxLength: 16 },
  )
  .map((parts) => parts.join('').trim())
  .filter((text) => text !== '');

export const checks: readonly Check[] = [
  property({
    id: 'signature.valid',
    rows: ['SIG-11', 'SIG-13', 'SIG-14', 'SIG-15', 'SIG-17', 'SIG-N01'],
    title: 'every signature that covers what it must is accepted, whatever else it covers and in any order',
    prepare: async () =>
      forAll({
        values: fc.record({ server: fc.constantFrom(...servers), draft: drafts }),
        share: 3,
        holds: async ({ server, draft }, context) => {
          const hasToken = server === 'resource';
          const headers: HeaderLine[] = [[draft.note.name, draft.note.value]];
          const answer = await send(context, server, { headers, sign: signatureOf(draft, hasToken) });
          expectStatus(answer, success[server]);
        },
      }),
  }),
  property({
    id: 'signature.invalid',
    rows: ['SIG-03', 'SIG-05', 'SIG-11', 'SIG-12', 'SIG-18', 'SIG-19', 'SIG-23'],
    title: 'a signature with any one fault is refused, and the request has no effect',
    prepare: async () => {
      const names = Object.keys(faults);
      const fixed = fc.sample(drafts, { numRuns: 1, seed: 1 })[0]!;
      return forAll({
        values: fc.record({
          server: fc.constantFrom(...servers),
          fault: fc.constantFrom(...names),
          draft: drafts,
          choice: fc.nat(),
        }),
        examples: names.flatMap((fault) => servers.map((server) => ({ server, fault, draft: fixed, choice: 0 }))),
        holds: async ({ server, fault, draft, choice }, context) => {
          const before = server === 'resource' ? await newestPayment(context) : undefined;
          const change = faults[fault]!(draft, choice, server === 'resource');
          const headers: HeaderLine[] = [[draft.note.name, draft.note.value]];
          expectRefusal(server, await send(context, server, { headers, ...change }));
          if (server === 'resource') assert.equal(await newestPayment(context), before, 'a payment was created');
        },
      });
    },
  }),
  property({
    id: 'signature.anything',
    rows: ['SIG-01', 'SIG-02', 'RS-24', 'AS-24'],
    title: 'whatever the two signature fields hold, the request is refused and never causes a 5xx',
    prepare: async ({ target }) =>
      forAll({
        values: fc.record({
          server: fc.constantFrom(...servers),
          input: fc.oneof(pieces, fieldValue),
          signature: fc.oneof(pieces, fieldValue),
        }),
        share: 3,
        holds: async ({ server, input, signature }, context) => {
          const json = { client: target.client, access_token: { access: [quoteAccess()] } };
          const alterLine = ([name, value]: HeaderLine): HeaderLine => {
            if (name === 'signature-input') return [name, input];
            return name === 'signature' ? [name, signature] : [name, value];
          };
          const body = server === 'authorization' ? { json } : {};
          expectRefusal(server, await send(context, server, { ...body, sign: { alterLine } }));
        },
      }),
  }),
];
