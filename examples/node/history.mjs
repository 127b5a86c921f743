/**
 * Transaction history with the official client, @interledger/open-payments: a bookkeeping application reads the payments
 * of other clients page by page, with the consent of the wallet's owner.
 */
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createAuthenticatedClient } from '@interledger/open-payments';
import { askConsent } from './consent.mjs';
import { pay } from './pay.mjs';

const { TOUCHSTONE_WALLET_ADDRESS: wallet, TOUCHSTONE_CONTROL: control, TOUCHSTONE_CONTROL_TOKEN: token } = process.env;

// Some history: the shop's client makes three payments.
for (const value of ['500', '20', '3']) await pay(value);

// Another application, with its own wallet address and key.
const application = await registerApplication('Bookkeeper');
const client = await createAuthenticatedClient({
  ...application,
  useHttp: wallet.startsWith('http:'),
  logLevel: 'silent',
});
const { id, authServer, resourceServer } = await client.walletAddress.get({ url: wallet });
const grant = await askConsent(client, authServer, [
  { type: 'outgoing-payment', actions: ['list-all', 'read-all'], identifier: id },
]);
const accessToken = grant.access_token.value;

// Newest first, two at a time.
let count = 0;
for (let page, cursor; page === undefined || page.pagination.hasNextPage; cursor = page.pagination.endCursor) {
  page = await client.outgoingPayment.list(
    { url: resourceServer, accessToken, walletAddress: id },
    { first: 2, ...(cursor && { cursor }) },
  );
  for (const { id: url } of page.result) {
    const { createdAt, receiver, sentAmount } = await client.outgoingPayment.get({ url, accessToken });
    console.log(`${createdAt}  ${sentAmount.value.padStart(6)} ${sentAmount.assetCode}  ${new URL(receiver).origin}`);
    count += 1;
  }
}
if (count < 3) throw new Error(`${count} payments in the history`);

/** The settings page of an ASE: creates an account, a wallet address and a public key. */
async function registerApplication(publicName) {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const name = publicName.toLowerCase();
  const keyId = randomUUID();
  const url = `${new URL(wallet).origin}/${name}`;
  const post = async (path, body) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const answer = await fetch(control + path, { method: 'POST', headers, body: JSON.stringify(body) });
    if (answer.status !== 201) throw new Error(`POST ${path} answered ${answer.status}: ${await answer.text()}`);
    return answer.json();
  };
  const state = await (await fetch(control, { headers: { authorization: `Bearer ${token}` } })).json();
  const ase = `/ases/${state.ases.find(({ origin }) => wallet.startsWith(`${origin}/`)).name}`;
  await post(`${ase}/accounts`, { id: name, assetCode: 'USD', assetScale: 2 });
  const address = await post(`${ase}/wallet-addresses`, { url, account: name, publicName });
  const { x } = publicKey.export({ format: 'jwk' });
  const jwk = { kid: keyId, alg: 'EdDSA', kty: 'OKP', crv: 'Ed25519', x };
  await post(`${ase}/wallet-addresses/${address.id}/keys`, jwk);
  return { walletAddressUrl: url, keyId, privateKey };
}
