/** The ledger of each ASE: trial balance, transfers, and packets in doubt. */
import type { components } from '../../../generated/control/types.ts';
import { type Html, html } from '../../html/html.ts';
import { shown } from '../../report/html/pieces.ts';
import { listAses } from '../ases.ts';
import { money, nextPage, pill, section, table, time } from '../pieces.ts';
import { LIVE_MS, type PageContext, type Route } from '../route.ts';

type Balance = components['schemas']['trial-balance'];
type Transfer = components['schemas']['booked-transfer'];
type Packet = components['schemas']['packet-in-doubt'];

const PER_PAGE = '100';

const accountColumns = [
  { name: 'Account' },
  { name: 'Kind' },
  { name: 'Debits', isNumber: true },
  { name: 'Credits', isNumber: true },
  { name: 'Balance', isNumber: true },
];

function renderBalance({ name, accounts, totals, balanced }: Balance): Html {
  const rows = accounts.map(({ account, kind, debits, credits, balance, assetCode, assetScale }) => ({
    id: encodeURIComponent(account),
    cells: [
      shown(account, 100),
      kind,
      money(debits, assetCode, assetScale),
      money(credits, assetCode, assetScale),
      money(balance, assetCode, assetScale),
    ],
  }));
  const sums = totals.map(({ debits, credits, assetCode, assetScale }) => {
    const unit = `${assetCode} with ${assetScale} decimal places`;
    return html`<li>${unit}: ${money(debits, assetCode, assetScale)} debits, ${money(credits, assetCode, assetScale)} credits</li>`;
  });
  return html`<p id="sum-${name}">${balanced ? pill('balanced', 'pass') : pill('not balanced', 'fail')}</p>
${table(`accounts-${name}`, `Accounts of ${name}`, accountColumns, rows)}
<ul id="totals-${name}">${sums}</ul>`;
}

const transferColumns = [{ name: 'Transfer' }, { name: 'Entries', isText: true }, { name: 'Booked' }];

const transferRow = ({ id, createdAt, reverses, reason, entries }: Transfer) => ({
  id: encodeURIComponent(id),
  cells: [
    html`<span class="mono">${shown(id, 120)}</span>${reverses === null ? '' : html`<div class="soft">reverses ${shown(reverses, 120)}: ${shown(reason ?? '', 300)}</div>`}`,
    entries.map(
      ({ account, amount, assetCode, assetScale }) =>
        html`<div>${shown(account, 80)} ${money(amount, assetCode, assetScale)}</div>`,
    ),
    time(createdAt),
  ],
});

const packetColumns = [
  { name: 'Payment' },
  { name: 'Peer', isText: true },
  { name: 'Amount', isNumber: true },
  { name: 'Since' },
  { name: 'Expires' },
  { name: 'Act' },
];

const packetRow = (base: string, ase: string) => (packet: Packet) => ({
  id: packet.condition,
  cells: [
    html`<a class="mono" href="${base}/payments/${ase}/${packet.payment}">${packet.payment.slice(0, 8)}</a>`,
    shown(packet.peer, 60),
    money(packet.amount, packet.assetCode, packet.assetScale),
    time(packet.since),
    time(packet.expiresAt),
    html`<a href="${base}/payments/${ase}/${packet.payment}/packets/${packet.condition}" aria-label="Resolve packet ${packet.condition.slice(0, 8)}">Resolve</a>`,
  ],
});

async function renderAse({ world, base }: PageContext, ase: string): Promise<Html> {
  const params = { ase };
  const [ledger, transfers, { packets }] = await Promise.all([
    world.api('get-ledger', { query: { ase, first: PER_PAGE } }),
    world.api('list-transfers', { params }),
    world.api('list-packets-in-doubt', { params }),
  ]);
  const [balance] = ledger.ases;
  return section(
    `ase-${ase}`,
    ase,
    html`<h3 id="balance-title-${ase}">Trial balance</h3>
${balance && renderBalance(balance)}
${balance?.hasNextPage ? html`<p id="more-accounts-${ase}"><a href="${base}/ledger/${ase}/accounts">All accounts of ${ase}</a></p>` : undefined}
<h3 id="packets-title-${ase}">Packets without an answer</h3>
${table(`packets-${ase}`, `Packets without an answer of ${ase}`, packetColumns, packets.map(packetRow(base, ase)))}
<h3 id="transfers-title-${ase}">Transfers, the newest</h3>
${table(`transfers-${ase}`, `Transfers of ${ase}`, transferColumns, transfers.transfers.map(transferRow))}
${transfers.hasNextPage ? html`<p id="more-${ase}"><a href="${base}/ledger/${ase}">All transfers of ${ase}</a></p>` : undefined}`,
    true,
  );
}

export const ledgerRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/ledger',
    async serve(context) {
      const parts = await Promise.all((await listAses(context.world)).map(({ name }) => renderAse(context, name)));
      return { title: 'Ledger', every: LIVE_MS, content: html`${parts}` };
    },
  },
  {
    method: 'GET',
    path: '/ledger/:ase',
    async serve({ world, base, params, query }) {
      const ase = params['ase']!;
      const page = await world.api('list-transfers', {
        params: { ase },
        query: { cursor: query['cursor'], first: PER_PAGE },
      });
      return {
        title: `Transfers of ${shown(ase, 30)}`,
        content: html`${section('list', 'Newest first', table('transfers', 'Transfers', transferColumns, page.transfers.map(transferRow)))}
${nextPage(`${base}/ledger/${encodeURIComponent(ase)}`, { cursor: page.endCursor ?? undefined }, page.hasNextPage)}`,
      };
    },
  },
  {
    method: 'GET',
    path: '/ledger/:ase/accounts',
    async serve({ world, base, params, query }) {
      const ase = params['ase']!;
      const { ases } = await world.api('get-ledger', { query: { ase, cursor: query['cursor'], first: PER_PAGE } });
      const [balance] = ases;
      const cursor = balance?.endCursor ?? undefined;
      return {
        title: `Accounts of ${shown(ase, 30)}`,
        content: html`${section('list', 'By id', balance && renderBalance(balance))}
${nextPage(`${base}/ledger/${encodeURIComponent(ase)}/accounts`, { cursor }, balance?.hasNextPage ?? false)}`,
      };
    },
  },
];
