/**
 * The receiver of a payment, read as any client would read it: its public view names the authorization server, a grant
 * signed with the ASE's key gives access to the full view with its payment methods, and the wallet address there must
 * name the same authorization server (RS-Q-20, OPI-074). Receivers of this ASE are read from the database (RS-OP-21).
 */

import type { components as AuthComponents } from '../../generated/auth-server/types.ts';
import { responseBody as authResponseBody } from '../../generated/auth-server/validators.js';
import type { components } from '../../generated/resource-server/types.ts';
import { responseBody } from '../../generated/resource-server/validators.js';
import { responseBody as walletAddressResponseBody } from '../../generated/wallet-address-server/validators.js';
import type { Clock } from '../clock.ts';
import { isStorableText, toAmount, toAsset, toMillis } from '../database/columns.ts';
import { assertOutsideTransaction, type Database } from '../database/database.ts';
import { statement } from '../database/statement.ts';
import { Problem } from '../errors.ts';
import { type SigningKey, signRequest } from '../http/signatures/sign.ts';
import { type Outbound, OutboundError, type OutboundRequest, type OutboundResponse } from '../net/outbound.ts';
import { readJson } from '../net/read-json.ts';
import { withoutLastSlashes } from '../net/slashes.ts';
import { parseAmount, sameAsset } from '../open-payments/amount.ts';
import type { Peer } from '../payments/ilp/link.ts';
import { isClosed } from '../payments/incoming/credit.ts';
import type { ReadReceiver, Receiver } from '../payments/receiver.ts';
import type { ResourceDeps } from './deps.ts';
import { resourceProblem } from './problem.ts';
import { isResourceId, resourceIdIn } from './resource-url.ts';

export interface ReceiverDeps {
  readonly ase: string;
  readonly db: Database;
  readonly clock: Clock;
  readonly resourceServer: string;
  readonly outbound: Pick<Outbound, 'request'>;
  /** The ASE as a client of an authorization server. */
  readonly clientOf: (authServer: string) => OwnClient;
}

/** The ASE as a client: its key, and the wallet address that publishes it. */
export interface OwnClient extends SigningKey {
  readonly walletAddress: string;
}

/** A receiver that can be paid now. */
export interface PayableReceiver extends Receiver {
  /** The amount it still awaits; undefined if it accepts any amount. */
  readonly remaining: bigint | undefined;
  /** The next hop; undefined if the receiver belongs to this ASE. */
  readonly peer: Pick<Peer, 'name' | 'maxPacketAmount'> | undefined;
}

const invalid = (detail: string, cause?: unknown): Problem => resourceProblem('invalid_receiver', { detail, cause });
const unreachable = (detail: string, cause?: unknown): Problem =>
  resourceProblem('receiver_unreachable', { detail, cause });

// ── Other ASEs ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** Throws `receiver_unreachable` if a later attempt may succeed, otherwise `invalid_receiver`. */
async function fetchFrom({ outbound }: ReceiverDeps, request: OutboundRequest): Promise<OutboundResponse> {
  const response = await outbound.request(request).catch((error: unknown) => {
    if (!(error instanceof OutboundError)) throw error;
    const mayHelp = error.code === 'connect' || error.code === 'timeout';
    throw mayHelp ? unreachable(error.message, error) : invalid(error.message, error);
  });
  if (response.status >= 500 || response.status === 429) throw unreachable(`the other ASE answers ${response.status}`);
  return response;
}

async function fetchSigned(
  deps: ReceiverDeps,
  client: OwnClient,
  request: OutboundRequest & { method: string },
): Promise<OutboundResponse> {
  let headers: OutboundRequest['headers'];
  try {
    headers = signRequest(request, client, deps.clock.wallNow());
  } catch (error) {
    throw invalid('its URL cannot be signed', error);
  }
  return fetchFrom(deps, { ...request, headers });
}

type FullIncomingPayment = components['schemas']['incoming-payment-with-methods'];
type WalletAddress = { readonly authServer: string };
type IssuedGrant = { readonly access_token: AuthComponents['schemas']['access_token'] };

const validIncomingPayment = responseBody['get-incoming-payment'][200];
const validWalletAddress = walletAddressResponseBody['get-wallet-address'][200];
const validGrant = authResponseBody['post-request'][200];

/** Maximum length of URLs and tokens of other ASEs, which are kept. */
const MAX_LENGTH = 2_048;

const isShortText = (value: unknown): boolean => typeof value === 'string' && value.length <= MAX_LENGTH;

const isPublicIncomingPayment = (body: unknown): body is components['schemas']['public-incoming-payment'] =>
  validIncomingPayment(body) && isShortText((body as { authServer?: unknown }).authServer);

const isFullIncomingPayment = (body: unknown): body is FullIncomingPayment =>
  validIncomingPayment(body) &&
  Object.hasOwn(body as object, 'methods') &&
  isShortText((body as FullIncomingPayment).walletAddress);

const isWalletAddress = (body: unknown): body is WalletAddress => validWalletAddress(body);

/** Valid, issued without interaction, and with a value that fits in a header. */
const isIssuedGrant = (body: unknown): body is IssuedGrant =>
  validGrant(body) &&
  Object.hasOwn(body as object, 'access_token') &&
  isShortText((body as IssuedGrant).access_token.value) &&
  /^[\x21-\x7e]+$/.test((body as IssuedGrant).access_token.value);

const unusableAnswer = (detail: string): Problem => invalid(`the other ASE: ${detail}`);

function toReceiver(url: string, payment: FullIncomingPayment): Receiver {
  const received = parseAmount(payment.receivedAmount);
  const incoming = payment.incomingAmount && parseAmount(payment.incomingAmount);
  if (incoming && !sameAsset(incoming.asset, received.asset)) throw invalid('its amounts have different assets');
  if (!isStorableText(received.asset.code)) throw invalid('its asset has an unusable code');
  const ilp = payment.methods.find(({ type }) => type === 'ilp');
  if (payment.completed || !ilp) throw invalid('it is closed');
  return {
    url,
    asset: received.asset,
    ...(incoming && { incomingAmount: incoming.value }),
    receivedAmount: received.value,
    completed: payment.completed,
    ...(payment.expiresAt !== undefined && { expiresAt: Date.parse(payment.expiresAt) }),
    ilp: { address: ilp.ilpAddress, sharedSecret: Buffer.from(ilp.sharedSecret, 'base64url') },
  };
}

/**
 * An authorization server and the resource server that named it. A token is shown to that resource server only, so that
 * no other one can steal it and have it presented in another place (RFC 9635 §11.12, §11.31).
 */
interface Issuer {
  readonly authServer: string;
  /** Origin of the receiver. */
  readonly resourceServer: string;
  /** True if the receiver has a public address: it must not make this ASE call private ones. */
  readonly publicOnly: boolean;
}

interface Token {
  /** The client that it was issued to. */
  readonly client: OwnClient;
  readonly value: string;
  /** Wall time in milliseconds. */
  readonly expiresAt: number;
  /** Wallet addresses that named the issuer as their authorization server. */
  readonly walletAddresses: Set<string>;
}

/** Maximum number of issuers whose tokens are kept, and of wallet addresses for each; the oldest are dropped first. */
const MAX_KEPT = 200;
/** Maximum number of receivers whose issuers are kept: one is read for its quote, and again some time later to be paid. */
const MAX_RECEIVERS = 2_000;
/** Tokens are replaced this long before they expire. */
const EXPIRY_MARGIN_MS = 5_000;
/** Explains a 400 or 401 to a well-formed request. It may be temporary, so a payment must not fail because of it. */
const keysUnread = 'the other ASE rejects our signature, perhaps because it cannot fetch our keys';

/** Drops the oldest entry of a map or set that has grown beyond its bound. */
const dropOldest = (kept: Map<string, unknown> | Set<string>, most = MAX_KEPT): unknown =>
  kept.size > most && kept.delete(kept.keys().next().value!);

/** Requests a grant for `read-all`, which requires no interaction (RFC 9635 §2, AS-57). */
async function requestToken(deps: ReceiverDeps, { authServer, publicOnly }: Issuer): Promise<Token> {
  const client = deps.clientOf(authServer);
  const access = [{ type: 'incoming-payment', actions: ['read-all'] }];
  const body = Buffer.from(JSON.stringify({ access_token: { access }, client: client.walletAddress }));
  const headers = { 'content-type': 'application/json' };
  const requestedAt = deps.clock.wallNow();
  const response = await fetchSigned(deps, client, { method: 'POST', url: authServer, headers, body, publicOnly });
  if (response.status === 400 || response.status === 401) throw unreachable(keysUnread);
  const { access_token } = readJson(response, isIssuedGrant, unusableAnswer);
  const lifetime = access_token.expires_in === undefined ? Number.POSITIVE_INFINITY : access_token.expires_in * 1000;
  return {
    client,
    value: access_token.value,
    expiresAt: requestedAt + lifetime - EXPIRY_MARGIN_MS,
    walletAddresses: new Set(),
  };
}

/** Tokens in memory. A token that is `rejected` is replaced; concurrent reads share one grant request. */
function createTokenCache(deps: ReceiverDeps) {
  const tokens = new Map<string, Promise<Token>>();
  return async (issuer: Issuer, rejected?: Token): Promise<Token> => {
    const key = JSON.stringify(issuer);
    const held = tokens.get(key);
    const token = await held?.catch(() => undefined);
    if (token && token !== rejected && token.expiresAt > deps.clock.wallNow()) return token;
    const newer = tokens.get(key);
    if (newer !== undefined && newer !== held) return newer;
    const requested = requestToken(deps, issuer);
    tokens.delete(key);
    tokens.set(key, requested);
    dropOldest(tokens);
    requested.catch(() => tokens.get(key) === requested && tokens.delete(key));
    return requested;
  };
}

/** Throws `invalid_receiver` unless the wallet address names the authorization server that the receiver named. */
async function checkWalletAddress(
  deps: ReceiverDeps,
  url: string,
  { authServer, publicOnly }: Issuer,
  { walletAddresses }: Token,
): Promise<void> {
  if (walletAddresses.has(url)) return;
  const named = readJson(await fetchFrom(deps, { url, publicOnly }), isWalletAddress, unusableAnswer).authServer;
  if (withoutLastSlashes(named) !== withoutLastSlashes(authServer))
    throw invalid('its wallet address names another authorization server');
  walletAddresses.add(url);
  dropOldest(walletAddresses);
}

function createRemoteReader(deps: ReceiverDeps): ReadReceiver {
  const currentToken = createTokenCache(deps);
  const fetchFullView = (url: string, { publicOnly }: Issuer, { client, value }: Token): Promise<OutboundResponse> =>
    fetchSigned(deps, client, { method: 'GET', url, headers: { authorization: `GNAP ${value}` }, publicOnly });

  async function readFullView(url: string, issuer: Issuer) {
    const token = await currentToken(issuer);
    const response = await fetchFullView(url, issuer, token);
    if (response.status !== 401 && response.status !== 403) return { response, token };
    // The token may have been revoked or lost in a reset. A new one is requested once.
    const newToken = await currentToken(issuer, token);
    const renewed = await fetchFullView(url, issuer, newToken);
    if (renewed.status === 401) throw unreachable(keysUnread);
    return { response: renewed, token: newToken };
  }

  /** Reads the full view with a token of this issuer, and the wallet address that it names. */
  async function readFrom(url: string, issuer: Issuer): Promise<Receiver> {
    const { response, token } = await readFullView(url, issuer);
    // A document from a public address must not lead to private ones (OPI-074).
    if (response.isPublic && !issuer.publicOnly) throw invalid('it has moved to a public address');
    const payment = readJson(response, isFullIncomingPayment, unusableAnswer);
    const receiver = toReceiver(url, payment);
    await checkWalletAddress(deps, payment.walletAddress, issuer, token);
    return receiver;
  }

  /** The issuers of the receivers that were read last, whose public views need not be read again. */
  const issuers = new Map<string, Issuer>();

  async function readFromBeginning(url: string): Promise<Receiver> {
    const view = await fetchFrom(deps, { url });
    const { authServer } = readJson(view, isPublicIncomingPayment, unusableAnswer);
    const issuer = { authServer, resourceServer: new URL(url).origin, publicOnly: view.isPublic };
    const receiver = await readFrom(url, issuer);
    issuers.set(url, issuer);
    dropOldest(issuers, MAX_RECEIVERS);
    return receiver;
  }

  return async (url) => {
    assertOutsideTransaction('reading a receiver of another ASE');
    if (/[?#]/.test(url) || !/^https?:\/\/.+\/incoming-payments\/./.test(url))
      throw invalid('not the URL of an incoming payment');
    const issuer = issuers.get(url);
    if (!issuer) return readFromBeginning(url);
    return readFrom(url, issuer).catch((error: unknown) => {
      // The receiver may have another issuer now. If it cannot be reached, the next read finds out.
      issuers.delete(url);
      if (error instanceof Problem && error.code === 'invalid_receiver') return readFromBeginning(url);
      throw error;
    });
  };
}

// ── This ASE ────────────────────────────────────────────────────────────────────────────────────────────────────────

const selectLocalReceiver = statement((db, payment: { ase: string; id: string }) =>
  db
    .selectFrom('incoming_payment')
    .select(['id', 'asset_code', 'asset_scale', 'incoming_amount', 'received_amount', 'completed', 'expires_at'])
    .where('ase', '=', payment.ase)
    .where('id', '=', payment.id),
);

export type LocalReceiverRow = Awaited<ReturnType<typeof selectLocalReceiver.all>>[number];

async function findLocalReceiver({ ase, db, clock }: ReceiverDeps, url: string, id: string): Promise<Receiver> {
  const row = isResourceId(id) ? await selectLocalReceiver.first(db.query, { ase, id }) : undefined;
  if (!row) throw invalid('unknown incoming payment of this ASE');
  return toLocalReceiver(clock, url, row);
}

function toLocalReceiver(clock: Pick<Clock, 'businessNow'>, url: string, row: LocalReceiverRow): Receiver {
  const { completed } = row;
  const expiresAt = toMillis(row.expires_at);
  if (isClosed({ completed, expiresAt }, clock.businessNow())) throw invalid('it is closed');
  return {
    url,
    asset: toAsset(row),
    ...(row.incoming_amount !== null && { incomingAmount: toAmount(row.incoming_amount) }),
    receivedAmount: toAmount(row.received_amount),
    completed,
    expiresAt,
    localIncomingPaymentId: row.id,
  };
}

// ── Any receiver ────────────────────────────────────────────────────────────────────────────────────────────────────

/** The reader for quotes, outgoing payments and their worker. It keeps tokens of other ASEs in memory. */
export function createReceiverReader(deps: ReceiverDeps): ReadReceiver {
  const readRemote = createRemoteReader(deps);
  return async (url) => {
    // The URL parser drops white space and control characters (WHATWG URL §4.4), so such a URL must not be stored.
    if (/[\s\p{Cc}]/u.test(url)) throw invalid('not the URL of an incoming payment');
    const localId = resourceIdIn(deps.resourceServer, 'incoming-payments', url);
    return localId === undefined ? readRemote(url) : findLocalReceiver(deps, url, localId);
  };
}

/**
 * Reads a receiver, unless its `row` has just been read, and checks that it is open and can be reached (RS-Q-14).
 * Throws `invalid_receiver` and `receiver_unreachable`.
 */
export async function getPayableReceiver(
  deps: Pick<ResourceDeps, 'readReceiver' | 'nextHop' | 'clock'>,
  url: string,
  row?: LocalReceiverRow,
): Promise<PayableReceiver> {
  const receiver = row ? toLocalReceiver(deps.clock, url, row) : await deps.readReceiver(url);
  const { incomingAmount, receivedAmount, expiresAt, ilp } = receiver;
  const remaining = incomingAmount === undefined ? undefined : incomingAmount - receivedAmount;
  if (receiver.completed || (remaining !== undefined && remaining <= 0n)) throw invalid('it is completed');
  if (expiresAt !== undefined && expiresAt <= deps.clock.businessNow()) throw invalid('it has expired');
  const isLocal = receiver.localIncomingPaymentId !== undefined;
  const peer = isLocal || !ilp ? undefined : deps.nextHop(ilp.address, receiver.asset);
  if (!isLocal && !peer) throw invalid('no route to it');
  return { ...receiver, remaining, peer };
}
