/** One of everything that a request can name. */
import assert from 'node:assert/strict';
import { type Answer, send } from './signed-fetch.ts';
import type { ClientEnvironment } from './world.ts';

export interface PreparedResources {
  readonly auth: string;
  readonly rs: string;
  readonly payer: string;
  readonly tokens: { readonly incoming: string; readonly quote: string; readonly outgoing: string };
  readonly grant: {
    readonly continueUri: string;
    readonly continueToken: string;
    readonly manage: string;
    readonly token: string;
  };
  /** A grant that waits for consent by polling. */
  readonly pending: { readonly continueUri: string; readonly continueToken: string };
  readonly incomingPayment: string;
  readonly quote: string;
  readonly outgoingPayment: string;
}
/** Creates one of everything with the client's key, the payment settled. */
export async function prepareResources(
  world: { readonly controls: { setConsent(mode: 'manual'): Promise<void> }; readonly settled: () => Promise<void> },
  environment: ClientEnvironment,
): Promise<PreparedResources> {
  const payer = environment.walletAddress;
  const { authServer: auth, resourceServer: rs } = (await (await fetch(payer)).json()) as Record<string, string>;
  const post = async (url: string, body: unknown, token?: string): Promise<Answer> => {
    const answer = await send(environment, { method: 'POST', url, body, ...(token !== undefined && { token }) });
    assert.ok(answer.status < 300, answer.text);
    return answer;
  };
  const grantFor = (access: unknown) => post(auth!, { client: environment.client, access_token: { access: [access] } });
  const grant = (await grantFor({ type: 'incoming-payment', actions: ['create', 'read', 'list', 'complete'] })).body;
  const incoming = grant.access_token.value;
  const quoteToken = (await grantFor({ type: 'quote', actions: ['create', 'read'] })).body.access_token.value;
  const incomingPayment = (await post(`${rs}/incoming-payments`, { walletAddress: payer }, incoming)).body.id;
  const amount = { value: '100', assetCode: 'USD', assetScale: 2 };
  const quoteBody = { walletAddress: payer, receiver: incomingPayment, method: 'ilp', receiveAmount: amount };
  const quote = (await post(`${rs}/quotes`, quoteBody, quoteToken)).body.id;
  const pending = (
    await post(auth!, {
      client: environment.client,
      access_token: { access: [{ type: 'outgoing-payment', actions: ['create', 'read', 'list'], identifier: payer }] },
      interact: { start: ['redirect'], finish: { method: 'redirect', uri: 'http://localhost:1/', nonce: 'n' } },
    })
  ).body;
  const location = (await fetch(pending.interact.redirect, { redirect: 'manual' })).headers.get('location')!;
  const interact_ref = new URL(location).searchParams.get('interact_ref');
  const continued = await post(pending.continue.uri, { interact_ref }, pending.continue.access_token.value);
  const outgoing = continued.body.access_token.value;
  await world.controls.setConsent('manual');
  const waiting = (
    await post(auth!, {
      client: environment.client,
      access_token: { access: [{ type: 'outgoing-payment', actions: ['read'], identifier: payer }] },
      interact: { start: ['redirect'] },
    })
  ).body;
  const used = (await post(`${rs}/quotes`, quoteBody, quoteToken)).body.id;
  const payment = await post(`${rs}/outgoing-payments`, { walletAddress: payer, quoteId: used }, outgoing);
  await world.settled();
  return {
    auth: auth!,
    rs: rs!,
    payer,
    tokens: { incoming, quote: quoteToken, outgoing },
    grant: {
      continueUri: grant.continue.uri,
      continueToken: grant.continue.access_token.value,
      manage: grant.access_token.manage,
      token: incoming,
    },
    pending: { continueUri: waiting.continue.uri, continueToken: waiting.continue.access_token.value },
    incomingPayment,
    quote,
    outgoingPayment: payment.body.id,
  };
}
