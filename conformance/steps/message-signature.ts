/**
 * RFC 9421 signatures in any shape a check needs, wrong ones included. Right ones of the usual shape come from
 * @interledger/http-signature-utils (see signed-client.ts); this file exists to deviate from it.
 */
import { createHash, sign } from 'node:crypto';
import type { Identity } from '../runner/target.ts';
import { type HeaderLine, targetOf } from './http-exchange.ts';

/** Deviations from the usual signature; what is not given stays usual. */
export interface SignatureOptions {
  /** The signing identity; the run's client by default. */
  readonly by?: Identity;
  /** Covered components, in order; default: those that the official client covers. */
  readonly components?: readonly string[];
  /** `created` as written into the parameters; `null` leaves it out. Default: now, in seconds. */
  readonly created?: number | string | null;
  /** `keyid`; `null` leaves it out. */
  readonly keyId?: string | null;
  /** More parameters, verbatim: `;alg="ed25519"`. */
  readonly parameters?: string;
  /** Label in `Signature-Input` and, unless told otherwise, in `Signature`. */
  readonly label?: string;
  readonly signatureLabel?: string;
  /** Wire form: RFC 9421, or what the PHP and Rust clients write (SIG-25, SIG-26). */
  readonly form?: 'rfc' | 'php' | 'rust';
  /** Value of `Content-Digest`; `null` sends none; `'sha-256'` and `'sha-512'` are computed. */
  readonly digest?: string | null | ((body: Buffer) => string);
  /** URL to sign for, where it is not the one that is called. */
  readonly url?: string;
  /** Leave the parameters of components out of the signature base, as a signer would that ignores them. */
  readonly bareIdentifiers?: boolean;
  /** Sign the SHA-512 of the signature base instead of the base (AMB-22). */
  readonly prehash?: boolean;
  /** A second `Signature-Input` and `Signature` line, equal to the first. */
  readonly repeated?: boolean;
  /** Flip one bit of the signature. */
  readonly broken?: boolean;
  /** Changes the signature itself, and the lines that were added, after signing. */
  readonly alterSignature?: (signature: Buffer) => void;
  readonly alterLine?: (line: HeaderLine) => HeaderLine;
  /** Changes the header lines that are signed, but not those that are sent. */
  readonly alterSigned?: (line: HeaderLine) => HeaderLine;
}

export interface Unsigned {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly HeaderLine[];
  readonly body: Buffer | undefined;
}

/** `Content-Digest` of the bytes (RFC 9530 §2). */
export function contentDigest(body: Buffer, algorithm: 'sha-256' | 'sha-512'): string {
  const hash = createHash(algorithm === 'sha-256' ? 'sha256' : 'sha512');
  return `${algorithm}=:${hash.update(body).digest('base64')}:`;
}

/** The header lines to add: `Content-Digest` (if any), `Signature-Input`, `Signature`. */
export function signRequest(request: Unsigned, identity: Identity, options: SignatureOptions): HeaderLine[] {
  const added: HeaderLine[] = [];
  const asked = options.digest === undefined ? (request.body ? 'sha-512' : null) : options.digest;
  const digest = typeof asked === 'function' ? asked(request.body ?? Buffer.alloc(0)) : asked;
  if (digest === 'sha-256' || digest === 'sha-512') {
    added.push(['content-digest', contentDigest(request.body ?? Buffer.alloc(0), digest)]);
  } else if (digest !== null) {
    added.push(['content-digest', digest]);
  }
  const sent = [...request.headers, ...added];
  const headers = options.alterSigned ? sent.map(options.alterSigned) : sent;
  const components = options.components ?? usualComponents(headers, request.body);
  const signer = options.by ?? identity;
  const quote = (name: string): string => (options.form === 'rust' ? name : name.startsWith('"') ? name : `"${name}"`);
  const created = options.created === undefined ? Math.floor(Date.now() / 1000) : options.created;
  const keyId = options.keyId === undefined ? signer.keyId : options.keyId;
  const parameters =
    `(${components.map(quote).join(' ')})` +
    (created === null ? '' : `;created=${created}`) +
    (keyId === null ? '' : `;keyid="${keyId.replace(/["\\]/g, '\\$&')}"`) +
    (options.parameters ?? '');
  const named = options.bareIdentifiers ? components.map(bareName) : components;
  const base = signatureBase({ ...request, url: options.url ?? request.url }, headers, named, parameters);
  const signedText = options.prehash ? createHash('sha512').update(base).digest() : Buffer.from(base, 'utf8');
  const signature = sign(null, signedText, signer.privateKey);
  if (options.broken) signature[0] = signature[0]! ^ 1;
  options.alterSignature?.(signature);
  const label = options.label ?? 'sig1';
  const encoded = signature.toString('base64');
  const signatureLabel = options.signatureLabel ?? label;
  const value =
    options.form === 'rust'
      ? encoded
      : options.form === 'php'
        ? `${signatureLabel}=${encoded}`
        : `${signatureLabel}=:${encoded}:`;
  const lines = [['signature-input', `${label}=${parameters}`] as const, ['signature', value] as const];
  added.push(...lines, ...(options.repeated ? lines : []));
  return options.alterLine ? added.map(options.alterLine) : added;
}

/** RFC 9421 §2.5. A covered header that the request lacks is signed as empty, so that only its absence is wrong. */
export function signatureBase(
  request: Unsigned,
  headers: readonly HeaderLine[],
  components: readonly string[],
  parameters: string,
): string {
  const lines = components.map((component) => {
    const identifier = component.startsWith('"') ? component : `"${component}"`;
    return `${identifier}: ${componentValue(request, headers, bareName(component))}`;
  });
  return [...lines, `"@signature-params": ${parameters}`].join('\n');
}

/** The name of a component without quotes and parameters. */
function bareName(component: string): string {
  return /^"?([^";]*)/.exec(component)![1]!;
}

function usualComponents(headers: readonly HeaderLine[], body: Buffer | undefined): string[] {
  const sends = (name: string): boolean => headers.some(([candidate]) => candidate.toLowerCase() === name);
  return [
    '@method',
    '@target-uri',
    ...(sends('authorization') ? ['authorization'] : []),
    ...(body ? ['content-digest', 'content-length', 'content-type'].filter(sends) : []),
  ];
}

function componentValue(request: Unsigned, headers: readonly HeaderLine[], name: string): string {
  const url = new URL(request.url);
  const target = targetOf(request.url);
  switch (name.toLowerCase()) {
    case '@method':
      return request.method;
    case '@target-uri':
      return `${request.url.slice(0, request.url.indexOf('//') + 2)}${url.host}${target}`;
    case '@authority':
      return url.host;
    case '@scheme':
      return url.protocol.slice(0, -1);
    case '@path':
      return target.split('?')[0]!;
    case '@query':
      return `?${target.split('?').slice(1).join('?')}`;
    case '@request-target':
      return target;
    default: {
      const lines = headers.filter(([candidate]) => candidate.toLowerCase() === name.toLowerCase());
      return lines.map(([, value]) => value.trim()).join(', ');
    }
  }
}
