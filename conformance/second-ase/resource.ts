/** The resource server: who may do what, and incoming payments. Its other resources are in payments.ts. */
import { randomBytes } from 'node:crypto';
import type { AccessItem } from './access.ts';
import { readToken } from './authorization.ts';
import { type Area, badRequest, type Exchange, Refusal, type Reply, type Route } from './http.ts';
import { type Amount, checkContentType, hasMembers, isObject, type Json, parseObject, readAmount } from './json.ts';
import { type Page, readPage } from './lists.ts';
import { fieldOf, SignatureError, verifySignature } from './signatures.ts';
import { findWallet, type Grant, type IncomingPayment, newId, type State, type Wallet } from './state.ts';

const DAY_MS = 86_400_000;
const MAX_METADATA = 20_000;

const forbidden = (): Refusal => new Refusal(403, 'forbidden', 'the grant does not allow this');
const notFound = (): Refusal => new Refusal(404, 'not_found', 'the resource does not exist');

/** A caller whose token and signature are right. */
export interface Caller {
  readonly grant: Grant;
  /** The items that allow the action. */
  readonly items: readonly AccessItem[];
  /** Sees what every client made. */
  readonly seesAll: boolean;
}

export interface Resources {
  readonly authorize: (exchange: Exchange, type: AccessItem['type'], action: string) => Promise<Caller>;
  /** Body of a creation. */
  readonly readBody: (exchange: Exchange, required: readonly string[], optional: readonly string[]) => Json;
  /** The wallet address that a call is about. */
  readonly walletFor: (caller: Caller, url: unknown) => Wallet;
  /** Any resource that the caller may see. */
  readonly findFor: <T extends Owned>(caller: Caller, all: ReadonlyMap<string, T>, id: string | undefined) => T;
  readonly listFor: <T extends Owned>(exchange: Exchange, caller: Caller, all: ReadonlyMap<string, T>) => Page<T>;
}

interface Owned {
  readonly id: string;
  readonly wallet: Wallet;
  readonly clientId: string;
}

export function createResources(state: State): Resources {
  const { has } = state;
  const unauthorized = (reason: string): Refusal =>
    new Refusal(401, 'unauthorized', reason, {
      ...(!has('challenge-missing') && { 'www-authenticate': `GNAP as_uri=${state.authServer}` }),
    });
  const allows = (item: AccessItem, wallet: Wallet): boolean =>
    item.identifier === undefined || item.identifier === wallet.url || has('token-of-another-wallet');

  return {
    async authorize(exchange, type, action) {
      const token = state.tokens.get(readToken(exchange) ?? '');
      if (!token || token.expiresAt <= Date.now()) throw unauthorized('the token is missing or not valid');
      const { grant } = token;
      try {
        await verifySignature(exchange, (keyId) => state.findKey(grant.client, keyId), state.nonces, has);
      } catch (error) {
        if (error instanceof SignatureError || error instanceof Refusal) throw unauthorized(error.message);
        throw error;
      }
      if (!state.tokens.has(token.value)) throw unauthorized('the token was revoked');
      const items = grant.access.filter(
        (item) =>
          (item.type === type || has('token-of-another-type')) &&
          (item.actions.some((one) => one === action || one === `${action}-all`) || has('token-for-any-action')),
      );
      if (items.length === 0) throw forbidden();
      const seesAll = items.some(({ actions }) => actions.includes(`${action}-all`)) || has('everything-visible');
      return { grant, items, seesAll };
    },
    readBody(exchange, required, optional) {
      checkContentType(exchange, 415, 'bad_request');
      const body = parseObject(exchange.body, 'bad_request');
      if (!hasMembers(body, required, optional)) throw badRequest('a member is missing or unknown');
      const { metadata } = body;
      if (metadata !== undefined && (!isObject(metadata) || JSON.stringify(metadata).length > MAX_METADATA)) {
        throw badRequest('metadata is not an object of moderate size');
      }
      return body;
    },
    walletFor({ items }, url) {
      const wallet = typeof url === 'string' ? findWallet(state, url) : undefined;
      if (typeof url !== 'string') throw badRequest('the wallet address is missing');
      if (!wallet && items.every(({ identifier }) => identifier !== undefined)) throw forbidden();
      if (!wallet) throw badRequest('the wallet address is not known here');
      if (!items.some((item) => allows(item, wallet))) throw forbidden();
      return wallet;
    },
    findFor({ items, grant, seesAll }, all, id) {
      const found = all.get(decodeURIComponent(id ?? ''));
      if (!found) throw notFound();
      if (!items.some((item) => allows(item, found.wallet))) throw forbidden();
      if (!seesAll && found.clientId !== grant.client.id) throw notFound();
      return found;
    },
    listFor(exchange, caller, all) {
      const { query } = exchange;
      const wallet = this.walletFor(caller, query.get('wallet-address') ?? undefined);
      const { grant, seesAll } = caller;
      const visible = [...all.values()].filter(
        (one) => one.wallet === wallet && (seesAll || one.clientId === grant.client.id),
      );
      return readPage(query, has('list-oldest-first') ? visible : visible.reverse(), has);
    },
  };
}

export const instant = (ms: number): string => new Date(ms).toISOString();

export const amountIn = (
  { assetCode, assetScale }: Pick<Amount, 'assetCode' | 'assetScale'>,
  value: bigint,
): Amount => ({
  value: String(value),
  assetCode,
  assetScale,
});

export const isAssetOf = (
  wallet: Pick<Amount, 'assetCode' | 'assetScale'>,
  { assetCode, assetScale }: Pick<Amount, 'assetCode' | 'assetScale'>,
): boolean => wallet.assetCode === assetCode && wallet.assetScale === assetScale;

/** The amount that an incoming payment still lacks; undefined where any amount is welcome. */
export const roomOf = ({ incomingAmount, received }: IncomingPayment): bigint | undefined =>
  incomingAmount && BigInt(incomingAmount.value) - received;

export const isOpen = ({ isCompleted, expiresAt }: IncomingPayment): boolean => !isCompleted && Date.now() < expiresAt;

export function incomingPaymentRoutes(state: State, resources: Resources): readonly Route[] {
  const { has } = state;
  const describe = (payment: IncomingPayment, methods: 'with' | 'without'): Json => ({
    id: `${state.resourceServer}/incoming-payments/${payment.id}`,
    walletAddress: payment.wallet.url,
    completed: payment.isCompleted,
    ...(payment.incomingAmount && { incomingAmount: payment.incomingAmount }),
    ...(!has('received-amount-missing') && { receivedAmount: amountIn(payment.wallet, payment.received) }),
    createdAt: instant(payment.createdAt),
    expiresAt: instant(payment.expiresAt),
    ...(payment.metadata !== undefined && { metadata: payment.metadata }),
    ...(methods === 'with' && { methods: isOpen(payment) ? [payment.method] : [] }),
  });

  async function create(exchange: Exchange): Promise<Reply> {
    const caller = await resources.authorize(exchange, 'incoming-payment', 'create');
    const body = resources.readBody(exchange, ['walletAddress'], ['incomingAmount', 'expiresAt', 'metadata']);
    const wallet = resources.walletFor(caller, body.walletAddress);
    const incomingAmount = body.incomingAmount === undefined ? undefined : readAmount(body.incomingAmount);
    const isAmount = incomingAmount && incomingAmount.value !== '0' && isAssetOf(wallet, incomingAmount);
    if (body.incomingAmount !== undefined && !isAmount) throw badRequest('incomingAmount is not right');
    const createdAt = Date.now();
    const expiresAt = readExpiry(body.expiresAt, createdAt);
    const id = newId();
    const sharedSecret = randomBytes(32).toString('base64url');
    const method = { type: 'ilp', ilpAddress: `test.second.${id.replaceAll('-', '')}`, sharedSecret } as const;
    const payment: IncomingPayment = {
      ...{ id, wallet, clientId: caller.grant.client.id, createdAt, expiresAt, incomingAmount, method },
      ...{ metadata: has('metadata-lost') ? undefined : body.metadata, received: 0n, isCompleted: false },
    };
    state.incoming.set(id, payment);
    return { status: 201, body: describe(payment, 'with') };
  }

  function readExpiry(value: unknown, now: number): number {
    if (value === undefined) return now + DAY_MS;
    const pattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i;
    const expiresAt = typeof value === 'string' && pattern.test(value) ? Date.parse(value) : Number.NaN;
    if (has('past-expiry-accepted') && !Number.isNaN(expiresAt)) return expiresAt;
    if (!(expiresAt > now && expiresAt <= now + 365 * DAY_MS)) throw badRequest('expiresAt is not right');
    return expiresAt;
  }

  async function read(exchange: Exchange): Promise<Reply> {
    const [id] = exchange.params;
    if (fieldOf(exchange, 'authorization') === undefined) {
      const payment = state.incoming.get(decodeURIComponent(id ?? ''));
      if (!payment) throw notFound();
      if (has('public-view-shows-all')) return { status: 200, body: describe(payment, 'with') };
      const receivedAmount = amountIn(payment.wallet, payment.received);
      return { status: 200, body: { receivedAmount, authServer: state.authServer } };
    }
    const caller = await resources.authorize(exchange, 'incoming-payment', 'read');
    return { status: 200, body: describe(resources.findFor(caller, state.incoming, id), 'with') };
  }

  async function complete(exchange: Exchange): Promise<Reply> {
    const caller = await resources.authorize(exchange, 'incoming-payment', 'complete');
    const payment = resources.findFor(caller, state.incoming, exchange.params[0]);
    if (!isOpen(payment) && !has('completed-twice')) throw new Refusal(409, 'conflict', 'the payment is closed');
    payment.isCompleted = true;
    return { status: has('completion-is-202') ? 202 : 200, body: describe(payment, 'without') };
  }

  async function list(exchange: Exchange): Promise<Reply> {
    const caller = await resources.authorize(exchange, 'incoming-payment', 'list');
    const { pagination, items } = resources.listFor(exchange, caller, state.incoming);
    const methods = has('methods-in-list') ? 'with' : 'without';
    return { status: 200, body: { pagination, result: items.map((payment) => describe(payment, methods)) } };
  }

  return [
    { method: 'POST', path: /^\/op\/incoming-payments\/?$/, handle: create },
    { method: 'GET', path: /^\/op\/incoming-payments\/?$/, handle: list },
    { method: 'GET', path: /^\/op\/incoming-payments\/([^/]+)\/?$/, handle: read },
    { method: 'POST', path: /^\/op\/incoming-payments\/([^/]+)\/+complete\/?$/, handle: complete },
  ];
}

export const resourceServer = (state: State, routes: readonly Route[]): Area => ({
  prefix: new URL(state.resourceServer).pathname,
  code: 'bad_request',
  headers: { 'cache-control': 'no-store' },
  routes,
});
