/** Verifies HTTP message signatures (RFC 9421) and digests (RFC 9530) as GNAP asks for (RFC 9635 §7.3.1). */
import { createHash, type KeyObject, verify } from 'node:crypto';
import type { FaultName } from './faults.ts';
import { type Member, parseDictionary } from './structured-fields.ts';

export interface SignedMessage {
  readonly method: string;
  /** The absolute URL as clients call it, with the path and query of the request line. */
  readonly targetUri: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
}

/** The request is not signed as it must be. */
export class SignatureError extends Error {}

/** The nonces that were used, by key; each key's are kept while the process runs. */
export type Nonces = Set<string>;

const MAX_AGE_S = 300;
const MAX_AHEAD_S = 60;
const MAX_COMPONENTS = 32;
const MAX_LENGTH = 8192;

/** Values of a field, trimmed and joined; undefined without one (RFC 9421 §2.1). */
export function fieldOf({ headers }: Pick<SignedMessage, 'headers'>, name: string): string | undefined {
  const lines = headers.filter(([candidate]) => candidate.toLowerCase() === name);
  return lines.length === 0 ? undefined : lines.map(([, value]) => value.trim()).join(', ');
}

/** @throws SignatureError, or what `findKey` throws for a key that it does not find */
export async function verifySignature(
  message: SignedMessage,
  findKey: (keyId: string) => Promise<KeyObject> | KeyObject,
  nonces: Nonces,
  has: (fault: FaultName) => boolean,
): Promise<void> {
  const { input, signature } = chooseSignature(message);
  const components = readComponents(input);
  const required = ['@method', '@target-uri'];
  if (fieldOf(message, 'authorization') !== undefined && !has('token-not-covered')) required.push('authorization');
  if (message.body.length > 0 && !has('digest-not-covered')) required.push('content-digest');
  for (const name of required) if (!components.includes(name)) fail(`${name} is not covered`);
  if (!has('digest-not-checked')) checkDigest(message);

  const keyId = parameter(input, 'keyid', 'string');
  if (typeof keyId !== 'string') fail('keyid is missing');
  checkTimes(input, has);
  const algorithm = parameter(input, 'alg', 'string');
  if (algorithm !== undefined && algorithm !== 'ed25519') fail('alg is not ed25519');
  const key = await findKey(keyId);
  const base = signatureBase(message, components, input.source);
  if (!has('signature-not-verified') && !verify(null, Buffer.from(base, 'latin1'), key, signature)) {
    fail('the signature does not verify');
  }
  const nonce = parameter(input, 'nonce', 'string');
  if (nonce === undefined || has('nonce-reusable')) return;
  const use = `${key.export({ format: 'jwk' }).x} ${nonce}`;
  if (nonces.has(use)) fail('the nonce was used before');
  nonces.add(use);
}

function fail(reason: string): never {
  throw new SignatureError(reason);
}

/** The signature tagged `gnap`, or else the only one without a tag. */
function chooseSignature(message: SignedMessage): { input: Member; signature: Buffer } {
  const [inputs, signatures] = ['signature-input', 'signature'].map((name) => {
    const text = fieldOf(message, name) ?? fail(`${name} is missing`);
    if (text.length > MAX_LENGTH) fail(`${name} is too long`);
    return parse(text, name);
  }) as [ReadonlyMap<string, Member>, ReadonlyMap<string, Member>];
  if ([...inputs.keys()].sort().join() !== [...signatures.keys()].sort().join()) fail('the labels differ');
  const tagged = [...inputs].filter(([, input]) => parameter(input, 'tag', 'string') === 'gnap');
  const untagged = [...inputs].filter(([, input]) => !input.parameters.has('tag'));
  const candidates = tagged.length > 0 ? tagged : untagged;
  if (candidates.length !== 1) fail('there is not exactly one signature for GNAP');
  const [label, input] = candidates[0]!;
  if (!input.isList) fail('Signature-Input is not a list');
  const bytes = signatures.get(label)!;
  if (bytes.isList || bytes.items[0]!.bare.type !== 'bytes') fail('the signature is not a byte sequence');
  return { input, signature: bytes.items[0]!.bare.value as Buffer };
}

function parse(text: string, name: string): ReadonlyMap<string, Member> {
  try {
    return parseDictionary(text);
  } catch (error) {
    return fail(`${name}: ${(error as Error).message}`);
  }
}

/** A parameter of the list; of another type, it makes the request invalid. */
function parameter(input: Member, name: string, type: 'string' | 'integer'): string | number | undefined {
  const bare = input.parameters.get(name);
  if (bare && bare.type !== type) fail(`${name} is not of type ${type}`);
  return bare?.value as string | number | undefined;
}

function readComponents({ items }: Member): string[] {
  if (items.length > MAX_COMPONENTS) fail('too many components');
  const names = items.map(({ bare, parameters }) => {
    if (bare.type !== 'string' || parameters.size > 0) fail('a component is not a plain name');
    const name = bare.value as string;
    if (name !== name.toLowerCase()) fail('a component is in capitals');
    return name;
  });
  if (new Set(names).size !== names.length) fail('a component is covered twice');
  return names;
}

function checkTimes(input: Member, has: (fault: FaultName) => boolean): void {
  const now = Date.now() / 1000;
  const created = parameter(input, 'created', 'integer');
  const expires = parameter(input, 'expires', 'integer');
  if (created === undefined) fail('created is missing');
  const age = now - Number(created);
  if (!has('created-not-checked') && (age > MAX_AGE_S || age < -MAX_AHEAD_S)) fail('created is too old or ahead');
  if (expires !== undefined && Number(expires) <= now && !has('expires-not-checked')) fail('the signature has expired');
}

/** Every digest of a known algorithm has to be that of the body (RFC 9530 §2). */
function checkDigest(message: SignedMessage): void {
  const field = fieldOf(message, 'content-digest');
  if (field === undefined) return;
  const algorithms = { 'sha-256': 'sha256', 'sha-512': 'sha512' } as const;
  let known = 0;
  for (const [name, { items, isList }] of parse(field, 'content-digest')) {
    const { type, value } = items[0]?.bare ?? fail('Content-Digest is malformed');
    if (isList || type !== 'bytes') fail('Content-Digest is malformed');
    if (!(name in algorithms)) continue;
    known += 1;
    const digest = createHash(algorithms[name as keyof typeof algorithms])
      .update(message.body)
      .digest();
    if (!digest.equals(value as Buffer)) fail('the digest is not that of the body');
  }
  if (known === 0) fail('no digest of a known algorithm');
}

/** RFC 9421 §2.5; the parameters as they were received. */
function signatureBase(message: SignedMessage, components: readonly string[], parameters: string): string {
  const { origin, protocol, host } = new URL(message.targetUri);
  const target = message.targetUri.slice(origin.length);
  const [path = '', ...query] = target.split('?');
  const derived: Readonly<Record<string, string>> = {
    '@method': message.method,
    '@target-uri': message.targetUri,
    '@authority': host,
    '@scheme': protocol.slice(0, -1),
    '@request-target': target,
    '@path': path,
    '@query': `?${query.join('?')}`,
  };
  const lines = components.map((name) => {
    const value = name.startsWith('@') ? derived[name] : fieldOf(message, name);
    return `"${name}": ${value ?? fail(`${name} is covered, but absent`)}`;
  });
  return [...lines, `"@signature-params": ${parameters}`].join('\n');
}
