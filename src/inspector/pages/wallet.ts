/** One wallet address: its account, and the keys that it publishes, which can be added, made and revoked here. */
import { generateKeyPairSync } from 'node:crypto';
import type { components } from '../../../generated/control/types.ts';
import { Problem } from '../../errors.ts';
import { type Html, html } from '../../html/html.ts';
import { shown } from '../../report/html/pieces.ts';
import { actionButton, facts, field, form, money, pill, section, submit, table, time } from '../pieces.ts';
import { LIVE_MS, type PageContext, type Route } from '../route.ts';

type Key = components['schemas']['key'];

const MAX_KEYS = 200;
const keyColumns = [{ name: 'Key id' }, { name: 'Public key', isText: true }, { name: 'Revoke' }];

const pathOf = ({ params }: PageContext): string => `/wallets/${params['ase']}/${params['wallet']}`;

const keyRow = (context: PageContext) => (key: Key, index: number) => ({
  id: String(index),
  cells: [
    html`<code>${shown(key.kid, 200)}</code>`,
    html`<span class="mono">${shown(key.x, 50)}</span>`,
    actionButton(context, `${pathOf(context)}/revoke`, 'Revoke', {
      kind: 'danger',
      about: `key ${shown(key.kid, 60)}`,
      values: { kid: key.kid },
    }),
  ],
});

async function findWallet({ world, params }: PageContext) {
  const { walletAddresses } = await world.api('list-wallet-addresses', { params: { ase: params['ase']! } });
  const wallet = walletAddresses.find(({ id }) => id === params['wallet']);
  if (!wallet) throw new Problem('not_found', { description: 'The wallet address is unknown.' });
  const { accounts } = await world.api('list-accounts', { params: { ase: params['ase']! } });
  return { ...wallet, balance: accounts.find(({ id }) => id === wallet.account)?.balance ?? '0' };
}

function renderForms(context: PageContext, account: string): Html {
  const path = pathOf(context);
  return html`<section><h2>Add a key</h2>
<h3>One of yours</h3>
${form(context, `${path}/keys`, [
  field('key', 'jwk', 'Public key as a JWK', {
    type: 'textarea',
    isRequired: true,
    isWide: true,
    hint: 'A JSON object with kid, alg, kty, crv and x.',
  }),
  submit('Add the key'),
])}
<h3>A new one</h3>
${form(context, `${path}/new-key`, [
  field('new', 'kid', 'Key id', { isRequired: true, hint: 'The private key is shown once and not kept.' }),
  submit('Make a key pair'),
])}
</section>
<section><h2>Money</h2>
${form(context, `${path}/deposit`, [
  html`<input type="hidden" name="account" value="${account}">`,
  field('deposit', 'amount', 'Deposit in minor units', { isRequired: true }),
  field('deposit', 'id', 'Id of the deposit', { isRequired: true, hint: 'The same id is booked once.' }),
  submit('Deposit'),
])}
</section>`;
}

const ids = (params: PageContext['params']) => ({ ase: params['ase']!, walletAddress: params['wallet']! });

export const walletRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/wallets/:ase/:wallet',
    async serve(context) {
      const { world, params } = context;
      const wallet = await findWallet(context);
      const { keys } = await world.api('list-wallet-address-keys', { params: ids(params) });
      const state = wallet.active
        ? actionButton(context, `${pathOf(context)}/disable`, 'Disable', { kind: 'danger' })
        : actionButton(context, `${pathOf(context)}/enable`, 'Enable');
      return {
        title: shown(wallet.publicName ?? wallet.url, 100),
        every: LIVE_MS,
        content: html`${section(
          'wallet',
          'Wallet address',
          facts([
            ['URL', shown(wallet.url, 300)],
            ['State', html`${wallet.active ? pill('active') : pill('disabled', 'fail')}`],
            ['Balance', money(wallet.balance, wallet.assetCode, wallet.assetScale)],
            ['Account', shown(wallet.account, 100)],
            ['Created', time(wallet.createdAt)],
          ]),
          true,
        )}
<section aria-label="State">${state}</section>
${section('keys', 'Keys', table('key', 'Keys', keyColumns, keys.slice(0, MAX_KEYS).map(keyRow(context))))}
${renderForms(context, wallet.account)}`,
      };
    },
  },
  {
    method: 'POST',
    path: '/wallets/:ase/:wallet/keys',
    async serve(context, { jwk = '' }) {
      await context.world.api('register-wallet-address-key', { params: ids(context.params), body: parseJwk(jwk) });
      return { to: pathOf(context), notice: 'The key is published.' };
    },
  },
  {
    method: 'POST',
    path: '/wallets/:ase/:wallet/new-key',
    async serve(context, { kid = '' }) {
      const { publicKey, privateKey } = generateKeyPairSync('ed25519');
      const { x = '' } = publicKey.export({ format: 'jwk' });
      const key: Key = { kid, alg: 'EdDSA', kty: 'OKP', crv: 'Ed25519', use: 'sig', x };
      await context.world.api('register-wallet-address-key', { params: ids(context.params), body: key });
      const pem = String(privateKey.export({ format: 'pem', type: 'pkcs8' }))
        .trim()
        .split('\n');
      return {
        title: 'New key',
        content: html`<section><p>The key <code>${shown(kid, 200)}</code> is published. This is its private key. It is not kept, so save it now.</p>
<pre data-copy="Copy the private key"><code>${pem}</code></pre><p><a href="${context.base}${pathOf(context)}">Back to the wallet</a></p></section>`,
      };
    },
  },
  {
    method: 'POST',
    path: '/wallets/:ase/:wallet/revoke',
    async serve(context, { kid = '' }) {
      await context.world.api('revoke-wallet-address-key', { params: { ...ids(context.params), kid } });
      return { to: pathOf(context), notice: `The key ${shown(kid, 60)} is revoked.` };
    },
  },
  {
    method: 'POST',
    path: '/wallets/:ase/:wallet/deposit',
    async serve(context, { id = '', account = '', amount = '' }) {
      await context.world.api('create-deposit', {
        params: { ase: context.params['ase']! },
        body: { id, account, amount },
      });
      return { to: pathOf(context), notice: 'The deposit is booked.' };
    },
  },
  ...(
    [
      ['enable', true],
      ['disable', false],
    ] as const
  ).map(
    ([name, active]): Route => ({
      method: 'POST',
      path: `/wallets/:ase/:wallet/${name}`,
      async serve(context) {
        await context.world.api('change-wallet-address', { params: ids(context.params), body: { active } });
        return { to: pathOf(context), notice: `The wallet address is ${name}d.` };
      },
    }),
  ),
];

/** Throws `invalid_request` for text that is not a JSON object; the control API checks its members. */
function parseJwk(text: string): Key {
  try {
    return JSON.parse(text);
  } catch {
    throw new Problem('invalid_request', { description: 'The key is not JSON.' });
  }
}
