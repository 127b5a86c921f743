/** Wallet addresses, payments, quotes and cursors of a run, as the answers to the client described them. */
import { parseQuery, withoutSlashes } from '../../http/received-request.ts';
import { type Asset, sameAsset } from '../../open-payments/amount.ts';
import { canonicalWalletAddress } from '../../open-payments/wallet-address-url.ts';
import type { GradedExchange } from '../graded-exchange.ts';
import { asArray, asObject, asString, isObject, type JsonObject } from '../json.ts';
import { BoundedMap } from './bounded-map.ts';

export interface KnownIncomingPayment {
  readonly asset: Asset | undefined;
  readonly hasAmount: boolean;
  /** Wall time in milliseconds at which an answer had first shown it as completed. */
  readonly completedAt: number | undefined;
}

export interface KnownQuote {
  /** Wall time in milliseconds, however the clock of the world was set. Undefined if it never expires. */
  readonly expiresAt: number | undefined;
  /** Wall time in milliseconds at which a payment with the expired quote was first rejected. */
  rejectedAt: number | undefined;
}

export interface Resources {
  /** Asset of a wallet address, in any spelling. */
  assetOf(walletAddress: string): Asset | undefined;
  isWalletAddress(url: string): boolean;
  incomingPayment(id: string): KnownIncomingPayment | undefined;
  quote(id: string): KnownQuote | undefined;
  /** A quote whose id ends with this text, or is equal to it except for case and slashes at the end. */
  quoteLike(text: string): string | undefined;
  /** Cursors of the pages of this list that were handed out. */
  cursorsOf(exchange: GradedExchange): ReadonlySet<string>;
  observe(exchange: GradedExchange): void;
}

const MAX_RESOURCES = 10_000;
const MAX_CURSORS = 200;
const MAX_ITEMS = 100;

export function createResources(): Resources {
  const payments = createIncomingPayments();
  const quotes = createQuotes();
  const cursors = createCursors();
  const { assets } = payments;
  return {
    assetOf: (walletAddress) => assets.get(canonicalWalletAddress(walletAddress)),
    isWalletAddress: (url) => assets.has(canonicalWalletAddress(url)),
    incomingPayment: payments.find,
    quote: quotes.find,
    quoteLike: quotes.findAlike,
    cursorsOf: cursors.of,
    observe(exchange) {
      const { operation, status, answeredAt } = exchange;
      if (operation === 'create-outgoing-payment') quotes.learnRejection(exchange);
      if (status !== 200 && status !== 201) return;
      const answer = asObject(exchange.answer);
      if (operation === 'get-wallet-address') learnWallet(assets, exchange, answer);
      if (/^(?:create|get|complete)-incoming-payment$/.test(operation)) payments.learn(answer, answeredAt);
      if (operation === 'create-quote' || operation === 'get-quote') quotes.learn(answer, answeredAt);
      if (!/^list-(?:incoming|outgoing)-payments$/.test(operation)) return;
      cursors.learn(exchange, asObject(answer['pagination']));
      if (operation !== 'list-incoming-payments') return;
      for (const item of asArray(answer['result']).slice(0, MAX_ITEMS)) payments.learn(asObject(item), answeredAt);
    },
  };
}

type Assets = Map<string, Asset>;

function learnWallet(assets: Assets, { request }: GradedExchange, document: JsonObject): void {
  const asset = assetOfAmount(document);
  if (asset === undefined) return;
  const names = [request.targetUri.split('?')[0]!, asString(document['id']) ?? request.targetUri];
  for (const name of names) assets.set(canonicalWalletAddress(name), asset);
}

function createIncomingPayments() {
  const assets: Assets = new BoundedMap(MAX_RESOURCES);
  const payments = new BoundedMap<string, KnownIncomingPayment>(MAX_RESOURCES);
  return {
    /** Keys are canonical wallet addresses; payments show their assets too. */
    assets,
    find: (id: string) => payments.get(id),
    learn(payment: JsonObject, answeredAt: number): void {
      const { id, walletAddress, incomingAmount, receivedAmount, completed } = payment;
      if (typeof id !== 'string' || typeof walletAddress !== 'string') return;
      const asset = assetOfAmount(receivedAmount) ?? assetOfAmount(incomingAmount);
      const { completedAt } = payments.get(id) ?? {};
      payments.set(id, {
        asset,
        hasAmount: incomingAmount !== undefined,
        completedAt: completedAt ?? (completed === true ? answeredAt : undefined),
      });
      const address = canonicalWalletAddress(walletAddress);
      if (asset && !assets.has(address)) assets.set(address, asset);
    },
  };
}

function createQuotes() {
  const quotes = new BoundedMap<string, KnownQuote>(MAX_RESOURCES);
  const ids = new BoundedMap<string, string>(2 * MAX_RESOURCES);
  return {
    find: (id: string) => quotes.get(id),
    findAlike: (text: string) => ids.get(looseId(text)) ?? ids.get(lastSegment(text)),
    learnRejection(exchange: GradedExchange): void {
      const quote = quotes.get(asString(asObject(exchange.body)['quoteId']) ?? '');
      if (quote && isExpired(quote, exchange) && exchange.status !== 201) quote.rejectedAt ??= exchange.answeredAt;
    },
    learn({ id, createdAt, expiresAt }: JsonObject, answeredAt: number): void {
      if (typeof id !== 'string' || quotes.has(id)) return;
      // Both times are of the clock of the world, whose distance from wall time is not known.
      const lifetime = Date.parse(asString(expiresAt) ?? '') - Date.parse(asString(createdAt) ?? '');
      quotes.set(id, { expiresAt: Number.isNaN(lifetime) ? undefined : answeredAt + lifetime, rejectedAt: undefined });
      ids.set(lastSegment(id), id);
      ids.set(looseId(id), id);
    },
  };
}

function createCursors() {
  const byList = new BoundedMap<string, Set<string>>(MAX_RESOURCES);
  return {
    of: (exchange: GradedExchange): ReadonlySet<string> => byList.get(listKey(exchange)) ?? new Set(),
    learn(exchange: GradedExchange, { startCursor, endCursor }: JsonObject): void {
      const key = listKey(exchange);
      const known = byList.get(key) ?? new Set();
      for (const cursor of [startCursor, endCursor]) {
        if (typeof cursor === 'string' && known.size < MAX_CURSORS) known.add(cursor);
      }
      byList.set(key, known);
    },
  };
}

/** Asset of an amount or of a wallet address document. */
export function assetOfAmount(amount: unknown): Asset | undefined {
  if (!isObject(amount)) return undefined;
  const { assetCode: code, assetScale: scale } = amount;
  return typeof code === 'string' && typeof scale === 'number' ? { code, scale } : undefined;
}

export const isSameAsset = (a: Asset | undefined, b: Asset | undefined): boolean =>
  a !== undefined && b !== undefined && sameAsset(a, b);

const TOLERANCE_MS = 100;

export const isExpired = ({ expiresAt }: KnownQuote, { receivedAt }: GradedExchange): boolean =>
  expiresAt !== undefined && receivedAt > expiresAt + TOLERANCE_MS;

const lastSegment = (id: string): string => id.slice(id.lastIndexOf('/') + 1);

const looseId = (id: string): string => withoutSlashes(id.toLowerCase());

function listKey({ ase, operation, request }: GradedExchange): string {
  const wallet = parseQuery(request.rawTarget)['wallet-address'];
  return `${ase} ${operation} ${canonicalWalletAddress(`${wallet}`)}`;
}
