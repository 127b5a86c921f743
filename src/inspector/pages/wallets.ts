/** Wallet addresses with their balances. */

import { type Html, html } from '../../html/html.ts';
import { shown } from '../../report/html/pieces.ts';
import { listAses } from '../ases.ts';
import { field, money, pill, section, table } from '../pieces.ts';
import { LIVE_MS, type PageContext, type Route } from '../route.ts';

const MAX_WALLETS = 100;

const columns = [
  { name: 'Wallet address' },
  { name: 'Name', isText: true },
  { name: 'Account', isText: true },
  { name: 'Balance', isNumber: true },
  { name: 'State' },
];

async function renderAse({ world, base, query: { find = '' } }: PageContext, ase: string): Promise<Html> {
  const [{ walletAddresses }, { accounts }] = await Promise.all([
    world.api('list-wallet-addresses', { params: { ase } }),
    world.api('list-accounts', { params: { ase } }),
  ]);
  const balances = new Map(accounts.map((account) => [account.id, account]));
  const fitting = walletAddresses.filter(({ url, publicName }) => `${url} ${publicName}`.includes(find));
  const rows = fitting.slice(0, MAX_WALLETS).map((wallet) => ({
    id: wallet.id,
    cells: [
      html`<a href="${base}/wallets/${ase}/${wallet.id}">${shown(wallet.url, 200)}</a>`,
      shown(wallet.publicName ?? '', 100),
      shown(wallet.account, 100),
      money(balances.get(wallet.account)?.balance ?? '0', wallet.assetCode, wallet.assetScale),
      wallet.active ? pill('active') : pill('disabled', 'fail'),
    ],
  }));
  const rest = fitting.length - rows.length;
  return section(
    `ase-${ase}`,
    ase,
    html`${table(`wallets-${ase}`, `Wallet addresses of ${ase}`, columns, rows)}
${rest > 0 ? html`<p class="soft" id="rest-${ase}">${String(rest)} more: search for them.</p>` : undefined}`,
    true,
  );
}

export const walletsPage: Route = {
  method: 'GET',
  path: '/wallets',
  async serve(context) {
    const { world, base, query } = context;
    const parts = await Promise.all((await listAses(world)).map(({ name }) => renderAse(context, name)));
    return {
      title: 'Wallets',
      every: LIVE_MS,
      content: html`<section aria-label="Search"><form class="fields" action="${base}/wallets">${field('search', 'find', 'Address or name contains', { value: query['find'] ?? '', isWide: true })}<div class="field"><button>Search</button></div></form></section>
${parts}`,
    };
  },
};
