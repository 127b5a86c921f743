/**
 * The messages of a client, whatever they are about: written, signed with the key for their authorization server, sent,
 * repeated when the server asks for it, and told apart by status.
 */
import { generateKeyPairSync } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { OwnServer } from './own-server.ts';
import { createSigning, type Key, type Message, signMessage } from './signing.ts';
import { type Answer, createTransport, type Transport, type TransportOptions } from './transport.ts';

// biome-ignore lint/suspicious/noExplicitAny: bodies are written as a reader of the documents would write them
export type Json = any;

/** An outcome that ends a flow, such as a refusal. Anything else that is thrown is a mistake of the client. */
export class Stop extends Error {}

/** A line of the outcome file (docs/grade.md). */
export interface Outcome {
  readonly outcome: 'success' | 'error';
  readonly status?: number;
}

export interface Request {
  readonly method: string;
  readonly url: string;
  readonly json?: Json;
  readonly token?: string;
  readonly key?: Key;
}

export class MessageClient {
  readonly signing = createSigning();
  /** One key per authority, so that authorization servers cannot recognise the client by it (RFC 9635 §11.31). */
  readonly keys = new Map<string, Key>();
  /** Members of the key in its JSON Web Key Set. */
  describeKey = ({ keyId, privateKey }: Key): object => {
    const { kty, crv, x } = privateKey.export({ format: 'jwk' });
    return { kid: keyId, alg: 'EdDSA', use: 'sig', kty, crv, x };
  };
  isSigned = (_message: Message, request: Request): boolean => request.key !== undefined;
  /** Changes to a message before and after it is signed. A good client needs none. */
  beforeSigning = (_message: Message, _request: Request): void => {};
  afterSigning = (_message: Message, _request: Request): void => {};
  print = (_text: string): void => {};
  /** Tells the driver of a test what the caller of this client learns. */
  report = (_outcome: Outcome): void => {};
  /** The private key that the world handed out, in PEM. The good client makes keys and does not use it. */
  givenKey: string | undefined;

  readonly server: OwnServer;
  readonly transportOptions: TransportOptions;
  transport: Transport;

  constructor(server: OwnServer, options: TransportOptions) {
    this.server = server;
    this.transportOptions = options;
    this.transport = createTransport(options);
  }

  /** Ends with an error when the client is aborted. */
  pause = async (milliseconds: number): Promise<void> =>
    pause(milliseconds, undefined, { signal: this.transportOptions.signal });

  async close(): Promise<void> {
    this.transport.close();
    await this.server.close();
  }

  keyFor(authServer: string): Key {
    const known = this.keys.get(authServer);
    if (known) return known;
    const key = { keyId: `key-${this.server.keys.length + 1}`, privateKey: generateKeyPairSync('ed25519').privateKey };
    this.keys.set(authServer, key);
    this.server.keys.push(this.describeKey(key));
    return key;
  }

  encode = (json: Json): Buffer => Buffer.from(JSON.stringify(json));
  authorization = (token: string): string => `GNAP ${token}`;

  compose(request: Request): Message {
    const { method, url, json, token } = request;
    const body = json === undefined ? Buffer.alloc(0) : this.encode(json);
    const message: Message = { method, url, headers: new Map([['accept', 'application/json']]), body };
    if (token !== undefined) message.headers.set('authorization', this.authorization(token));
    if (body.length > 0) this.setContent(message, body, 'application/json');
    this.beforeSigning(message, request);
    if (this.isSigned(message, request)) signMessage(this.signing, message, request.key!);
    this.afterSigning(message, request);
    return message;
  }

  setContent(message: Message, body: Buffer, type: string): void {
    message.body = body;
    message.headers.set('content-type', type);
    message.headers.set('content-length', String(body.length));
    message.headers.set('content-digest', this.signing.digest(body));
  }

  /** Sends a request. A read that the server asks to repeat later is repeated once, when the server says. */
  async send(request: Request): Promise<Answer> {
    const answer = await this.transport.send(this.compose(request));
    const isRepeatable = request.method === 'GET' && [429, 503].includes(answer.status);
    if (!isRepeatable) return answer;
    await this.waitForRetry(answer);
    return this.transport.send(this.compose(request));
  }

  async waitForRetry(answer: Answer): Promise<void> {
    const value = answer.headers.get('retry-after') ?? '1';
    const delay = /^\d{1,4}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
    if (!(delay <= 10_000)) throw new Stop('the server is not available');
    await this.pause(Math.max(0, delay));
  }

  /** The JSON of a success. Throws Stop for any other status: 3xx too, since a signed request is never forwarded. */
  expect(answer: Answer, ...statuses: number[]): Json {
    if (statuses.includes(answer.status)) {
      this.report({ outcome: 'success' });
      return answer.json;
    }
    this.report({ outcome: 'error', status: answer.status });
    const { error } = answer.json ?? {};
    const code = typeof error === 'string' ? error : error?.code;
    throw new Stop(`status ${answer.status}${typeof code === 'string' ? ` ${code}` : ''}`);
  }
}
