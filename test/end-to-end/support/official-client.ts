/**
 * The main job, driven by the official Node client, unmodified and validating every answer against its own copy of the
 * specification: a payment from a wallet at one ASE to a wallet at the other, in another currency, and everything that
 * can be done around it.
 */
import assert from 'node:assert/strict';
import { createHash, createPrivateKey, randomUUID } from 'node:crypto';
import {
  type AuthenticatedClient,
  createAuthenticatedClient,
  type GrantRequest,
  type GrantWithAccessToken,
  isFinalizedGrantWithAccessToken,
  isPendingGrant,
  type PaginationArgs,
} from '@interledger/open-payments';
import type { ClientEnvironment } from '../../support/world.ts';

export async function payAcross(environment: ClientEnvironment): Promise<void> {
  const client = await createAuthenticatedClient({
    walletAddressUrl: environment.client,
    privateKey: createPrivateKey(environment.privateKey),
    keyId: environment.keyId,
    useHttp: environment.walletAddress.startsWith('http:'),
    // Its default of five seconds is too little for the first request to a server on a busy machine.
    requestTimeoutMs: 60_000,
  });
  // Wallet addresses
  const payer = await client.walletAddress.get({ url: environment.walletAddress });
  const payee = await client.walletAddress.get({ url: environment.receiver });
  assert.notEqual(payer.assetCode, payee.assetCode);
  const { keys } = await client.walletAddress.getKeys({ url: environment.client });
  assert.deepEqual(
    keys.map(({ kid }) => kid),
    [environment.keyId],
  );
  assert.match(String((await client.walletAddress.getDIDDocument({ url: environment.client })).id), /^did:web:/);

  // Incoming payment
  const incomingGrant = await requestToken(client, payee.authServer, {
    type: 'incoming-payment',
    actions: ['create', 'read', 'list', 'complete'],
  });
  const receiving = { url: payee.resourceServer, accessToken: incomingGrant.access_token.value };
  const incomingPayment = await client.incomingPayment.create(receiving, {
    walletAddress: payee.id,
    incomingAmount: { value: '1234', assetCode: payee.assetCode, assetScale: payee.assetScale },
    metadata: { order: 'A-17', nested: { list: [1, 'ü'] } },
  });
  assert.equal(incomingPayment.methods[0]?.type, 'ilp');

  // Quote
  const quoteGrant = await requestToken(client, payer.authServer, { type: 'quote', actions: ['create', 'read'] });
  const quoting = { url: payer.resourceServer, accessToken: quoteGrant.access_token.value };
  const quote = await client.quote.create(quoting, {
    walletAddress: payer.id,
    receiver: incomingPayment.id,
    method: 'ilp',
  });
  assert.deepEqual(quote.receiveAmount, incomingPayment.incomingAmount);
  assert.equal(quote.debitAmount.assetCode, payer.assetCode);
  assert.deepEqual(await client.quote.get({ url: quote.id, accessToken: quoting.accessToken }), quote);

  // Interactive grant, consent, hash, continuation
  const outgoingGrant = await askConsent(client, payer.authServer, {
    type: 'outgoing-payment',
    actions: ['create', 'read', 'list'],
    identifier: payer.id,
    limits: { debitAmount: quote.debitAmount },
  });
  const paying = { url: payer.resourceServer, accessToken: outgoingGrant.access_token.value };
  const unspent = await client.outgoingPayment.getGrantSpentAmounts(paying);
  assert.deepEqual(unspent, { spentDebitAmount: null, spentReceiveAmount: null });

  // Outgoing payment and settlement
  const payment = await client.outgoingPayment.create(paying, {
    walletAddress: payer.id,
    quoteId: quote.id,
    metadata: { invoice: 17 },
  });
  assert.equal(payment.failed, false);
  assert.deepEqual(payment.grantSpentDebitAmount, quote.debitAmount);
  assert.deepEqual(payment.grantSpentReceiveAmount, quote.receiveAmount);
  const received = await waitUntil(
    () => client.incomingPayment.get({ url: incomingPayment.id, accessToken: receiving.accessToken }),
    ({ completed }) => completed,
  );
  assert.deepEqual(received.receivedAmount, quote.receiveAmount);
  assert.deepEqual(received.metadata, { order: 'A-17', nested: { list: [1, 'ü'] } });
  const sent = await waitUntil(
    () => client.outgoingPayment.get({ url: payment.id, accessToken: paying.accessToken }),
    ({ sentAmount, debitAmount }) => sentAmount.value === debitAmount.value,
  );
  assert.equal(sent.failed, false);
  const publicView = await client.incomingPayment.getPublic({ url: incomingPayment.id });
  assert.deepEqual(publicView, { receivedAmount: quote.receiveAmount, authServer: payee.authServer });

  // Lists
  const incomingList = await client.incomingPayment.list({ ...receiving, walletAddress: payee.id }, firstTen);
  assert.equal(incomingList.result[0]?.id, incomingPayment.id);
  const outgoingList = await client.outgoingPayment.list({ ...paying, walletAddress: payer.id }, firstTen);
  assert.deepEqual(outgoingList.result[0], sent);

  // Spent amounts; a second payment would pass the limit
  assert.deepEqual(await client.outgoingPayment.getGrantSpentAmounts(paying), {
    spentDebitAmount: quote.debitAmount,
    spentReceiveAmount: quote.receiveAmount,
  });
  const open = await client.incomingPayment.create(receiving, { walletAddress: payee.id });
  await assert.rejects(
    client.outgoingPayment.create(paying, {
      walletAddress: payer.id,
      incomingPayment: open.id,
      debitAmount: { ...quote.debitAmount, value: '100' },
    }),
    { status: 403 },
  );

  // From an incoming payment and a debit amount, into a payment that its owner completes
  const directGrant = await askConsent(client, payer.authServer, {
    type: 'outgoing-payment',
    actions: ['create', 'read'],
    identifier: payer.id,
  });
  const direct = await client.outgoingPayment.create(
    { url: payer.resourceServer, accessToken: directGrant.access_token.value },
    { walletAddress: payer.id, incomingPayment: open.id, debitAmount: { ...quote.debitAmount, value: '500' } },
  );
  await waitUntil(
    () => client.incomingPayment.get({ url: open.id, accessToken: receiving.accessToken }),
    ({ receivedAmount }) => receivedAmount.value === direct.receiveAmount.value,
  );
  const completed = await client.incomingPayment.complete({ url: open.id, accessToken: receiving.accessToken });
  assert.equal(completed.completed, true);

  // Rotate, revoke, cancel
  const rotated = await client.token.rotate({
    url: outgoingGrant.access_token.manage,
    accessToken: paying.accessToken,
  });
  assert.notEqual(rotated.access_token.value, paying.accessToken);
  await assert.rejects(client.outgoingPayment.get({ url: payment.id, accessToken: paying.accessToken }), {
    status: 401,
  });
  const withNewToken = { url: payment.id, accessToken: rotated.access_token.value };
  assert.deepEqual(await client.outgoingPayment.get(withNewToken), sent);
  await client.token.revoke({ url: rotated.access_token.manage, accessToken: rotated.access_token.value });
  await assert.rejects(client.outgoingPayment.get(withNewToken), { status: 401 });
  await client.grant.cancel({ url: directGrant.continue.uri, accessToken: directGrant.continue.access_token.value });
  await assert.rejects(client.outgoingPayment.get({ url: direct.id, accessToken: directGrant.access_token.value }), {
    status: 401,
  });
}

/** The client's type asks for the wallet address here too, which the client then sets itself. */
const firstTen = { first: 10 } as PaginationArgs;

type AccessItem = NonNullable<GrantRequest['access_token']>['access'][number];

async function requestToken(client: AuthenticatedClient, url: string, item: AccessItem): Promise<GrantWithAccessToken> {
  const grant = await client.grant.request({ url }, { access_token: { access: [item] } });
  assert.ok(!isPendingGrant(grant) && isFinalizedGrantWithAccessToken(grant));
  return grant;
}

/** Requests a grant, lets the world's policy consent, checks the finish hash (RFC 9635 §4.2.3) and continues. */
async function askConsent(
  client: AuthenticatedClient,
  authServer: string,
  item: AccessItem,
): Promise<GrantWithAccessToken> {
  const nonce = randomUUID();
  const finishUri = 'http://localhost:1/finish?session=7';
  const pending = await client.grant.request(
    { url: authServer },
    {
      access_token: { access: [item] },
      interact: { start: ['redirect'], finish: { method: 'redirect', uri: finishUri, nonce } },
    },
  );
  assert.ok(isPendingGrant(pending));
  const redirect = await fetch(pending.interact.redirect, { redirect: 'manual' });
  const location = new URL(redirect.headers.get('location')!);
  assert.equal(location.searchParams.get('session'), '7');
  const reference = location.searchParams.get('interact_ref')!;
  const base = [nonce, pending.interact.finish, reference, authServer].join('\n');
  assert.equal(location.searchParams.get('hash'), createHash('sha256').update(base).digest('base64'));
  const grant = await client.grant.continue(
    { url: pending.continue.uri, accessToken: pending.continue.access_token.value },
    { interact_ref: reference },
  );
  assert.ok(isFinalizedGrantWithAccessToken(grant));
  return grant;
}

/** Asks until the answer satisfies; the bound is for a test that fails, as settlement takes some ten milliseconds. */
async function waitUntil<T>(ask: () => Promise<T>, satisfies: (answer: T) => boolean): Promise<T> {
  for (const until = Date.now() + 60_000; Date.now() < until; ) {
    const answer = await ask();
    if (satisfies(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('it is not settled within 60 s');
}
