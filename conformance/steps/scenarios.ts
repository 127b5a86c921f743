/** Building blocks: each takes one step of a payment on its main path and throws when the step does not succeed. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { CheckContext, Party } from '../runner/check.ts';
import type { Identity } from '../runner/target.ts';
import { expectStatus, expectToken } from './expect.ts';
import { finishUri, hashEncoding, interactionHash } from './interaction.ts';
import { giveConsent } from './owner-consent.ts';
import type { Answer, Json } from './signed-client.ts';

export interface Amount {
  readonly value: string;
  readonly assetCode: string;
  readonly assetScale: number;
}

/** An amount in the asset of a party. */
export function amountOf(party: Party, value: string): Amount {
  return { value, assetCode: party.assetCode, assetScale: party.assetScale };
}

/** The client of a grant request: the `client` member and the key that signs. */
export interface Asker {
  readonly client: Json;
  readonly identity?: Identity;
}

/** `POST {authServer}` for these access items. */
export function postGrant(context: CheckContext, party: Party, request: Json, asker?: Asker): Promise<Answer> {
  const json = { client: asker ? asker.client : context.target.client, ...request };
  const sign = asker?.identity ? { sign: asker.identity } : {};
  return context.call({ operation: 'post-request', url: party.authServer, json, ...sign });
}

/** A grant that needs no interaction. @returns the whole answer body */
export async function requestToken(context: CheckContext, party: Party, access: Json[], asker?: Asker): Promise<Json> {
  const answer = await postGrant(context, party, { access_token: { access } }, asker);
  expectToken(answer);
  return answer.body;
}

export const incomingActions = ['create', 'complete', 'read', 'list'] as const;

/** Access item of each kind. */
export const incomingAccess = (party: Party, actions: readonly string[] = incomingActions): Json => ({
  type: 'incoming-payment',
  actions,
  identifier: party.url,
});
export const quoteAccess = (actions: readonly string[] = ['create', 'read']): Json => ({ type: 'quote', actions });
export const outgoingAccess = (
  party: Party,
  limits?: Json,
  actions: readonly string[] = ['create', 'read', 'list'],
): Json => ({ type: 'outgoing-payment', actions, identifier: party.url, ...(limits ? { limits } : {}) });

/** The run's token for incoming payments at the receiver. */
export function incomingToken(context: CheckContext): Promise<string> {
  return context.shared('incoming token', async () => {
    return (await requestToken(context, context.receiver, [incomingAccess(context.receiver)])).access_token.value;
  });
}

/** The run's token for quotes at the sender. */
export function quoteToken(context: CheckContext): Promise<string> {
  return context.shared('quote token', async () => {
    return (await requestToken(context, context.sender, [quoteAccess()])).access_token.value;
  });
}

/** The run's token for outgoing payments without limits at the sender. */
export function outgoingToken(context: CheckContext): Promise<string> {
  return context.shared('outgoing token', async () => {
    return (await grantOutgoing(context, outgoingAccess(context.sender))).access_token.value;
  });
}

export interface PaymentOptions {
  readonly value?: string;
  readonly metadata?: Json;
  readonly expiresAt?: string;
  readonly token?: string;
}

/** A new incoming payment at the receiver; without `value` an open one. */
export async function createIncomingPayment(context: CheckContext, options: PaymentOptions = {}): Promise<Json> {
  const { receiver } = context;
  const answer = await postIncomingPayment(
    context,
    {
      walletAddress: receiver.url,
      ...(options.value === undefined ? {} : { incomingAmount: amountOf(receiver, options.value) }),
      ...(options.metadata === undefined ? {} : { metadata: options.metadata }),
      ...(options.expiresAt === undefined ? {} : { expiresAt: options.expiresAt }),
    },
    options.token,
  );
  return expectStatus(answer, 201).body;
}

export async function postIncomingPayment(context: CheckContext, json: Json, token?: string): Promise<Answer> {
  const url = `${context.receiver.resourceServer}/incoming-payments`;
  return context.call({
    operation: 'create-incoming-payment',
    url,
    json,
    token: token ?? (await incomingToken(context)),
  });
}

export async function getIncomingPayment(context: CheckContext, url: string, token?: string): Promise<Answer> {
  return context.call({ operation: 'get-incoming-payment', url, token: token ?? (await incomingToken(context)) });
}

export async function completeIncomingPayment(context: CheckContext, url: string, token?: string): Promise<Answer> {
  const used = token ?? (await incomingToken(context));
  return context.call({ operation: 'complete-incoming-payment', method: 'POST', url: `${url}/complete`, token: used });
}

export async function postQuote(context: CheckContext, json: Json, token?: string): Promise<Answer> {
  const url = `${context.sender.resourceServer}/quotes`;
  return context.call({ operation: 'create-quote', url, json, token: token ?? (await quoteToken(context)) });
}

/** A quote of the sender for `receiver`. @param amounts `debitAmount` or `receiveAmount`, or neither */
export async function createQuote(context: CheckContext, receiver: string, amounts: Json = {}): Promise<Json> {
  const answer = await postQuote(context, { walletAddress: context.sender.url, receiver, method: 'ilp', ...amounts });
  return expectStatus(answer, 201).body;
}

export interface PendingGrant {
  readonly body: Json;
  readonly clientNonce: string;
}

/** Asks for a grant that needs the owner's consent. @param finish `false`: without a finish object, so by polling */
export async function requestInteractiveGrant(
  context: CheckContext,
  access: Json[],
  finish: boolean | string = true,
  asker?: Asker,
): Promise<PendingGrant> {
  const clientNonce = randomUUID();
  const uri = typeof finish === 'string' ? finish : finishUri;
  const interact = {
    start: ['redirect'],
    ...(finish === false ? {} : { finish: { method: 'redirect', uri, nonce: clientNonce } }),
  };
  const answer = await postGrant(context, context.sender, { access_token: { access }, interact }, asker);
  expectStatus(answer, 200);
  assert.equal(typeof answer.body?.interact?.redirect, 'string', 'a grant that needs consent brings interact.redirect');
  return { body: answer.body, clientNonce };
}

/** Consent in the browser, and the hash check of RFC 9635 §4.2.3. @returns the interaction reference */
export async function obtainConsent(context: CheckContext, pending: PendingGrant): Promise<string> {
  const { finish } = await giveConsent(context, pending.body.interact.redirect);
  assert.ok(finish, 'the interaction did not lead back to the finish URI');
  const interactRef = finish.searchParams.get('interact_ref') ?? '';
  const parts = {
    clientNonce: pending.clientNonce,
    serverNonce: pending.body.interact.finish,
    interactRef,
    grantEndpoint: context.sender.authServer,
  };
  const expected = interactionHash(parts, hashEncoding[context.profile]);
  assert.equal(finish.searchParams.get('hash'), expected, 'the hash of the finish URI is wrong');
  return interactRef;
}

/** `POST continue.uri`, with a reference or (none) as a poll. */
export function continueGrant(context: CheckContext, grant: Json, interactRef?: string): Promise<Answer> {
  const { uri, access_token } = grant.continue;
  const body = interactRef === undefined ? {} : { json: { interact_ref: interactRef } };
  return context.call({ operation: 'post-continue', method: 'POST', url: uri, token: access_token.value, ...body });
}

/** A longer wait is not spent in real time. */
const LONGEST_WAIT_S = 60;

/** Lets the announced `wait` pass (AS-122): on the clock that checks can move, or in real time. */
export async function passWait(context: CheckContext, grant: Json): Promise<void> {
  const seconds = grant.continue.wait ?? 0;
  if (seconds <= 0) return;
  if (context.control.available || seconds > LONGEST_WAIT_S) await context.control.advanceClock(seconds);
  else await pause(seconds * 1000);
}

/** Obtains a token that needs consent. @returns the body of the continuation */
export async function grantOutgoing(context: CheckContext, ...access: Json[]): Promise<Json> {
  const pending = await requestInteractiveGrant(context, access);
  const interactRef = await obtainConsent(context, pending);
  await passWait(context, pending.body);
  return expectStatus(await continueGrant(context, pending.body, interactRef), 200).body;
}

export function postOutgoingPayment(context: CheckContext, json: Json, token: string): Promise<Answer> {
  const url = `${context.sender.resourceServer}/outgoing-payments`;
  return context.call({ operation: 'create-outgoing-payment', url, json, token });
}

/** Pays a quote. */
export async function payQuote(context: CheckContext, quoteId: string, token: string): Promise<Json> {
  const answer = await postOutgoingPayment(context, { walletAddress: context.sender.url, quoteId }, token);
  return expectStatus(answer, 201).body;
}

/** Polls the public view of an incoming payment until it has received this value. Bounded by five seconds. */
export async function waitUntilReceived(context: CheckContext, url: string, value: string): Promise<void> {
  let received = '';
  for (const deadline = Date.now() + 5000; Date.now() < deadline; await pause(25)) {
    const answer = await context.call({ operation: 'get-incoming-payment', url, sign: false });
    received = expectStatus(answer, 200).body.receivedAmount?.value;
    if (received === value) return;
  }
  assert.equal(received, value, `${url} did not receive the amount in time`);
}

/** Milliseconds. An attempt after several failed ones comes seconds later. */
const MAX_PAYMENT_MS = 15_000;

/** Polls an outgoing payment until it has come this far. */
async function waitForPayment(
  context: CheckContext,
  url: string,
  token: string,
  hasArrived: (payment: Json) => boolean,
): Promise<Json> {
  let payment: Json;
  for (const deadline = Date.now() + MAX_PAYMENT_MS; Date.now() < deadline; await pause(25)) {
    payment = expectStatus(await context.call({ operation: 'get-outgoing-payment', url, token }), 200).body;
    if (hasArrived(payment)) return payment;
  }
  assert.fail(`${url} was not settled in time: sent ${payment?.sentAmount?.value} of ${payment?.debitAmount?.value}`);
}

/** The payment once it is final: all sent, or failed. */
export const waitUntilSettled = (context: CheckContext, url: string, token: string): Promise<Json> =>
  waitForPayment(
    context,
    url,
    token,
    ({ failed, sentAmount, debitAmount }) => failed || sentAmount.value === debitAmount.value,
  );

/** The payment once this amount, without its fee, is sent, or it has failed. */
export const waitUntilSent = (context: CheckContext, url: string, token: string, value: string): Promise<Json> =>
  waitForPayment(context, url, token, ({ failed, sentAmount }) => failed || sentAmount.value === value);

/** The payment once a part of it is sent. */
export const waitUntilPartIsSent = (context: CheckContext, url: string, token: string): Promise<Json> =>
  waitForPayment(context, url, token, ({ sentAmount }) => sentAmount.value !== '0');

export function rotateToken(context: CheckContext, token: Json): Promise<Answer> {
  return context.call({ operation: 'post-token', method: 'POST', url: token.manage, token: token.value });
}

export function revokeToken(context: CheckContext, token: Json): Promise<Answer> {
  return context.call({ operation: 'delete-token', method: 'DELETE', url: token.manage, token: token.value });
}

export function cancelGrant(context: CheckContext, grant: Json): Promise<Answer> {
  const { uri, access_token } = grant.continue;
  return context.call({ operation: 'delete-continue', method: 'DELETE', url: uri, token: access_token.value });
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Requests a grant without a finish, so that the client polls. */
export const requestPollableGrant = async (context: CheckContext): Promise<Json> =>
  (await requestInteractiveGrant(context, [outgoingAccess(context.sender)], false)).body;
