/** Pays from a wallet at one ASE to a wallet at another with the official client, @interledger/open-payments. */
import { setTimeout as pause } from 'node:timers/promises';
import { createAuthenticatedClient } from '@interledger/open-payments';
import { askConsent } from './consent.mjs';

if (process.argv[1] === import.meta.filename) {
  const { quote, payment, received } = await pay('500');
  console.log(`quoted    ${quote.debitAmount.value} ${quote.debitAmount.assetCode}`);
  console.log(`sent      ${payment.sentAmount.value} ${payment.sentAmount.assetCode}`);
  console.log(`received  ${received.receivedAmount.value} ${received.receivedAmount.assetCode}`);
}

/** `value` is what the receiver asks for, in minor units of its asset. */
export async function pay(value) {
  const client = await createAuthenticatedClient({
    walletAddressUrl: process.env.TOUCHSTONE_CLIENT,
    keyId: process.env.TOUCHSTONE_KEY_ID,
    privateKey: process.env.TOUCHSTONE_PRIVATE_KEY_FILE,
    useHttp: process.env.TOUCHSTONE_WALLET_ADDRESS.startsWith('http:'),
    logLevel: 'silent',
  });

  // The payer, the payee and the servers of each.
  const sender = await client.walletAddress.get({ url: process.env.TOUCHSTONE_WALLET_ADDRESS });
  const receiver = await client.walletAddress.get({ url: process.env.TOUCHSTONE_RECEIVER });

  // The payee requests the money. This and the quote need no consent, so the token is issued at once.
  const requestToken = async (url, access) => {
    const grant = await client.grant.request({ url }, { access_token: { access: [access] } });
    return grant.access_token.value;
  };
  const incomingToken = await requestToken(receiver.authServer, {
    type: 'incoming-payment',
    actions: ['create', 'read'],
  });
  const incomingPayment = await client.incomingPayment.create(
    { url: receiver.resourceServer, accessToken: incomingToken },
    {
      walletAddress: receiver.id,
      incomingAmount: { value, assetCode: receiver.assetCode, assetScale: receiver.assetScale },
    },
  );
  const quoteToken = await requestToken(sender.authServer, { type: 'quote', actions: ['create'] });
  const quote = await client.quote.create(
    { url: sender.resourceServer, accessToken: quoteToken },
    { walletAddress: sender.id, receiver: incomingPayment.id, method: 'ilp' },
  );

  // The owner of the sending wallet consents to exactly this amount.
  const limits = { debitAmount: quote.debitAmount };
  const grant = await askConsent(client, sender.authServer, [
    { type: 'outgoing-payment', actions: ['create', 'read'], identifier: sender.id, limits },
  ]);

  // Pay, and wait for the money to arrive.
  const { value: payingToken, manage } = grant.access_token;
  const { id } = await client.outgoingPayment.create(
    { url: sender.resourceServer, accessToken: payingToken },
    { walletAddress: sender.id, quoteId: quote.id },
  );
  const read = () => client.incomingPayment.get({ url: incomingPayment.id, accessToken: incomingToken });
  let received = await read();
  for (let tries = 0; !received.completed && tries < 100; tries += 1) {
    await pause(100);
    received = await read();
  }
  if (!received.completed) throw new Error('the money did not arrive');

  // A rotated token replaces the one before it.
  const rotated = await client.token.rotate({ url: manage, accessToken: payingToken });
  const accessToken = rotated.access_token.value;
  return { quote, payment: await client.outgoingPayment.get({ url: id, accessToken }), received };
}
