/** Properties of content digests. RFC 9530, which RFC 9635 §7.3.1 demands for every request with content. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import type { Check, CheckContext } from '../runner/check.ts';
import { expectGnapError, expectResourceError, expectStatus } from '../steps/expect.ts';
import { contentDigest } from '../steps/message-signature.ts';
import { newestPayment } from '../steps/payment-lists.ts';
import { forAll, property } from '../steps/property.ts';
import { incomingToken, quoteAccess } from '../steps/scenarios.ts';
import type { Answer, Call } from '../steps/signed-client.ts';

const known = ['sha-256', 'sha-512'] as const;
type Algorithm = (typeof known)[number];

/** Algorithms that a server need not understand, and the length of their digests in bytes. */
const unknown = { md5: 16, sha: 20, unixsum: 2, 'sha3-512': 64 } as const;

const bytesInBase64 = (seed: number, length: number): string =>
  createHash('shake256', { outputLength: length }).update(String(seed)).digest('base64');

/** Members of the field in any order, with any white space that a dictionary may have. */
const fields = fc.record({
  known: fc.subarray([...known], { minLength: 1 }),
  unknown: fc.subarray(Object.keys(unknown) as (keyof typeof unknown)[]),
  isKnownFirst: fc.boolean(),
  comma: fc.constantFrom(', ', ',', ' ,', ',\t', '  ,  '),
  seed: fc.nat(),
});

type Field = typeof fields extends fc.Arbitrary<infer Value> ? Value : never;

function writeField(field: Field, digest: (algorithm: Algorithm) => string): string {
  const understood = field.known.map(digest);
  const others = field.unknown.map((name) => `${name}=:${bytesInBase64(field.seed, unknown[name])}:`);
  const members = field.isKnownFirst ? [...understood, ...others] : [...others, ...understood];
  return members.join(field.comma);
}

const servers = ['authorization', 'resource'] as const;

/** The same request in other bytes: white space between the members, and a note of any length. */
const contents = fc.record({
  server: fc.constantFrom(...servers),
  indent: fc.constantFrom('', ' ', '\t', '   '),
  note: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 }),
});

type Content = typeof contents extends fc.Arbitrary<infer Value> ? Value : never;

/** A grant request, or the creation of an incoming payment. */
async function request(context: CheckContext, { server, indent, note }: Content): Promise<Call> {
  const { sender, receiver, target } = context;
  if (server === 'authorization') {
    const json = { client: target.client, access_token: { access: [quoteAccess()] }, note };
    return { operation: 'post-request', url: sender.authServer, raw: JSON.stringify(json, null, indent) };
  }
  const raw = JSON.stringify({ walletAddress: receiver.url, metadata: { note } }, null, indent);
  const url = `${receiver.resourceServer}/incoming-payments`;
  return { operation: 'create-incoming-payment', url, raw, token: await incomingToken(context) };
}

/** Faults of the field or the content, in a request whose signature covers the field as it is sent. */
const faults: Readonly<Record<string, (field: Field, raw: string) => Partial<Call>>> = {
  'the field is missing': () => ({ sign: { digest: null, components: ['@method', '@target-uri'] } }),
  'no known algorithm': (field) => ({
    sign: { digest: () => writeField({ ...field, known: [], unknown: [...field.unknown, 'md5'] }, String) },
  }),
  'a digest of other bytes': (field) => ({
    sign: { digest: () => writeField(field, (algorithm) => contentDigest(Buffer.from(String(field.seed)), algorithm)) },
  }),
  'one bit of a digest is flipped': (field) => ({
    sign: { digest: (bytes) => writeField(field, (algorithm) => flipBit(contentDigest(bytes, algorithm), field.seed)) },
  }),
  'one of two known digests is wrong': ({ seed }) => ({
    sign: {
      digest: (bytes) => {
        const members = known.map((algorithm) => contentDigest(bytes, algorithm));
        return members.with(seed % 2, flipBit(members[seed % 2]!, seed)).join(', ');
      },
    },
  }),
  'a digest is cut off': (field) => ({
    sign: {
      digest: (bytes) =>
        writeField(field, (algorithm) => contentDigest(bytes, algorithm).slice(0, -1 - (1 + (field.seed % 30)))),
    },
  }),
  'the content changes on the way': (field, raw) => ({
    sign: { digest: (bytes) => writeField(field, (algorithm) => contentDigest(bytes, algorithm)) },
    // Inside the note, so that the content stays valid.
    sendInstead: raw.replace(/("note":\s*")./u, (_, before: string) => `${before}${otherCharacter(raw)}`),
  }),
};

/** Another character in as many bytes as the first of the note. */
function otherCharacter(raw: string): string {
  const first = /"note":\s*"(\\.|.)/u.exec(raw)![1]!;
  return 'z'.repeat(Buffer.byteLength(first)).replace(first, 'y');
}

function flipBit(member: string, seed: number): string {
  const [, name, value] = /^([^=]+)=:(.*):$/.exec(member)!;
  const bytes = Buffer.from(value!, 'base64');
  bytes[seed % bytes.length]! ^= 1 << (seed % 8);
  return `${name}=:${bytes.toString('base64')}:`;
}

/** Text in place of the field that is not a dictionary with a digest of these bytes. */
const texts = fc
  .oneof(
    fc.stringMatching(/^[!-~]([ -~]{0,30}[!-~])?$/),
    fc
      .array(fc.constantFrom(...known, '=', ':', ',', ' ', ';', 'AAAA', '"', '(', ')', '?1', '=:', ':, '), {
        minLength: 1,
      })
      .map((pieces) => pieces.join('').trim())
      .filter((text) => text !== ''),
  )
  // The name of an algorithm alone stands for its digest.
  .filter((text) => !known.some((algorithm) => algorithm === text));

function expectRefusal({ server }: Content, answer: Answer): void {
  if (server === 'authorization') expectGnapError(answer, 401, 'invalid_client');
  else expectResourceError(answer, 401);
}

export const checks: readonly Check[] = [
  property({
    id: 'digest.valid',
    rows: ['SIG-07', 'SIG-08'],
    title: 'a digest of the bytes by any known algorithm is accepted, beside digests by unknown ones',
    prepare: async () =>
      forAll({
        values: fc.record({ content: contents, field: fields }),
        share: 2,
        holds: async ({ content, field }, context) => {
          const digest = (bytes: Buffer): string => writeField(field, (algorithm) => contentDigest(bytes, algorithm));
          const answer = await context.call({ ...(await request(context, content)), sign: { digest } });
          expectStatus(answer, 200, 201);
        },
      }),
  }),
  property({
    id: 'digest.invalid',
    rows: ['SIG-05', 'SIG-07', 'SIG-08', 'SIG-09'],
    title: 'a digest that is missing, wrong, cut off or of other bytes is refused, and the request has no effect',
    prepare: async () => {
      const names = Object.keys(faults);
      const [content] = fc.sample(contents, { numRuns: 1, seed: 1 });
      const [field] = fc.sample(fields, { numRuns: 1, seed: 1 });
      return forAll({
        values: fc.record({ fault: fc.constantFrom(...names), content: contents, field: fields }),
        examples: names.flatMap((fault) =>
          servers.map((server) => ({ fault, content: { ...content!, server }, field: field! })),
        ),
        holds: async ({ fault, content: sent, field: written }, context) => {
          const before = await newestPayment(context);
          const call = await request(context, sent);
          expectRefusal(sent, await context.call({ ...call, ...faults[fault]!(written, call.raw!) }));
          assert.equal(await newestPayment(context), before, 'a payment was created');
        },
      });
    },
  }),
  property({
    id: 'digest.anything',
    rows: ['SIG-09', 'RS-24'],
    title: 'whatever the field holds in place of a digest, the request is refused and never causes a 5xx',
    prepare: async () =>
      forAll({
        values: fc.record({ content: contents, digest: texts }),
        share: 2,
        holds: async ({ content, digest }, context) => {
          const call = await request(context, content);
          expectRefusal(content, await context.call({ ...call, sign: { digest: () => digest } }));
        },
      }),
  }),
];
