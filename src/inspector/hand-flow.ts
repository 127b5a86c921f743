/** The flow of a payment as a client makes it, from the wallet addresses to the money that has arrived (RFC 9635 §2, §4, §5). */
import { createInteractionHash } from '../open-payments/interaction-hash.ts';
import type { Switches } from '../profile.ts';
import type { HandRequest, Json } from './hand-client.ts';

export interface HandPaymentOrder {
  /** Wallet addresses. */
  readonly from: string;
  readonly to: string;
  /** The amount that the receiver asks for, in minor units of its asset. */
  readonly value: string;
  /** The same in words, such as `5.00 EUR`. */
  readonly amount: string;
  /** The inspector's URL to which the consent page leads back; the id of the payment and `/finish` are appended. */
  readonly finishBase: string;
}

export interface HandPayment extends HandPaymentOrder {
  readonly id: string;
  /** Wall time in milliseconds. */
  readonly startedAt: number;
  state: 'running' | 'waiting' | 'completed' | 'failed';
  /** Sentences about what has been done. */
  readonly steps: string[];
  /** Where a person consents, while the payment waits for that. */
  consent: string | undefined;
  /** URL of the outgoing payment. */
  outgoingPayment: string | undefined;
  error: string | undefined;
  /** Resolves when it is completed or has failed. */
  ended: Promise<void>;
}

/** The reference with which the consent page led back, if its hash is right (RFC 9635 §4.2.3). */
export type ConsentCheck = (returned: URLSearchParams) => string | undefined;

export interface HandFlow {
  /** Wallet address of the client. */
  readonly client: string;
  readonly call: (request: HandRequest) => Promise<Json>;
  /** Resolves with the reference once the holder has consented. */
  readonly awaitConsent: (redirect: string, check: ConsentCheck) => Promise<string>;
  readonly hashEncoding: Switches['hashEncoding'];
  /** A fresh nonce. */
  readonly token: () => string;
  readonly pause: (milliseconds: number) => Promise<void>;
}

/** Five seconds is the default (RFC 9635 §5). */
const DEFAULT_WAIT_SECONDS = 5;
const POLLS = 100;
const POLL_MS = 200;

/** Where the consent page leads back to. */
export const finishUriOf = ({ finishBase, id }: HandPayment): string => `${finishBase}/${id}/finish`;

/** Notes each step in the payment. Throws if one fails. */
export async function payByHand(payment: HandPayment, flow: HandFlow): Promise<void> {
  const { call } = flow;
  const say = (sentence: string) => void payment.steps.push(sentence);
  const askForToken = async (url: string, access: object): Promise<string> => {
    const body = { client: { walletAddress: flow.client }, access_token: { access: [access] } };
    return (await call({ method: 'POST', url, body })).access_token.value;
  };

  say('Read both wallet addresses: they name the servers and the assets.');
  const sender = await call({ url: payment.from, isUnsigned: true });
  const receiver = await call({ url: payment.to, isUnsigned: true });

  say('Get a token from the receiver’s authorization server, and create an incoming payment with it.');
  const receiving = { type: 'incoming-payment', actions: ['create', 'read'] };
  const incomingToken = await askForToken(receiver.authServer, receiving);
  const incomingPayment = await call({
    method: 'POST',
    url: `${receiver.resourceServer}/incoming-payments`,
    token: incomingToken,
    body: {
      walletAddress: receiver.id,
      incomingAmount: { value: payment.value, assetCode: receiver.assetCode, assetScale: receiver.assetScale },
    },
  });

  say('Get a token from the sender’s authorization server, and a quote: the price of delivering that amount.');
  const quoteToken = await askForToken(sender.authServer, { type: 'quote', actions: ['create'] });
  const quote = await call({
    method: 'POST',
    url: `${sender.resourceServer}/quotes`,
    token: quoteToken,
    body: { walletAddress: sender.id, receiver: incomingPayment.id, method: 'ilp' },
  });

  say('Ask for a grant to send exactly the quoted amount. The holder of the sending wallet must consent.');
  const token = await askForConsent(payment, flow, sender, quote.debitAmount);

  say('Create the outgoing payment from the quote. The money moves in packets.');
  const created = await call({
    method: 'POST',
    url: `${sender.resourceServer}/outgoing-payments`,
    token,
    body: { walletAddress: sender.id, quoteId: quote.id },
  });
  payment.outgoingPayment = created.id;
  await awaitMoney(flow, { url: incomingPayment.id, token: incomingToken }, { url: created.id, token });
  say('The money has arrived.');
}

async function askForConsent(
  payment: HandPayment,
  { client, call, awaitConsent, hashEncoding, token, pause }: HandFlow,
  sender: Json,
  debitAmount: object,
): Promise<string> {
  const finish = { method: 'redirect', uri: finishUriOf(payment), nonce: token() };
  const limits = { debitAmount };
  const access = { type: 'outgoing-payment', actions: ['create', 'read'], identifier: sender.id, limits };
  const interact = { start: ['redirect'], finish };
  const body = { client: { walletAddress: client }, access_token: { access: [access] }, interact };
  const pending = await call({ method: 'POST', url: sender.authServer, body });
  const hashed = { clientNonce: finish.nonce, serverNonce: pending.interact.finish, grantEndpoint: sender.authServer };
  const reference = await awaitConsent(pending.interact.redirect, (returned) => {
    const interactRef = returned.get('interact_ref');
    if (interactRef === null) return undefined;
    return returned.get('hash') === createInteractionHash({ ...hashed, interactRef }, hashEncoding)
      ? interactRef
      : undefined;
  });
  payment.steps.push('Check the finish hash, and continue the grant with the reference from the consent page.');
  const { uri: url, access_token: continuation, wait = DEFAULT_WAIT_SECONDS } = pending.continue;
  await pause(wait * 1000);
  const grant = await call({ method: 'POST', url, token: continuation.value, body: { interact_ref: reference } });
  return grant.access_token.value;
}

type Read = Required<Pick<HandRequest, 'url' | 'token'>>;

async function awaitMoney({ call, pause }: HandFlow, incoming: Read, outgoing: Read): Promise<void> {
  for (let polls = 0; polls < POLLS; polls += 1) {
    if ((await call(incoming)).completed) return;
    if ((await call(outgoing)).failed) throw new Error('the outgoing payment failed; its page shows the reason');
    await pause(POLL_MS);
  }
  throw new Error('the money did not arrive in time; the page of the outgoing payment shows why');
}
