/**
 * A client of Open Payments on plain HTTP that meets every requirement. Each rule is one method or member, so that a
 * broken client can replace exactly one.
 */
import { createHash, randomBytes } from 'node:crypto';
import { type Json, MessageClient, type Request, Stop } from './message-client.ts';
import { type Callback, startOwnServer } from './own-server.ts';
import type { Answer, TransportOptions } from './transport.ts';

export interface Wallet {
  readonly id: string;
  readonly authServer: string;
  readonly resourceServer: string;
  readonly assetCode: string;
  readonly assetScale: number;
}

export interface Continuation {
  readonly uri: string;
  readonly token: string;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
}

export interface Token {
  readonly authServer: string;
  value: string;
  manage: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
  readonly access: readonly Json[];
  readonly continuation: Continuation | undefined;
}

/** Seconds between polls if the server does not say (RFC 9635 §5). */
const DEFAULT_WAIT = 5;
const MAX_POLLS = 10;
/** Pause between two reads of a payment, and how often it is read. */
const READ_MS = 300;
const MAX_READS = 40;
/** Tokens and quotes are renewed this long before they expire. */
const MARGIN_MS = 500;

export class Client extends MessageClient {
  static async create(options: TransportOptions = {}): Promise<Client> {
    return new Client(await startOwnServer(), options);
  }

  // Wallet addresses

  readonly wallets = new Map<string, { wallet: Wallet; until: number }>();

  walletRequest = (address: string): Request => ({ method: 'GET', url: address });

  async readWallet(address: string): Promise<Wallet> {
    const cached = this.wallets.get(address);
    if (cached && cached.until > Date.now()) return cached.wallet;
    const answer = await this.send(this.walletRequest(address));
    const wallet = this.expect(answer, 200);
    for (const member of ['id', 'authServer', 'resourceServer', 'assetCode']) {
      if (typeof wallet?.[member] !== 'string') throw new Stop(`the wallet address has no ${member}`);
    }
    if (!Number.isInteger(wallet.assetScale)) throw new Stop('the wallet address has no assetScale');
    if (wallet.id !== address) throw new Stop('the document describes another wallet address');
    this.checkScheme(address, wallet.authServer, wallet.resourceServer);
    const [, age = '0'] = /max-age=(\d{1,6})/.exec(answer.headers.get('cache-control') ?? '') ?? [];
    this.wallets.set(address, { wallet, until: Date.now() + Number(age) * 1000 });
    return wallet;
  }

  /** An https address never leads to clear text (RFC 9635 §11.1). */
  checkScheme(address: string, ...urls: string[]): void {
    if (address.startsWith('https:') && !urls.every((url) => url.startsWith('https:'))) {
      throw new Stop('a server of an https address has no TLS');
    }
  }

  keySetUrl = (address: string): string => `${address}/jwks.json`;

  /** Ed25519 keys of a wallet address. Entries of other kinds are passed over (RFC 7517 §5). */
  async readKeys(address: string): Promise<Json[]> {
    const { keys } = this.expect(await this.send({ method: 'GET', url: this.keySetUrl(address) }), 200);
    return keys.filter((key: Json) => key.kty === 'OKP' && key.crv === 'Ed25519');
  }

  resourceUrl = (wallet: Wallet, path: string): string => `${wallet.resourceServer.replace(/\/$/, '')}/${path}`;

  // Grants

  describeSelf = (): Json => ({ walletAddress: this.server.walletAddress });
  grantBody = (body: Json): Json => body;

  async requestGrant(authServer: string, access: readonly Json[], interact?: Json): Promise<Json> {
    const body = { access_token: { access }, client: this.describeSelf(), ...(interact && { interact }) };
    return this.postGrant(authServer, this.grantBody(body));
  }

  async postGrant(authServer: string, json: Json): Promise<Json> {
    const key = this.keyFor(authServer);
    return this.expect(await this.send({ method: 'POST', url: authServer, json, key }), 200);
  }

  /** A token that needs no consent. */
  async requestToken(authServer: string, access: readonly Json[]): Promise<Token> {
    const grant = await this.requestGrant(authServer, access);
    return this.toToken(authServer, grant) ?? Promise.reject(new Stop('the server asks for an interaction'));
  }

  toToken(authServer: string, grant: Json, before?: Continuation): Token | undefined {
    const token = grant?.access_token;
    if (typeof token?.value !== 'string' || typeof token.manage !== 'string') return undefined;
    return {
      authServer,
      value: token.value,
      manage: token.manage,
      expiresAt: this.expiryOf(token),
      access: token.access ?? [],
      continuation: this.toContinuation(authServer, grant) ?? before,
    };
  }

  expiryOf = (token: Json): number =>
    token.expires_in === undefined ? Number.POSITIVE_INFINITY : Date.now() + token.expires_in * 1000;

  toContinuation(authServer: string, grant: Json): Continuation | undefined {
    const { uri, access_token: token, wait } = grant?.continue ?? {};
    if (typeof uri !== 'string' || typeof token?.value !== 'string') return undefined;
    const continuation = { uri, token: token.value, notBefore: Date.now() + this.waitSeconds(wait) * 1000 };
    this.openGrants.set(uri, { authServer, continuation });
    return continuation;
  }

  /** Keyed by the continuation URI. */
  readonly openGrants = new Map<string, { authServer: string; continuation: Continuation }>();

  /** Cancels all grants that are still open, after something has gone wrong. */
  async cancelOpenGrants(): Promise<void> {
    for (const { authServer, continuation } of [...this.openGrants.values()]) {
      await this.cancelGrant(authServer, continuation).catch(() => {});
    }
  }

  waitSeconds = (wait: unknown): number => (typeof wait === 'number' ? wait : DEFAULT_WAIT);
  nonce = (): string => randomBytes(16).toString('base64url');
  /** The browser has followed the redirects when the wait for callbacks begins, so that the true one is on its way. */
  callbackMs = 1000;
  finishUri = (): string | undefined => undefined;
  interactionUri = (uri: string): string => uri;

  /** Asks the owner of an account for consent: request, interaction, callback, hash, continuation. */
  async requestConsent(authServer: string, access: readonly Json[]): Promise<Token> {
    const { pending, reference } = await this.interact(authServer, access);
    return this.continueGrant(authServer, pending, reference);
  }

  async interact(authServer: string, access: readonly Json[]): Promise<{ pending: Continuation; reference: string }> {
    const callback = this.server.openCallback(this.finishUri());
    const finish = { method: 'redirect', uri: callback.uri, nonce: this.nonce() };
    const grant = await this.requestGrant(authServer, access, { start: ['redirect'], finish });
    const pending = this.toContinuation(authServer, grant);
    if (!pending || typeof grant.interact?.redirect !== 'string') throw new Stop('the server asks for no interaction');
    await this.visit(this.interactionUri(grant.interact.redirect));
    const reference = await this.findReference(callback, [finish.nonce, grant.interact.finish], authServer);
    return { pending, reference };
  }

  /** The reference of the first callback whose hash is right. Others are not from the server, or not about this grant. */
  async findReference({ next, close }: Callback, nonces: readonly unknown[], authServer: string): Promise<string> {
    try {
      for (;;) {
        const query = await next(this.callbackMs).catch(() => undefined);
        if (!query) throw new Stop('no callback with the right hash came');
        const reference = query.get('interact_ref');
        const isRight = this.isRightHash(query.get('hash'), [...nonces, reference, authServer]);
        if (reference !== null && isRight) return reference;
      }
    } finally {
      close();
    }
  }

  /** RFC 9635 §4.2.3. Padded base64, which the examples of Open Payments show, is accepted too. */
  isRightHash(hash: string | null, parts: readonly unknown[]): boolean {
    if (hash === null || !parts.every((part) => typeof part === 'string')) return false;
    const digest = createHash('sha256').update(parts.join('\n')).digest();
    return hash === digest.toString('base64url') || hash === digest.toString('base64');
  }

  /** The browser of the owner: follows redirects, with cookies, to the callback at the end. */
  async visit(start: string): Promise<void> {
    const cookies = new Map<string, string>();
    let url = start;
    for (let hop = 0; hop < 10; hop += 1) {
      const headers = new Map([['accept', 'text/html']]);
      if (cookies.size > 0) headers.set('cookie', [...cookies].map((pair) => pair.join('=')).join('; '));
      const answer = await this.transport.send({ method: 'GET', url, headers, body: Buffer.alloc(0) });
      const [, name, value] = /^([^=;\s]+)=([^;]*)/.exec(answer.headers.get('set-cookie') ?? '') ?? [];
      if (name !== undefined) cookies.set(name, value!);
      const location = answer.headers.get('location');
      if (location === undefined) return;
      url = new URL(location, url).href;
    }
  }

  continuationBody = (reference: string | undefined): Json =>
    reference === undefined ? undefined : { interact_ref: reference };

  /** Continues when the server allows it, with the newest token and URI, until there is an access token. */
  async continueGrant(authServer: string, first: Continuation, reference?: string): Promise<Token> {
    let continuation = first;
    let json = this.continuationBody(reference);
    for (let poll = 0; poll < MAX_POLLS; poll += 1) {
      await this.waitFor(continuation);
      const answer = await this.postContinuation(authServer, continuation, json);
      const isTooFast = answer.json?.error?.code === 'too_fast' || answer.json?.error === 'too_fast';
      const grant = isTooFast ? answer.json : this.expect(answer, 200);
      const token = this.toToken(authServer, grant, continuation);
      if (token) return token;
      const next = this.nextContinuation(continuation, this.toContinuation(authServer, grant), isTooFast);
      if (next.uri !== continuation.uri) this.openGrants.delete(continuation.uri);
      continuation = next;
      // A call that came too early was not processed, so its reference was not used.
      if (!isTooFast) json = undefined;
    }
    throw new Stop('the grant is still pending');
  }

  waitFor = (continuation: Continuation): Promise<unknown> =>
    this.pause(Math.max(0, continuation.notBefore - Date.now()));

  /** An error `too_fast` does not end a grant, even if it says nothing else. */
  nextContinuation(last: Continuation, next: Continuation | undefined, isTooFast: boolean): Continuation {
    if (next) return next;
    if (!isTooFast) throw new Stop('the grant has ended');
    return { ...last, notBefore: Date.now() + DEFAULT_WAIT * 1000 };
  }

  postContinuation = (authServer: string, { uri, token }: Continuation, json: Json): Promise<Answer> =>
    this.send({ method: 'POST', url: uri, json, token, key: this.keyFor(authServer) });

  async cancelGrant(authServer: string, { uri, token }: Continuation): Promise<void> {
    this.openGrants.delete(uri);
    this.expect(await this.send({ method: 'DELETE', url: uri, token, key: this.keyFor(authServer) }), 204);
  }

  // Access tokens

  async rotate(token: Token): Promise<void> {
    const answer = await this.send(this.rotation(token));
    const next = this.toToken(token.authServer, this.expect(answer, 200));
    if (!next) throw new Stop('the rotation brought no token');
    Object.assign(token, { value: next.value, manage: next.manage, expiresAt: next.expiresAt });
  }

  rotation = ({ authServer, manage, value }: Token): Request => ({
    method: 'POST',
    url: manage,
    token: value,
    key: this.keyFor(authServer),
  });

  async revoke({ authServer, manage, value }: Token): Promise<void> {
    const key = this.keyFor(authServer);
    this.expect(await this.send({ method: 'DELETE', url: manage, token: value, key }), 204);
  }

  isExpired = (token: Token): boolean => token.expiresAt - MARGIN_MS < Date.now();

  /** A request with an access token. An expired or refused token is rotated once, and the request repeated once. */
  async authorized(token: Token, request: Request): Promise<Answer> {
    const key = this.keyFor(token.authServer);
    if (this.isExpired(token)) await this.rotate(token);
    const answer = await this.send({ ...request, token: token.value, key });
    if (answer.status !== 401) return answer;
    await this.rotate(token);
    return this.send({ ...request, token: token.value, key });
  }

  // Resources

  async create(token: Token, wallet: Wallet, path: string, json: Json): Promise<Json> {
    const url = this.resourceUrl(wallet, path);
    return this.expect(await this.authorized(token, { method: 'POST', url, json }), 201, 200);
  }

  async read(token: Token, url: string): Promise<Json> {
    return this.expect(await this.authorized(token, { method: 'GET', url }), 200);
  }

  async complete(token: Token, id: string): Promise<void> {
    this.expect(await this.authorized(token, this.completion(id)), 200);
  }

  completion = (id: string): Request => ({ method: 'POST', url: `${id}/complete` });
  pageQuery = (): Record<string, string> => ({ first: '1' });
  query = (members: Readonly<Record<string, string>>): string =>
    Object.entries(members)
      .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
      .join('&');

  /** All items of a list, page by page. A page that does not move on ends it. */
  async list(token: Token, wallet: Wallet, path: string): Promise<Json[]> {
    const items: Json[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < 20; page += 1) {
      const query = { 'wallet-address': wallet.id, ...this.pageQuery(), ...(cursor !== undefined && { cursor }) };
      const url = `${this.resourceUrl(wallet, path)}?${this.query(query)}`;
      const { result = [], pagination = {} } = await this.read(token, url);
      items.push(...result);
      const { hasNextPage, endCursor } = pagination;
      if (!hasNextPage || typeof endCursor !== 'string' || endCursor === cursor || result.length === 0) break;
      cursor = endCursor;
    }
    return items;
  }

  /** Reads until the payment has ended, with pauses. */
  async readUntil(token: Token, url: string, hasEnded: (resource: Json) => boolean): Promise<Json> {
    for (let reads = 0; reads < MAX_READS; reads += 1) {
      const resource = await this.read(token, url);
      if (hasEnded(resource)) return resource;
      await this.pauseBetweenReads();
    }
    throw new Stop('the payment has not ended');
  }

  pauseBetweenReads = (): Promise<unknown> => this.pause(READ_MS);
}
