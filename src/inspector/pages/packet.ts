/** One packet without an answer: what the peer's books say about it, and the two results that an operator can enter. */
import type { components } from '../../../generated/control/types.ts';
import { getPaymentTrail } from '../../administration/payment-trail.ts';
import { toInstant } from '../../database/columns.ts';
import { Problem } from '../../errors.ts';
import { type Html, html } from '../../html/html.ts';
import { shown } from '../../report/html/pieces.ts';
import { listAses } from '../ases.ts';
import { facts, field, form, money, pill, section, submit, time } from '../pieces.ts';
import { LIVE_MS, type PageContext, type Route } from '../route.ts';
import { MAX_PACKETS } from './payment.ts';

type Params = { ase: string; payment: string; condition: string };
type PeerPacket = components['schemas']['peer-packet'];

/** The peer's record of the packet: undefined if it has none, `'unknown'` if the peer is not an ASE of this world. */
async function askPeer({ world }: PageContext, peer: string, { ase, condition }: Params) {
  const isHere = (await listAses(world)).some(({ name }) => name === peer);
  if (!isHere) return 'unknown';
  return world.api('get-peer-packet', { params: { ase: peer, peer: ase, condition } }).catch((error: unknown) => {
    if (error instanceof Problem && error.code === 'not_found') return undefined;
    throw error;
  });
}

function renderPeer(peer: string, record: PeerPacket | 'unknown' | undefined): Html {
  if (record === 'unknown') {
    return html`<p>${shown(peer, 60)} is not an ASE of this world. Its operator finds the packet by its condition.</p>`;
  }
  if (!record) return html`<p>${shown(peer, 60)} has not credited this packet.</p>`;
  return facts([
    ['Credited', money(record.amount, record.assetCode, record.assetScale)],
    ['To the incoming payment', html`<span class="mono">${record.incomingPayment}</span>`],
    ['At', time(record.bookedAt)],
    ['Fulfillment', html`<span class="mono">${record.fulfillment}</span>`],
  ]);
}

function renderForms(context: PageContext, path: string, fulfillment: string | undefined): Html {
  return html`<h3>The peer has fulfilled it</h3>
${form(context, path, [
  html`<input type="hidden" name="fate" value="fulfilled">`,
  field('fulfilled', 'fulfillment', 'Fulfillment', {
    ...(fulfillment !== undefined && { value: fulfillment }),
    isRequired: true,
    isWide: true,
    hint: 'In base64url. It proves that the receiver was credited, so the payment counts the packet as delivered.',
  }),
  submit('Book it as fulfilled', fulfillment === undefined ? '' : 'primary'),
])}
<h3>The peer has rejected it, or never got it</h3>
${form(context, path, [
  html`<input type="hidden" name="fate" value="rejected">`,
  field('rejected', 'reason', 'Reason', { isRequired: true, isWide: true, hint: 'Only after the packet has expired.' }),
  submit('Book it as rejected', 'danger'),
])}`;
}

export const packetRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/payments/:ase/:payment/packets/:condition',
    async serve(context) {
      const { world, base } = context;
      const params = context.params as Params;
      const { ase, condition } = params;
      const payment = await world.api('get-payment', { params });
      const { packets } = await getPaymentTrail(world.query, world.keyOf(ase)!, payment.id, MAX_PACKETS);
      const packet = packets.find((each) => each.condition === condition);
      if (!packet) throw new Problem('not_found', { description: 'The payment has no such packet.' });
      const record = await askPeer(context, packet.peer, params);
      const path = `/payments/${ase}/${payment.id}/packets/${condition}`;
      const isOpen = packet.state === 'prepared';
      return {
        title: `Packet ${packet.sequence} of payment ${payment.id.slice(0, 8)}`,
        every: LIVE_MS,
        content: html`${section(
          'packet',
          'Packet',
          facts([
            ['State', isOpen ? pill('without an answer', 'warning') : pill(packet.state)],
            ['Payment', html`<a class="mono" href="${base}/payments/${ase}/${payment.id}">${payment.id}</a>`],
            ['Peer', shown(packet.peer, 60)],
            ['Delivers', money(`${packet.amount}`, payment.receiveAssetCode, payment.receiveAssetScale)],
            ['Condition', html`<span class="mono">${condition}</span>`],
            ['Sent', time(toInstant(packet.preparedAt))],
            ['Expires', time(toInstant(packet.expiresAt))],
          ]),
          true,
        )}
${section('peer', 'In the books of the peer', renderPeer(packet.peer, record), true)}
${isOpen ? section('resolve', 'Resolve', renderForms(context, path, typeof record === 'object' ? record.fulfillment : undefined)) : undefined}`,
      };
    },
  },
  {
    method: 'POST',
    path: '/payments/:ase/:payment/packets/:condition',
    async serve({ world, params }, { fate, fulfillment = '', reason = '' }) {
      const { ase, payment } = params as Params;
      const body =
        fate === 'fulfilled'
          ? ({ fate, fulfillment: fulfillment.trim() } as const)
          : ({ fate: 'rejected', reason } as const);
      await world.api('resolve-packet', { params, body });
      return { to: `/payments/${ase}/${payment}`, notice: `The packet is booked as ${body.fate}.` };
    },
  },
];
