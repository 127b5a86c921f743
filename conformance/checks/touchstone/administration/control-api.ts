/** Administration over Touchstone's control API: wallet addresses, keys, assets, fees and prices. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Check, CheckContext } from '../../../runner/check.ts';
import { expectResourceError, expectStatus } from '../../../steps/expect.ts';
import {
  amountOf,
  createIncomingPayment,
  createQuote,
  incomingToken,
  postGrant,
  quoteAccess,
  requestToken,
} from '../../../steps/scenarios.ts';
import type { Json } from '../../../steps/signed-client.ts';

/** Path of the sender's ASE in the control API. */
async function senderAse({ control, sender }: CheckContext): Promise<string> {
  const { ases } = (await control.request('GET', '/')).body;
  const ase = ases.find(({ resourceServer }: Json) => resourceServer === sender.resourceServer);
  assert.ok(ase, 'the control API knows the ASE of the sender');
  return `/ases/${ase.name}`;
}

interface NewWallet {
  /** Path of the ASE in the control API. */
  readonly ase: string;
  readonly path: string;
  readonly url: string;
}

/** Creates a wallet address at the sender's ASE, in the sender's asset. */
async function openWallet(context: CheckContext): Promise<NewWallet> {
  const { control, sender } = context;
  const ase = await senderAse(context);
  const account = `check-${randomUUID()}`;
  const { assetCode, assetScale } = sender;
  assert.equal((await control.request('POST', `${ase}/accounts`, { id: account, assetCode, assetScale })).status, 201);
  const url = `${new URL(sender.url).origin}/${account}`;
  const created = await control.request('POST', `${ase}/wallet-addresses`, { url, account, publicName: 'Check' });
  assert.equal(created.status, 201, JSON.stringify(created.body));
  return { ase, path: `${ase}/wallet-addresses/${created.body.id}`, url: created.body.url };
}

const getDocument = (context: CheckContext, url: string) =>
  context.call({ operation: 'get-wallet-address', url, sign: false });
const getKeys = (context: CheckContext, url: string) =>
  context.call({ operation: 'get-wallet-address-keys', url: `${url}/jwks.json`, sign: false });

/** Repeats the request until the expected answer, for as long as a key may be cached. */
async function eventually<T>(ask: () => Promise<T>, isAwaited: (answer: T) => boolean, limitMs = 60_000): Promise<T> {
  for (const end = Date.now() + limitMs; ; ) {
    const answer = await ask();
    if (isAwaited(answer) || Date.now() > end) return answer;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

export const checks: readonly Check[] = [
  {
    id: 'administration.disabled',
    rows: ['WA-12', 'WA-13', 'WA-33', 'WA-39', 'WA-43'],
    title: 'a disabled wallet address looks unknown and shows no payments until it is enabled again',
    run: async (context) => {
      const { control, sender } = context;
      const wallet = await openWallet(context);
      const item = { type: 'incoming-payment', actions: ['create', 'read', 'list', 'complete'] };
      const token = (await requestToken(context, sender, [item])).access_token.value;
      const collection = `${sender.resourceServer}/incoming-payments`;
      const create = () =>
        context.call({
          operation: 'create-incoming-payment',
          url: collection,
          json: { walletAddress: wallet.url },
          token,
        });
      const read = (url: string, method = 'GET') =>
        context.call({ operation: 'get-incoming-payment', method, url, token });
      const payment = expectStatus(await create(), 201).body;

      assert.equal((await control.request('PATCH', wallet.path, { active: false })).status, 200);
      const gone = expectStatus(await getDocument(context, wallet.url), 404);
      const unknown = expectStatus(await getDocument(context, `${wallet.url}-unknown`), 404);
      assert.equal(gone.text, unknown.text, 'disabled and unknown look alike');
      expectStatus(await getKeys(context, wallet.url), 404);
      expectResourceError(await create(), 400);
      expectResourceError(await read(payment.id), 400);
      const list = `${collection}?wallet-address=${encodeURIComponent(wallet.url)}`;
      expectResourceError(await context.call({ operation: 'list-incoming-payments', url: list, token }), 400);

      assert.equal((await control.request('PATCH', wallet.path, { active: true })).status, 200);
      expectStatus(await getDocument(context, wallet.url), 200);
      const { body } = expectStatus(await read(payment.id), 200);
      assert.ok(Date.parse(body.expiresAt) < Date.parse(payment.expiresAt), 'the open payment closes earlier');
    },
  },
  {
    id: 'administration.keys',
    rows: ['WA-29', 'WA-31', 'WA-34', 'WA-35', 'SIG-24'],
    title: 'a registered key is accepted, once for each kid and without private members; a revoked one is not',
    run: async (context) => {
      const { control } = context;
      const wallet = await openWallet(context);
      const identity = context.newIdentity(`key-${randomUUID()}`);
      const ask = () =>
        postGrant(
          context,
          context.sender,
          { access_token: { access: [quoteAccess()] } },
          { client: wallet.url, identity },
        );
      const register = async (jwk: Json) => (await control.request('POST', `${wallet.path}/keys`, jwk)).status;
      const published = async () => expectStatus(await getKeys(context, wallet.url), 200).body.keys;

      assert.equal(await register(identity.jwk), 201);
      expectStatus(await ask(), 200);
      assert.ok([400, 409].includes(await register(context.newIdentity(identity.keyId).jwk)), 'kid is taken');
      for (const change of [{ alg: 'ES256' }, { kty: 'EC' }, { crv: 'X25519' }, { x: `${'A'.repeat(43)}=` }]) {
        assert.equal(await register({ ...context.newIdentity('other').jwk, ...change }), 400, JSON.stringify(change));
      }
      await register({ ...context.newIdentity('private').jwk, d: 'A'.repeat(43) });
      for (const key of await published()) assert.ok(!('d' in key), 'a private member is never published');

      const path = `${wallet.path}/keys/${encodeURIComponent(identity.keyId)}`;
      assert.equal((await control.request('DELETE', path)).status, 204);
      assert.ok(!(await published()).some(({ kid }: Json) => kid === identity.keyId), 'the key set is in step');
      expectStatus(await eventually(ask, ({ status }) => status !== 200), 400, 401);
    },
  },
  {
    id: 'administration.wallet-address-form',
    rows: ['WA-19', 'WA-21', 'WA-23'],
    title: 'a wallet address with user information, query or fragment, at another origin, or at an endpoint is refused',
    run: async (context) => {
      const { control, sender } = context;
      const { ase, url: valid } = await openWallet(context);
      expectStatus(await getDocument(context, valid), 200);
      const { protocol, host, origin } = new URL(sender.url);
      const { accounts } = (await control.request('GET', `${ase}/accounts`)).body;
      const account = accounts[0].id;
      const refused = async (url: string) =>
        assert.equal((await control.request('POST', `${ase}/wallet-addresses`, { url, account })).status, 400, url);
      const name = `check-${randomUUID()}`;
      for (const url of [
        `${protocol}//user@${host}/${name}`,
        `${protocol}//user:password@${host}/${name}`,
        `${origin}/${name}?query`,
        `${origin}/${name}#fragment`,
        `${origin}/${name}-é`,
        `${protocol}//elsewhere.example/${name}`,
        `ftp://${host}/${name}`,
        `$user@${host}/${name}`,
      ]) {
        await refused(url);
      }
      const segments = [
        'incoming-payments',
        'outgoing-payments',
        'quotes',
        'jwks.json',
        'did.json',
        'continue',
        'token',
      ];
      for (const segment of [...segments, 'interact']) await refused(`${origin}/${segment}`);
      expectStatus(await getDocument(context, `${origin}/${name}`), 404);
      // Only whole segments match.
      const longer = `${origin}/quotes-${name}`;
      assert.equal((await control.request('POST', `${ase}/wallet-addresses`, { url: longer, account })).status, 201);
      expectStatus(await getDocument(context, longer), 200);
    },
  },
  {
    id: 'administration.wallet-address-did',
    rows: ['WA-37'],
    title: 'wallet addresses that differ in one delimiter have different, valid DIDs',
    run: async (context) => {
      const { control, sender } = context;
      const { ase, url: base } = await openWallet(context);
      const account = (await control.request('GET', `${ase}/accounts`)).body.accounts[0].id;
      const prefix = `did:web:${new URL(sender.url).host.replace(':', '%3A')}:${new URL(base).pathname.slice(1)}`;
      for (const [rest, encoded] of [
        ['/b', ':b'],
        [':b', '%3Ab'],
        ["!$&'()*+,;=@~", '%21%24%26%27%28%29%2A%2B%2C%3B%3D%40%7E'],
      ] as const) {
        const url = base + rest;
        assert.equal((await control.request('POST', `${ase}/wallet-addresses`, { url, account })).status, 201, url);
        const operation = 'get-wallet-address-did-document';
        const { body } = expectStatus(await context.call({ operation, url: `${url}/did.json`, sign: false }), 200);
        assert.equal(body.id, prefix + encoded);
      }
    },
  },
  {
    id: 'administration.asset',
    rows: ['WA-44', 'RS-IP-06'],
    title: 'the asset of a wallet address cannot change once it has a payment',
    run: async (context) => {
      const { control, sender } = context;
      const wallet = await openWallet(context);
      const other = `check-${randomUUID()}`;
      await control.request('POST', `${wallet.ase}/accounts`, { id: other, assetCode: 'XTS', assetScale: 7 });
      const item = { type: 'incoming-payment', actions: ['create', 'read'] };
      const token = (await requestToken(context, sender, [item])).access_token.value;
      const url = `${sender.resourceServer}/incoming-payments`;
      const json = { walletAddress: wallet.url };
      expectStatus(await context.call({ operation: 'create-incoming-payment', url, json, token }), 201);
      assert.equal((await control.request('PATCH', wallet.path, { account: other })).status, 409);
      assert.equal((await getDocument(context, wallet.url)).body.assetCode, sender.assetCode);
    },
  },
  {
    id: 'administration.fees-and-prices',
    rows: ['SET-10', 'SET-11'],
    title: 'a changed price or fee applies to the next quote, equal inputs give equal quotes; invalid ones are refused',
    run: async (context) => {
      const { control, sender, receiver } = context;
      const ase = await senderAse(context);
      const feePath = `${ase}/fees/${sender.assetCode}/${sender.assetScale}`;
      const { prices } = (await control.request('GET', `${ase}/prices`)).body;
      const { fees } = (await control.request('GET', `${ase}/fees`)).body;
      const fee = fees.find(
        ({ assetCode, assetScale }: Json) => assetCode === sender.assetCode && assetScale === sender.assetScale,
      ) ?? { basisPoints: 0, fixed: '0' };
      await incomingToken(context);
      const { id } = await createIncomingPayment(context);
      const quoted = async () =>
        (await createQuote(context, id, { debitAmount: amountOf(sender, '100000') })).receiveAmount.value;
      const set = async (path: string, value: Json, status = 200) =>
        assert.equal((await control.request('PUT', path, value)).status, status, JSON.stringify(value));
      try {
        const before = BigInt(await quoted());
        assert.equal(BigInt(await quoted()), before, 'equal inputs, equal quotes');
        const other = prices[receiver.assetCode] === '2' ? '3' : '2';
        await set(`${ase}/prices`, { prices: { ...prices, [receiver.assetCode]: other } });
        assert.notEqual(BigInt(await quoted()), before, 'the new price');
        await set(`${ase}/prices`, { prices });
        await set(feePath, { basisPoints: 5000, fixed: '0' });
        assert.ok(BigInt(await quoted()) <= before / 2n + 1n, 'half of it is the fee');
      } finally {
        await set(`${ase}/prices`, { prices });
        await set(feePath, { basisPoints: fee.basisPoints, fixed: fee.fixed });
      }
      for (const [basisPoints, fixed] of [
        [10_000, '0'],
        [-1, '0'],
        [0, '-1'],
      ]) {
        await set(feePath, { basisPoints, fixed }, 400);
      }
    },
  },
];
