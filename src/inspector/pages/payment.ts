/** One payment across both ASEs: amounts, the reason of a failure, its packets, and its requests as a sequence diagram. */

import type { components } from '../../../generated/control/types.ts';
import {
  findIncomingPayment,
  getPaymentTrail,
  type PaymentTrail,
  type SentPacket,
} from '../../administration/payment-trail.ts';
import { toInstant } from '../../database/columns.ts';
import { type Html, html } from '../../html/html.ts';
import { connectorOf, type FlowStep, renderFlow } from '../../report/html/flow.ts';
import { shown } from '../../report/html/pieces.ts';
import { aseOfResource, lastPart, listAses } from '../ases.ts';
import { toStep } from '../exchanges.ts';
import { listPaymentExchanges } from '../payment-exchanges.ts';
import { facts, field, form, money, pill, section, submit, table, time } from '../pieces.ts';
import { LIVE_MS, type PageContext, type Route } from '../route.ts';

type Payment = components['schemas']['payment'];

export const MAX_PACKETS = 200;
/** Rows of the diagram. */
const MAX_STEPS = 120;

const packetColumns = [
  { name: 'Packet' },
  { name: 'State' },
  { name: 'Sent', isNumber: true },
  { name: 'Delivered', isNumber: true },
  { name: 'Prepared' },
  { name: 'Condition' },
  { name: 'Act' },
];

const packetRow = (base: string, ase: string, payment: Payment) => (packet: SentPacket) => ({
  id: String(packet.sequence),
  cells: [
    `${packet.sequence}`,
    pill(packet.state === 'prepared' ? 'in flight' : packet.state, packet.state === 'prepared' ? 'warning' : undefined),
    money(`${packet.sourceAmount}`, payment.assetCode, payment.assetScale),
    money(`${packet.amount}`, payment.receiveAssetCode, payment.receiveAssetScale),
    time(toInstant(packet.preparedAt)),
    html`<span class="mono">${packet.condition.slice(0, 12)}…</span>`,
    packet.state === 'prepared'
      ? html`<a href="${base}/payments/${ase}/${payment.id}/packets/${packet.condition}">Resolve</a>`
      : undefined,
  ],
});

const packetStep =
  (ase: string, payment: Payment) =>
  ({ sequence, peer, amount, state, preparedAt }: SentPacket): FlowStep => ({
    key: `packet-${sequence}`,
    label: html`packet ${String(sequence)}`,
    from: connectorOf(ase),
    to: connectorOf(peer),
    text: `ILP Prepare ${money(`${amount}`, payment.receiveAssetCode, payment.receiveAssetScale)}`,
    detail: 'packet',
    answer: state === 'prepared' ? undefined : state === 'fulfilled' ? 'Fulfill' : 'Reject',
    isRefused: state !== 'fulfilled',
    at: preparedAt,
  });

function renderSummary(context: PageContext, ase: string, payment: Payment): Html {
  const { base } = context;
  const debit = (value: string) => money(value, payment.assetCode, payment.assetScale);
  const receive = (value: string) => money(value, payment.receiveAssetCode, payment.receiveAssetScale);
  return html`${facts([
    ['State', pill(payment.state)],
    ['Reason', payment.failure === null ? 'none' : `${shown(payment.failure)}: ${shown(payment.lastError ?? '')}`],
    ['From', shown(payment.walletAddress, 200)],
    ['To', shown(payment.receiver, 300)],
    [
      'Debit',
      `${debit(payment.sentAmount)} of ${debit(payment.debitAmount)} sent, ${debit(payment.heldAmount)} on hold`,
    ],
    ['Received', `${receive(payment.deliveredAmount)} of ${receive(payment.receiveAmount)}`],
    ['Client', shown(payment.client, 200)],
    ['Grant', html`<a class="mono" href="${base}/grants/${ase}/${payment.grant}">${payment.grant}</a>`],
    ['Next hop', payment.peer === null ? 'within the ASE' : shown(payment.peer, 60)],
    ['Attempts without delivery', String(payment.attempts)],
    ['Last error', payment.lastError === null ? 'none' : shown(payment.lastError)],
  ])}`;
}

/** The incoming payment, if it is at an ASE of this process. */
async function findReceiver({ world }: PageContext, { receiver }: Payment) {
  const ase = aseOfResource(await listAses(world), receiver);
  const key = ase && world.keyOf(ase.name);
  const incoming = key && (await findIncomingPayment(world.query, key, lastPart(receiver)));
  return ase && incoming ? { ase: ase.name, ...incoming } : undefined;
}

type Receiver = Awaited<ReturnType<typeof findReceiver>>;

function renderReceiver(incoming: Receiver): Html {
  if (!incoming) return html`<p class="soft">The incoming payment is not at an ASE of this world.</p>`;
  const amount = (value: bigint) => money(`${value}`, incoming.asset.code, incoming.asset.scale);
  return facts([
    ['ASE', shown(incoming.ase, 30)],
    ['Wallet', shown(incoming.walletAddress, 200)],
    ['State', pill(incoming.completed ? 'completed' : 'pending')],
    ['Received', amount(incoming.receivedAmount)],
    ['Asked for', incoming.incomingAmount === undefined ? 'any amount' : amount(incoming.incomingAmount)],
    ['Expires', time(toInstant(incoming.expiresAt))],
  ]);
}

interface Trail extends PaymentTrail {
  readonly receiver: Receiver;
}

function renderDiagram(context: PageContext, ase: string, payment: Payment, { quote, packets, receiver }: Trail): Html {
  const exchanges = listPaymentExchanges(context.world, {
    outgoingPayment: payment.id,
    quote,
    incomingPayment: lastPart(payment.receiver),
    walletAddresses: [payment.walletAddress, payment.client, ...(receiver ? [receiver.walletAddress] : [])],
  });
  const steps = [
    ...exchanges.map(({ summary }) => toStep(context, summary)),
    ...packets.map(packetStep(ase, payment)),
  ].sort((one, other) => one.at - other.at);
  const start = Math.min(...steps.map(({ at }) => at));
  const flow = renderFlow(steps.slice(0, MAX_STEPS), { start, firstAse: ase });
  return html`${flow ?? html`<section id="flow"><p class="soft">The requests of this payment are not recorded, or no longer.</p></section>`}
${steps.length > MAX_STEPS ? html`<p class="soft">The first ${String(MAX_STEPS)} rows of ${String(steps.length)}.</p>` : undefined}`;
}

export const paymentPage: readonly Route[] = [
  {
    method: 'GET',
    path: '/payments/:ase/:payment',
    async serve(context) {
      const { world, params } = context;
      const ase = params['ase']!;
      const payment = await world.api('get-payment', { params: { ase, payment: params['payment']! } });
      const receiver = await findReceiver(context, payment);
      const trail = { ...(await getPaymentTrail(world.query, world.keyOf(ase)!, payment.id, MAX_PACKETS)), receiver };
      const cancel = html`<h3>Cancel</h3>${form(context, `/payments/${ase}/${payment.id}/cancel`, [
        field('cancel', 'reason', 'Reason', { isRequired: true, isWide: true }),
        submit('Cancel the payment', 'danger'),
      ])}`;
      return {
        title: `Payment ${payment.id.slice(0, 8)}`,
        every: LIVE_MS,
        content: html`${section('payment', `Outgoing, at ${shown(ase, 30)}`, renderSummary(context, ase, payment), true)}
${payment.state === 'pending' ? html`<section>${cancel}</section>` : undefined}
${section('receiver', 'Incoming payment', renderReceiver(receiver), true)}
<div id="diagram" data-live>${renderDiagram(context, ase, payment, trail)}</div>
${section('packets', 'Packets', table('packet', 'Packets', packetColumns, trail.packets.map(packetRow(context.base, ase, payment))), true)}`,
      };
    },
  },
  {
    method: 'POST',
    path: '/payments/:ase/:payment/cancel',
    async serve({ world, params }, { reason = '' }) {
      const { ase, payment } = params as { ase: string; payment: string };
      await world.api('cancel-payment', { params: { ase, payment }, body: { reason } });
      return { to: `/payments/${ase}/${payment}`, notice: 'The payment is cancelled.' };
    },
  },
];
