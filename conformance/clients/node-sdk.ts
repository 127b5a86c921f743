/**
 * A good client on the official SDK: an application of `@interledger/open-payments` that does what the SDK leaves to its
 * caller. It waits, compares the finish hash, works with what was granted, rotates, and cleans up.
 */
import { createHash, randomBytes } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import {
  type AuthenticatedClient,
  createAuthenticatedClient,
  isPendingGrant,
  OpenPaymentsClientError,
  type PendingGrant,
} from '@interledger/open-payments';
import { type Callback, startOwnServer } from './own-server.ts';

const environment = (name: string): string => {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
};
type Access = Parameters<AuthenticatedClient['grant']['request']>[1]['access_token'];
type Rights = NonNullable<Access>['access'];
type Grant = { access_token: { value: string; manage: string }; continue: PendingGrant['continue'] };

/** Seconds between polls if the server does not say (RFC 9635 §5). */
const DEFAULT_WAIT = 5;
const MAX_READS = 100;
/** The browser has followed the redirects when this wait begins. */
const CALLBACK_MS = 1000;

const address = environment('TOUCHSTONE_WALLET_ADDRESS');
const sdk = await createAuthenticatedClient({
  walletAddressUrl: environment('TOUCHSTONE_CLIENT'),
  keyId: environment('TOUCHSTONE_KEY_ID'),
  privateKey: environment('TOUCHSTONE_PRIVATE_KEY_FILE'),
  useHttp: address.startsWith('http:'),
  logLevel: 'silent',
});
const client: AuthenticatedClient = {
  ...sdk,
  walletAddress: reporting(sdk.walletAddress),
  grant: reporting(sdk.grant),
  token: reporting(sdk.token),
  incomingPayment: reporting(sdk.incomingPayment),
  quote: reporting(sdk.quote),
  outgoingPayment: reporting(sdk.outgoingPayment),
};
const callbacks = await startOwnServer();
try {
  await pay();
} finally {
  await callbacks.close();
}

/** Writes to the outcome file which calls succeed, and which end with an error of the SDK (docs/grade.md). */
function reporting<Calls extends object>(calls: Calls): Calls {
  const file = process.env['TOUCHSTONE_OUTCOME'];
  const report = (outcome: object) => file !== undefined && appendFileSync(file, `${JSON.stringify(outcome)}\n`);
  const wrap =
    (call: (...args: unknown[]) => Promise<unknown>) =>
    async (...args: unknown[]) => {
      try {
        const result = await call(...args);
        report({ outcome: 'success' });
        return result;
      } catch (error) {
        if (error instanceof OpenPaymentsClientError) report({ outcome: 'error', status: error.status });
        throw error;
      }
    };
  return Object.fromEntries(Object.entries(calls).map(([name, call]) => [name, wrap(call)])) as Calls;
}

async function pay(): Promise<void> {
  const sender = await client.walletAddress.get({ url: address });
  const receiver = await client.walletAddress.get({ url: environment('TOUCHSTONE_RECEIVER') });

  const incomingGrant = await request(receiver.authServer, [
    { type: 'incoming-payment', actions: ['create', 'read', 'list', 'complete'] },
  ]);
  const at = { url: receiver.resourceServer, accessToken: incomingGrant.token.value };
  const incoming = await client.incomingPayment.create(at, {
    walletAddress: receiver.id,
    incomingAmount: { value: '500', assetCode: receiver.assetCode, assetScale: receiver.assetScale },
  });
  const quoteGrant = await request(sender.authServer, [{ type: 'quote', actions: ['create', 'read'] }]);
  const quote = await client.quote.create(
    { url: sender.resourceServer, accessToken: quoteGrant.token.value },
    { walletAddress: sender.id, receiver: incoming.id, method: 'ilp' },
  );

  const grant = await askConsent(sender.authServer, [
    {
      type: 'outgoing-payment',
      actions: ['create', 'read', 'list'],
      identifier: sender.id,
      limits: { debitAmount: quote.debitAmount },
    },
  ]);
  let { value: accessToken, manage } = grant.token;
  const payment = await client.outgoingPayment.create(
    { url: sender.resourceServer, accessToken },
    { walletAddress: sender.id, quoteId: quote.id },
  );
  for (let reads = 0; ; reads += 1) {
    const { completed } = await client.incomingPayment.get({ url: incoming.id, accessToken: at.accessToken });
    if (completed) break;
    if (reads === MAX_READS) throw new Error('the money did not arrive');
    await pause(100);
  }
  ({ value: accessToken, manage } = (await client.token.rotate({ url: manage, accessToken })).access_token);
  const { failed } = await client.outgoingPayment.get({ url: payment.id, accessToken });
  if (failed) throw new Error('the payment failed');
  await client.outgoingPayment.list(
    { url: sender.resourceServer, walletAddress: sender.id, accessToken },
    { 'wallet-address': sender.id, first: 10 },
  );

  await client.token.revoke({ url: manage, accessToken });
  for (const { token } of [incomingGrant, quoteGrant]) {
    await client.token.revoke({ url: token.manage, accessToken: token.value });
  }
  for (const { next } of [incomingGrant, quoteGrant, grant]) {
    await client.grant.cancel({ url: next.uri, accessToken: next.access_token.value });
  }
}

async function request(authServer: string, access: Rights) {
  const grant = await client.grant.request({ url: authServer }, { access_token: { access } });
  if (isPendingGrant(grant)) throw new Error('the server asks for an interaction');
  return finished(grant);
}

/** The token of a grant, and what continues the grant. Throws if it is still pending. */
function finished(grant: object) {
  const { access_token: token, continue: next } = grant as Partial<Grant>;
  if (token === undefined || next === undefined) throw new Error('the grant is still pending');
  return { token, next };
}

async function askConsent(authServer: string, access: Rights) {
  const callback = callbacks.openCallback();
  const finish = { method: 'redirect' as const, uri: callback.uri, nonce: randomBytes(16).toString('base64url') };
  const pending = await client.grant.request(
    { url: authServer },
    { access_token: { access }, interact: { start: ['redirect'], finish } },
  );
  const received = Date.now();
  if (!isPendingGrant(pending)) throw new Error('the server asks for no interaction');
  await visit(pending.interact.redirect);
  const reference = await findReference(callback, [finish.nonce, pending.interact.finish], authServer);
  const { uri, access_token: token, wait = DEFAULT_WAIT } = pending.continue;
  await pause(Math.max(0, received + wait * 1000 - Date.now()));
  const grant = await client.grant.continue({ url: uri, accessToken: token.value }, { interact_ref: reference });
  return finished(grant);
}

/** The reference of the first callback whose hash is right (RFC 9635 §4.2.3). Others are not about this grant. */
async function findReference(callback: Callback, nonces: string[], authServer: string): Promise<string> {
  for (;;) {
    const query = await callback.next(CALLBACK_MS);
    const reference = query.get('interact_ref') ?? '';
    const digest = createHash('sha256')
      .update([...nonces, reference, authServer].join('\n'))
      .digest();
    const hashes = [digest.toString('base64'), digest.toString('base64url')];
    if (!hashes.includes(query.get('hash') ?? '')) continue;
    callback.close();
    return reference;
  }
}

/** The browser of the owner, which consents automatically. */
async function visit(start: string): Promise<void> {
  const cookies = new Map<string, string>();
  let url: string | undefined = start;
  for (let hop = 0; url !== undefined && hop < 10; hop += 1) {
    const cookie = [...cookies].map((pair) => pair.join('=')).join('; ');
    const answer: Response = await fetch(url, { redirect: 'manual', headers: cookie ? { cookie } : {} });
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=;\s]+)=([^;]*)/.exec(line) ?? [];
      if (name !== undefined) cookies.set(name, value!);
    }
    const location = answer.headers.get('location');
    url = location === null ? undefined : new URL(location, url).href;
  }
}
