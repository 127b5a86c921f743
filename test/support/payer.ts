/** A client that pays from one wallet to any other: its grants, and a call for each step of a payment. */
import assert from 'node:assert/strict';
import { type Answer, send } from './signed-fetch.ts';
import type { ClientEnvironment } from './world.ts';

export interface Payer {
  /** An incoming payment of so much at a wallet address; its URL. */
  receive(walletAddress: string, value?: string): Promise<string>;
  complete(incomingPayment: string): Promise<Answer>;
  /** The quote of the incoming payment; with `receiveValue`, of a part of it. */
  quote(incomingPayment: string, receiveValue?: string): Promise<Answer['body']>;
  /** The answer, whatever it is. */
  pay(quoteId: string): Promise<Answer>;
  /** The current state of an outgoing payment. */
  read(outgoingPayment: string): Promise<Answer['body']>;
  /** Amounts that the grant has spent. */
  spent(): Promise<Answer['body']>;
}

interface WalletAddress {
  readonly id: string;
  readonly authServer: string;
  readonly resourceServer: string;
  readonly assetCode: string;
  readonly assetScale: number;
}

/** Takes the grants for the wallet address of the environment; consent is given automatically. `limits` are those of its payments. */
export async function createPayer(environment: ClientEnvironment, limits?: object): Promise<Payer> {
  const lookUp = async (url: string) => (await (await fetch(url)).json()) as WalletAddress;
  const payer = await lookUp(environment.walletAddress);
  const ask = async (method: string, url: string, token?: string, body?: unknown) => {
    const answer = await send(environment, { method, url, body, ...(token !== undefined && { token }) });
    assert.ok(answer.status < 300, `${method} ${url}: ${answer.text}`);
    return answer;
  };
  const grant = async (authServer: string, access: object, interact?: object) => {
    const request = { client: environment.client, access_token: { access: [access] }, ...(interact && { interact }) };
    return (await ask('POST', authServer, undefined, request)).body;
  };
  const pending = await grant(
    payer.authServer,
    { type: 'outgoing-payment', actions: ['create', 'read', 'list'], identifier: payer.id, ...(limits && { limits }) },
    { start: ['redirect'], finish: { method: 'redirect', uri: 'http://localhost:1/', nonce: 'n' } },
  );
  const redirect = await fetch(pending.interact.redirect, { redirect: 'manual' });
  const reference = new URL(redirect.headers.get('location')!).searchParams.get('interact_ref');
  const { uri, access_token: continuation } = pending.continue;
  const continued = await ask('POST', uri, continuation.value, { interact_ref: reference });
  const outgoing: string = continued.body.access_token.value;
  const quoting = await grant(payer.authServer, { type: 'quote', actions: ['create', 'read'] });
  const payees = new Map<string, { readonly wallet: WalletAddress; readonly token: string }>();

  return {
    async receive(walletAddress, value) {
      if (!payees.has(walletAddress)) {
        const wallet = await lookUp(walletAddress);
        const access = { type: 'incoming-payment', actions: ['create', 'read', 'complete'] };
        const token: string = (await grant(wallet.authServer, access)).access_token.value;
        payees.set(walletAddress, { wallet, token });
      }
      const { wallet, token } = payees.get(walletAddress)!;
      const { id, assetCode, assetScale } = wallet;
      const incomingAmount = value === undefined ? undefined : { value, assetCode, assetScale };
      const body = { walletAddress: id, ...(incomingAmount && { incomingAmount }) };
      return (await ask('POST', `${wallet.resourceServer}/incoming-payments`, token, body)).body.id;
    },
    async complete(incomingPayment) {
      const { token } = [...payees.values()].find(({ wallet }) => incomingPayment.startsWith(wallet.resourceServer))!;
      return ask('POST', `${incomingPayment}/complete`, token);
    },
    async quote(receiver, receiveValue) {
      const { wallet } = [...payees.values()].find((payee) => receiver.startsWith(payee.wallet.resourceServer))!;
      const { assetCode, assetScale } = wallet;
      const receiveAmount = receiveValue === undefined ? undefined : { value: receiveValue, assetCode, assetScale };
      const body = { walletAddress: payer.id, receiver, method: 'ilp', ...(receiveAmount && { receiveAmount }) };
      return (await ask('POST', `${payer.resourceServer}/quotes`, quoting.access_token.value, body)).body;
    },
    pay: (quoteId) =>
      send(environment, {
        method: 'POST',
        url: `${payer.resourceServer}/outgoing-payments`,
        token: outgoing,
        body: { walletAddress: payer.id, quoteId },
      }),
    read: async (outgoingPayment) => (await ask('GET', outgoingPayment, outgoing)).body,
    spent: async () => (await ask('GET', `${payer.resourceServer}/outgoing-payment-grant`, outgoing)).body,
  };
}
