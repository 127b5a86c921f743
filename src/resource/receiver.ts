/**
 * The receiver of a payment, read as any client would: its public view names the authorization server, a grant signed
 * with the ASE's own key allows the full view with its payment methods (RS-Q-20). Receivers of this ASE come from the
 * database (RS-OP-21).
 */

import type { components as AuthComponents } from '../../generated/auth-server/types.ts';
import { responseBody as authResponseBody } from '../../generated/auth-server/validators.js';
import type { components } from '../../generated/resource-server/types.ts';
import { responseBody } from '../../generated/resource-server/validators.js';
import type { Clock } from '../clock.ts';
import { toAmount, toMillis } from '../database/columns.ts';
import { assertOutsideTransaction, type Database } from '../database/database.ts';
import { Problem } from '../errors.ts';
import { type SigningKey, signRequest } from '../http/signatures/sign.ts';
import { type Outbound, OutboundError, type OutboundRequest, type OutboundResponse } from '../net/outbound.ts';
import { parseAmount, sameAsset } from '../open-payments/amount.ts';
import type { ReadReceiver, Receiver } from '../payments/receiver.ts';
import type { ResourceDeps } from './deps.ts';
import { isResourceId, resourceIdIn } from './resource-url.ts';

export interface ReceiverDeps {
  readonly ase: string;
  readonly db: Database;
  readonly clock: Clock;
  readonly resourceServer: string;
  readonly outbound: Pick<Outbound, 'request'>;
  /** The ASE as a client of others. */
  readonly instance: SigningKey & { readonly walletAddress: string };
}

/** A receiver that can be paid now. */
export interface PayableReceiver extends Receiver {
  /** What it still awaits; undefined where it takes any amount. */
  readonly remaining: bigint | undefined;
}

/**
 * Reads a receiver and sees that it is open and that a way leads there (RS-Q-14). Throws `invalid_receiver` and
 * `receiver_unreachable`.
 */
export async function readPayableReceiver(
  deps: Pick<ResourceDeps, 'readReceiver' | 'canReach' | 'clock'>,
  url: string,
): Promise<PayableReceiver> {
  const receiver = await deps.readReceiver(url);
  const { incomingAmount, receivedAmount, expiresAt, ilp } = receiver;
  const remaining = incomingAmount === undefined ? undefined : incomingAmount - receivedAmount;
  if (receiver.completed || (remaining !== undefined && remaining <= 0n)) throw invalid('it is completed');
  if (expiresAt !== undefined && expiresAt <= deps.clock.businessNow()) throw invalid('it has expired');
  const isLocal = receiver.localIncomingPaymentId !== undefined;
  if (!isLocal && !(ilp && deps.canReach(ilp.address, receiver.asset))) throw invalid('no route leads there');
  return { ...receiver, remaining };
}

/** The reader for quotes, payments and settlement. Remote tokens live in its memory. */
export function createReceiverReader(deps: ReceiverDeps): ReadReceiver {
  const readRemote = createRemoteReader(deps);
  return async (url) => {
    // Reading a URL leaves blanks and control characters out (WHATWG URL §4.4): that is none to store.
    if (/[\s\p{Cc}]/u.test(url)) throw invalid('no URL of an incoming payment');
    const localId = resourceIdIn(deps.resourceServer, 'incoming-payments', url);
    return localId === undefined ? readRemote(url) : readLocal(deps, url, localId);
  };
}

async function readLocal({ ase, db, clock }: ReceiverDeps, url: string, id: string): Promise<Receiver> {
  const row = isResourceId(id)
    ? await db.query
        .selectFrom('incoming_payment')
        .select(['asset_code', 'asset_scale', 'incoming_amount', 'received_amount', 'completed', 'expires_at'])
        .where('ase', '=', ase)
        .where('id', '=', id)
        .executeTakeFirst()
    : undefined;
  if (!row) throw invalid('no such incoming payment here');
  const expiresAt = toMillis(row.expires_at);
  if (row.completed || clock.businessNow() >= expiresAt) throw invalid('it is closed');
  return {
    url,
    asset: { code: row.asset_code, scale: row.asset_scale },
    ...(row.incoming_amount !== null && { incomingAmount: toAmount(row.incoming_amount) }),
    receivedAmount: toAmount(row.received_amount),
    completed: row.completed,
    expiresAt,
    localIncomingPaymentId: id,
  };
}

interface Token {
  readonly value: string;
  /** Wall time in milliseconds. */
  readonly expiresAt: number;
}

/** Most authorization servers whose tokens are kept; the oldest goes first. */
const MAX_TOKENS = 1000;
/** What another ASE means by 400 or 401 to a request that is as it should be: a payment must not fail for it. */
const keysUnread = 'the other ASE refuses our signature, perhaps for as long as it cannot reach our keys';
/** A token is not used in the last moments of its life. */
const EXPIRY_MARGIN_MS = 5_000;

function createRemoteReader({ clock, outbound, instance }: ReceiverDeps): ReadReceiver {
  const tokens = new Map<string, Promise<Token>>();

  return async function readRemote(url) {
    assertOutsideTransaction('reading a receiver of another ASE');
    if (!/^https?:\/\/.+\/incoming-payments\/.+$/.test(url)) throw invalid('no URL of an incoming payment');
    const { authServer } = readJson(await call({ url }), isPublicIncomingPayment);
    const token = await currentToken(authServer);
    const response = await readWith(token);
    if (response.status !== 401 && response.status !== 403) return toReceiver(url, response);
    // Revoked, or forgotten in a reset: one new grant, and then no is no.
    const renewed = await readWith(await currentToken(authServer, token));
    if (renewed.status === 401) throw unreachable(keysUnread);
    return toReceiver(url, renewed);

    function readWith({ value }: Token): Promise<OutboundResponse> {
      return call(sign({ method: 'GET', url, headers: { authorization: `GNAP ${value}` } }));
    }
  };

  /** The token in memory, unless it has expired or was `refused`. Concurrent reads ask for one grant together. */
  async function currentToken(authServer: string, refused?: Token): Promise<Token> {
    const held = tokens.get(authServer);
    const token = await held?.catch(() => undefined);
    if (token && token !== refused && token.expiresAt > clock.wallNow()) return token;
    const newer = tokens.get(authServer);
    if (newer !== undefined && newer !== held) return newer;
    const requested = requestToken(authServer);
    tokens.delete(authServer);
    tokens.set(authServer, requested);
    if (tokens.size > MAX_TOKENS) tokens.delete(tokens.keys().next().value!);
    requested.catch(() => tokens.get(authServer) === requested && tokens.delete(authServer));
    return requested;
  }

  /** A grant for `read-all` needs nobody's consent (RFC 9635 §2, AS-57). */
  async function requestToken(authServer: string): Promise<Token> {
    const access = [{ type: 'incoming-payment', actions: ['read-all'] }];
    const body = Buffer.from(JSON.stringify({ access_token: { access }, client: instance.walletAddress }));
    const headers = { 'content-type': 'application/json' };
    const requestedAt = clock.wallNow();
    const response = await call(sign({ method: 'POST', url: authServer, headers, body }));
    if (response.status === 400 || response.status === 401) throw unreachable(keysUnread);
    const { access_token } = readJson(response, isIssuedGrant);
    const lifetime = access_token.expires_in === undefined ? Number.POSITIVE_INFINITY : access_token.expires_in * 1000;
    return { value: access_token.value, expiresAt: requestedAt + lifetime - EXPIRY_MARGIN_MS };
  }

  function sign(request: OutboundRequest & { method: string }): OutboundRequest {
    try {
      return { ...request, headers: signRequest(request, instance, clock.wallNow()) };
    } catch (error) {
      throw invalid('its URL cannot be signed', error);
    }
  }

  async function call(request: OutboundRequest): Promise<OutboundResponse> {
    const response = await outbound.request(request).catch((error: unknown) => {
      if (!(error instanceof OutboundError)) throw error;
      const mayHelp = error.code === 'connect' || error.code === 'timeout';
      throw mayHelp ? unreachable(error.message, error) : invalid(error.message, error);
    });
    if (response.status >= 500 || response.status === 429)
      throw unreachable(`the other ASE answers ${response.status}`);
    return response;
  }
}

type FullIncomingPayment = components['schemas']['incoming-payment-with-methods'];
type IssuedGrant = { readonly access_token: AuthComponents['schemas']['access_token'] };

const validIncomingPayment = responseBody['get-incoming-payment'][200];
const validGrant = authResponseBody['post-request'][200];

const isPublicIncomingPayment = (body: unknown): body is components['schemas']['public-incoming-payment'] =>
  validIncomingPayment(body) && Object.hasOwn(body as object, 'authServer');

const isFullIncomingPayment = (body: unknown): body is FullIncomingPayment =>
  validIncomingPayment(body) && Object.hasOwn(body as object, 'methods');

/** Valid, issued at once, and with a value that can stand in a header. */
const isIssuedGrant = (body: unknown): body is IssuedGrant =>
  validGrant(body) &&
  Object.hasOwn(body as object, 'access_token') &&
  /^[\x21-\x7e]+$/.test((body as IssuedGrant).access_token.value);

function readJson<Body>(response: OutboundResponse, isValid: (body: unknown) => body is Body): Body {
  if (response.status !== 200) throw invalid(`the other ASE answers ${response.status}`);
  let body: unknown;
  try {
    body = JSON.parse(response.body.toString('utf8'));
  } catch (error) {
    throw invalid('the other ASE does not answer in JSON', error);
  }
  if (!isValid(body)) throw invalid('the other ASE answers against the specification');
  return body;
}

function toReceiver(url: string, response: OutboundResponse): Receiver {
  const payment = readJson(response, isFullIncomingPayment);
  const received = parseAmount(payment.receivedAmount);
  const incoming = payment.incomingAmount && parseAmount(payment.incomingAmount);
  if (incoming && !sameAsset(incoming.asset, received.asset)) throw invalid('its amounts have different assets');
  if (received.asset.code.includes('\0')) throw invalid('its asset has no usable code');
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

const invalid = (detail: string, cause?: unknown): Problem => new Problem('invalid_receiver', { detail, cause });
const unreachable = (detail: string, cause?: unknown): Problem =>
  new Problem('receiver_unreachable', { detail, cause });
