/** Outgoing and incoming payments of each ASE. */

import type { components } from '../../../generated/control/types.ts';
import { type IncomingPaymentDescription, listIncomingPayments } from '../../administration/payment-trail.ts';
import { toInstant } from '../../database/columns.ts';
import { type Html, html } from '../../html/html.ts';
import { shown } from '../../report/html/pieces.ts';
import { listAses } from '../ases.ts';
import { money, nextPage, pill, section, table, time } from '../pieces.ts';
import { LIVE_MS, type PageContext, type Route } from '../route.ts';

type Payment = components['schemas']['payment'];
const states = ['pending', 'completed', 'failed'] as const;

const outgoingColumns = [
  { name: 'Payment' },
  { name: 'State' },
  { name: 'From', isText: true },
  { name: 'Debit', isNumber: true },
  { name: 'Delivered', isNumber: true },
  { name: 'Accepted' },
];

const outgoingRow = (base: string, ase: string) => (payment: Payment) => ({
  id: payment.id,
  cells: [
    html`<a class="mono" href="${base}/payments/${ase}/${payment.id}">${payment.id.slice(0, 8)}</a>`,
    html`${pill(payment.state)}${payment.packetsInDoubt > 0 && payment.state === 'pending' ? html` ${pill('in flight', 'note')}` : ''}${payment.failure === null ? '' : html` ${shown(payment.failure, 60)}`}`,
    shown(payment.walletAddress, 100),
    money(payment.debitAmount, payment.assetCode, payment.assetScale),
    money(payment.deliveredAmount, payment.receiveAssetCode, payment.receiveAssetScale),
    time(payment.acceptedAt),
  ],
});

const incomingColumns = [
  { name: 'Payment' },
  { name: 'State' },
  { name: 'To', isText: true },
  { name: 'Received', isNumber: true },
  { name: 'Asked for', isNumber: true },
  { name: 'Expires' },
];

const incomingRow = (payment: IncomingPaymentDescription) => ({
  id: payment.id,
  cells: [
    html`<span class="mono">${payment.id.slice(0, 8)}</span>`,
    pill(payment.completed ? 'completed' : 'pending'),
    shown(payment.walletAddress, 100),
    money(`${payment.receivedAmount}`, payment.asset.code, payment.asset.scale),
    payment.incomingAmount === undefined
      ? 'any'
      : money(`${payment.incomingAmount}`, payment.asset.code, payment.asset.scale),
    time(toInstant(payment.expiresAt)),
  ],
});

const PER_STATE = '20';

/** The newest of every state. */
async function listNewestPayments({ world }: PageContext, ase: string): Promise<Payment[]> {
  const lists = await Promise.all(
    states.map((state) => world.api('list-payments', { params: { ase }, query: { state, first: PER_STATE } })),
  );
  return lists.flatMap(({ payments }) => payments).sort((one, other) => other.acceptedAt.localeCompare(one.acceptedAt));
}

async function renderAse(context: PageContext, ase: string): Promise<Html> {
  const { world, base } = context;
  const [payments, incoming] = await Promise.all([
    listNewestPayments(context, ase),
    listIncomingPayments(world.query, world.keyOf(ase)!, {}),
  ]);
  const more = states.map((state) => html`<a href="${base}/payments/${ase}?state=${state}">all ${state}</a>`);
  return section(
    `ase-${ase}`,
    ase,
    html`<h3 id="out-title-${ase}">Outgoing</h3>${table(`out-${ase}`, `Outgoing payments of ${ase}`, outgoingColumns, payments.map(outgoingRow(base, ase)))}
<p id="more-${ase}" class="pages">${more}</p>
<h3 id="in-title-${ase}">Incoming, the newest</h3>${table(`in-${ase}`, `Incoming payments of ${ase}`, incomingColumns, incoming.items.map(incomingRow))}`,
    true,
  );
}

export const paymentRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/payments',
    async serve(context) {
      const ases = await listAses(context.world);
      const parts = await Promise.all(ases.map(({ name }) => renderAse(context, name)));
      return { title: 'Payments', every: LIVE_MS, content: html`${parts}` };
    },
  },
  {
    method: 'GET',
    path: '/payments/:ase',
    async serve({ world, base, params, query }) {
      const ase = params['ase']!;
      const { state = 'pending', cursor } = query;
      const page = await world.api('list-payments', { params: { ase }, query: { state, cursor, first: '50' } });
      const next = { state, cursor: page.endCursor ?? undefined };
      return {
        title: `Outgoing payments of ${shown(ase, 30)}`,
        content: html`${section('list', shown(state, 20), table('payments', 'Payments', outgoingColumns, page.payments.map(outgoingRow(base, ase))))}
${nextPage(`${base}/payments/${encodeURIComponent(ase)}`, next, page.hasNextPage)}`,
      };
    },
  },
];
