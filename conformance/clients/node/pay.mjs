// A payment with the official client, @interledger/open-payments, from a wallet at one ASE to a wallet at another.
import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { createAuthenticatedClient } from '@interledger/open-payments';

const client = await createAuthenticatedClient({
  walletAddressUrl: process.env.TOUCHSTONE_CLIENT,
  keyId: process.env.TOUCHSTONE_KEY_ID,
  privateKey: process.env.TOUCHSTONE_PRIVATE_KEY_FILE,
  useHttp: process.env.TOUCHSTONE_WALLET_ADDRESS.startsWith('http:'),
  logLevel: 'silent',
});

// Who pays whom, and where each of them is served.
const sender = await client.walletAddress.get({ url: process.env.TOUCHSTONE_WALLET_ADDRESS });
const receiver = await client.walletAddress.get({ url: process.env.TOUCHSTONE_RECEIVER });

// The receiver asks for 5.00. This and the quote need nobody's consent: the token comes at once.
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
    incomingAmount: { value: '500', assetCode: receiver.assetCode, assetScale: receiver.assetScale },
  },
);
const quoteToken = await requestToken(sender.authServer, { type: 'quote', actions: ['create'] });
const quote = await client.quote.create(
  { url: sender.resourceServer, accessToken: quoteToken },
  { walletAddress: sender.id, receiver: incomingPayment.id, method: 'ilp' },
);

// The owner of the sending wallet consents to exactly this amount.
const finish = { method: 'redirect', uri: 'http://127.0.0.1:1/finish', nonce: randomUUID() };
const limits = { debitAmount: quote.debitAmount };
const access = [{ type: 'outgoing-payment', actions: ['create', 'read'], identifier: sender.id, limits }];
const pending = await client.grant.request(
  { url: sender.authServer },
  { access_token: { access }, interact: { start: ['redirect'], finish } },
);
const returned = await followRedirects(pending.interact.redirect);

// Only the authorization server that was asked can know this hash (RFC 9635 §4.2.3).
const reference = returned.searchParams.get('interact_ref');
const parts = [finish.nonce, pending.interact.finish, reference, sender.authServer];
const hash = createHash('sha256').update(parts.join('\n')).digest('base64');
if (returned.searchParams.get('hash') !== hash) throw new Error('the finish hash is wrong: do not continue');
await pause((pending.continue.wait ?? 0) * 1000);
const grant = await client.grant.continue(
  { url: pending.continue.uri, accessToken: pending.continue.access_token.value },
  { interact_ref: reference },
);

// Pay, and wait for the money to arrive.
const accessToken = grant.access_token.value;
const payment = await client.outgoingPayment.create(
  { url: sender.resourceServer, accessToken },
  { walletAddress: sender.id, quoteId: quote.id },
);
const read = () => client.incomingPayment.get({ url: incomingPayment.id, accessToken: incomingToken });
let received = await read();
for (let tries = 0; !received.completed && tries < 100; tries += 1) {
  await pause(50);
  received = await read();
}
const { sentAmount } = await client.outgoingPayment.get({ url: payment.id, accessToken });
console.log(`quoted    ${quote.debitAmount.value} ${quote.debitAmount.assetCode}`);
console.log(`sent      ${sentAmount.value} ${sentAmount.assetCode}`);
console.log(`received  ${received.receivedAmount.value} ${received.receivedAmount.assetCode}`);
if (!received.completed) throw new Error('the money did not arrive');

/** Scripted consent needs no browser: this follows the redirects and keeps the session cookie. */
async function followRedirects(start) {
  const cookies = new Map();
  for (let url = start; ; ) {
    if (url.startsWith(finish.uri)) return new URL(url);
    const cookie = [...cookies].map((pair) => pair.join('=')).join('; ');
    const answer = await fetch(url, { redirect: 'manual', headers: cookie ? { cookie } : {} });
    for (const line of answer.headers.getSetCookie()) cookies.set(...line.split(';')[0].split(/=(.*)/, 2));
    if (!answer.headers.get('location')) throw new Error(`consent stopped at a page of status ${answer.status}`);
    url = new URL(answer.headers.get('location'), url).href;
  }
}
