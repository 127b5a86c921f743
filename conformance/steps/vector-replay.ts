/**
 * Replays the recorded requests of `vectors/signatures.json`: the same wire form with the addresses, token and key of the
 * target, signed at the current time (RFC 9421 §2.5).
 */
import { createHash, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Profile } from '../runner/check.ts';
import type { Identity } from '../runner/target.ts';
import type { HeaderLine } from './http-exchange.ts';
import { signatureBase } from './message-signature.ts';
import type { Call } from './signed-client.ts';

export interface RecordedRequest {
  readonly method: string;
  readonly origin: string;
  readonly target: string;
  readonly headers: readonly HeaderLine[];
  readonly body: string;
}

/** A request and what a verifier says of it in each profile: `ok`, or the reason of its refusal. */
export interface SignatureVector extends Readonly<Record<Profile, string>> {
  /** Id of the check that sends it. */
  readonly id: string;
  readonly rows: readonly string[];
  readonly about: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly request: RecordedRequest;
  /** Parts of the signed request that differ from the one sent. */
  readonly signed?: { readonly method?: string; readonly target?: string; readonly token?: string };
  /** Leniencies that let it be accepted. */
  readonly lenient?: readonly string[];
  /** Why it cannot be sent to a living target. */
  readonly offline?: string;
}

/** Destination of a recorded request, and the values that replace the recorded ones. */
export interface ReplayTarget {
  readonly operation: string;
  /** Beginning of the recorded target, and the URL that stands for it. */
  readonly recorded: string;
  readonly url: string;
  readonly token: string;
  readonly identity: Identity;
  /** Replacements for the wallet addresses and the asset in recorded targets and bodies. */
  readonly walletAddress: string;
  readonly client: string;
  readonly assetCode: string;
  readonly assetScale: number;
}

const recorded = {
  walletAddress: 'https://ase.example/alice',
  client: 'https://ase.example/client',
  token: 'OS9M2PMHKUR64TB8N6BW7OZB8CDFONP219RP1LT0',
  keyId: 'test-key-ed25519',
};

export function readSignatureVectors(): readonly SignatureVector[] {
  const file = new URL('../vectors/signatures.json', import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')).vectors;
}

/** The vector as a call to that place, signed at `now` (milliseconds). Its age is the recorded one. */
export function replayVector(vector: SignatureVector, place: ReplayTarget, now: number): Call {
  const { request, signed = {} } = vector;
  const shift = Math.floor(now / 1000) - vector.now / 1000;
  const fill = (text: string): string =>
    text
      .replaceAll(recorded.walletAddress, place.walletAddress)
      .replaceAll(encodeURIComponent(recorded.walletAddress), encodeURIComponent(place.walletAddress))
      .replaceAll(recorded.client, place.client)
      .replaceAll(recorded.token, place.token)
      .replaceAll(recorded.keyId, place.identity.keyId)
      .replaceAll(/\b1618[89]\d{5}\b/g, (seconds) => String(Number(seconds) + shift));
  const locate = (target: string): string =>
    target.startsWith(place.recorded)
      ? place.url + fill(target.slice(place.recorded.length))
      : new URL(place.url).origin + fill(target);
  const text = fill(request.body)
    .replaceAll('"USD"', JSON.stringify(place.assetCode))
    .replace(/("assetScale":\s*)\d+/, `$1${place.assetScale}`);
  const url = locate(request.target);
  const headers = request.headers.map(([name, value]): HeaderLine => {
    switch (name.toLowerCase()) {
      case 'content-digest':
        return [name, digestAnew(value, request.body, text)];
      case 'content-length':
        return [name, String(Buffer.byteLength(text))];
      case 'host':
        return [name, new URL(url).hostname];
      default:
        return [name, fill(value)];
    }
  });
  const signature = signAnew(
    {
      method: signed.method ?? request.method,
      url: locate(signed.target ?? request.target),
      headers: headers.map(([name, value]) =>
        signed.token && name === 'Authorization' ? [name, `GNAP ${signed.token}`] : [name, value],
      ),
    },
    place.identity,
  );
  return {
    operation: place.operation,
    method: request.method,
    url,
    sign: false,
    contentType: null,
    ...(text === '' ? {} : { raw: text }),
    headers: headers
      .filter(([name]) => name !== 'Content-Length')
      .map(([name, value]) =>
        name === 'Signature' && signature ? [name, replaceBytes(value, signature)] : [name, value],
      ),
  };
}

/** A digest that was right, of the body or of its compact JSON, is right again; a wrong one stays as it is. */
function digestAnew(field: string, before: string, after: string): string {
  const compact = (text: string): string => (text === '' ? text : JSON.stringify(JSON.parse(text)));
  const digest = (algorithm: string, text: string): string =>
    createHash(algorithm.replace('-', '')).update(text).digest('base64');
  return field.replaceAll(/(sha-256|sha-512)=:([^:]*):/g, (whole, algorithm: string, value: string) => {
    for (const form of [String, compact]) {
      if (digest(algorithm, form(before)) === value) return `${algorithm}=:${digest(algorithm, form(after))}:`;
    }
    return whole;
  });
}

const innerLists = /([a-z*][a-z0-9_.*-]*)=(\(([^()]*)\)(?:;[a-z*]+(?:=(?:"(?:\\.|[^"\\])*"|[^",; ]+))?)*)/g;

/** Base64 of the signature over what Signature-Input names; undefined where it names nothing that can be signed. */
function signAnew(
  request: { readonly method: string; readonly url: string; readonly headers: readonly HeaderLine[] },
  identity: Identity,
): string | undefined {
  const lines = request.headers.filter(([name]) => name === 'Signature-Input').map(([, value]) => value);
  const members = [...lines.join(', ').matchAll(innerLists)];
  const member =
    members.find(([, , parameters]) => parameters!.includes(';tag="gnap"')) ??
    members.find(([, label]) => label === 'sig1') ??
    members[0];
  if (!member) return undefined;
  const [, , parameters, list] = member;
  const components = list!.split(' ').filter((component) => component !== '');
  const base = signatureBase({ ...request, body: undefined }, request.headers, components, parameters!);
  return sign(null, Buffer.from(base), identity.privateKey).toString('base64');
}

/** All signatures of a field become this one, in the form that they have. */
const replaceBytes = (field: string, signature: string): string =>
  field.replaceAll(/[A-Za-z0-9+/]{86}==/g, () => signature);
