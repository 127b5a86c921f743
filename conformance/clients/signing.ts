/** HTTP message signatures (RFC 9421) and content digests (RFC 9530) as Open Payments clients make them. */
import { createHash, type KeyObject, randomBytes, sign } from 'node:crypto';

export interface Key {
  readonly keyId: string;
  readonly privateKey: KeyObject;
}

/** A request that is about to be sent. */
export interface Message {
  method: string;
  url: string;
  /** Names in lower case. */
  readonly headers: Map<string, string>;
  body: Buffer;
}

/** Each step of signing. A broken client replaces one. */
export interface Signing {
  label: string;
  now(): number;
  nonce(): string;
  components(message: Message): string[];
  parameters(key: Key): [name: string, value: string][];
  componentValue(component: string, message: Message): string;
  base(message: Message, components: readonly string[], parameters: string): string;
  sign(base: string, key: Key): Buffer;
  input(components: readonly string[], parameters: string): string;
  signature(bytes: Buffer): string;
  digest(body: Buffer): string;
}

/** A quoted string of a structured field (RFC 9651 §3.3.3). */
export const quote = (text: string): string => `"${text}"`;

export const createSigning = (): Signing => ({
  label: 'sig1',
  now: () => Math.floor(Date.now() / 1000),
  nonce: () => randomBytes(16).toString('base64url'),
  components: ({ headers, body }) => [
    '@method',
    '@target-uri',
    ...(headers.has('authorization') ? ['authorization'] : []),
    ...(body.length > 0 ? ['content-digest', 'content-length', 'content-type'] : []),
  ],
  parameters(key) {
    return [
      ['created', String(this.now())],
      ['keyid', quote(key.keyId)],
      ['nonce', quote(this.nonce())],
      ['tag', quote('gnap')],
    ];
  },
  componentValue(component, { method, url, headers }) {
    if (component === '@method') return method;
    if (component === '@target-uri') return url;
    return headers.get(component) ?? '';
  },
  base(message, components, parameters) {
    const lines = components.map((name) => `"${name}": ${this.componentValue(name, message)}`);
    return [...lines, `"@signature-params": ${innerList(components)}${parameters}`].join('\n');
  },
  sign: (base, key) => sign(null, Buffer.from(base), key.privateKey),
  input(components, parameters) {
    return `${this.label}=${innerList(components)}${parameters}`;
  },
  signature(bytes) {
    return `${this.label}=:${bytes.toString('base64')}:`;
  },
  digest: (body) => `sha-512=:${createHash('sha512').update(body).digest('base64')}:`,
});

const innerList = (components: readonly string[]): string => `(${components.map(quote).join(' ')})`;

/** Adds `Signature-Input` and `Signature`. */
export function signMessage(signing: Signing, message: Message, key: Key): void {
  const components = signing.components(message);
  const parameters = signing
    .parameters(key)
    .map(([name, value]) => `;${name}=${value}`)
    .join('');
  const bytes = signing.sign(signing.base(message, components, parameters), key);
  message.headers.set('signature-input', signing.input(components, parameters));
  message.headers.set('signature', signing.signature(bytes));
}
