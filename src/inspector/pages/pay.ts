/** A payment by hand: choose two wallets and an amount, and watch every request of the flow. */
import { Problem } from '../../errors.ts';
import { type Html, html } from '../../html/html.ts';
import { headerLines } from '../../http/received-request.ts';
import { renderFlow } from '../../report/html/flow.ts';
import { shown } from '../../report/html/pieces.ts';
import { aseOfResource, lastPart, listAses } from '../ases.ts';
import { listNewest, toStep } from '../exchanges.ts';
import type { HandPayment } from '../hand-flow.ts';
import { isRunning } from '../hand-payments.ts';
import { facts, field, form, money, pill, section, select, submit, table, time } from '../pieces.ts';
import { LIVE_MS, type PageContext, type Route } from '../route.ts';

const columns = [
  { name: 'Started' },
  { name: 'State' },
  { name: 'Amount' },
  { name: 'From', isText: true },
  { name: 'To', isText: true },
];

/** In minor units. Throws `invalid_request`. */
function parseAmount(text: string, assetCode: string, scale: number): string {
  const [, whole, fraction = ''] = /^(\d{1,19})(?:[.,](\d{1,255}))?$/.exec(text.trim()) ?? [];
  const value = whole === undefined || fraction.length > scale ? 0n : BigInt(whole + fraction.padEnd(scale, '0'));
  if (value === 0n) {
    const example = scale === 0 ? '5' : `5.${'0'.repeat(Math.min(scale, 9))}`;
    throw new Problem('invalid_request', { description: `Write the amount in ${assetCode}, such as ${example}.` });
  }
  return String(value);
}

async function renderForm(context: PageContext): Promise<Html> {
  const ases = await listAses(context.world);
  const wallets = ases.flatMap(({ name, walletAddresses }) =>
    walletAddresses.map(({ url, assetCode }) => ({ value: url, label: `${url} (${assetCode}, ${name})`, name })),
  );
  const [first] = wallets;
  const other = wallets.find(({ name }) => name !== first?.name) ?? wallets[1];
  return form(context, '/pay', [
    html`<p>The inspector acts as the test client: it asks for the grants, gets the quote, obtains the consent and pays, with the same requests as any client. Each is shown with its verdict.</p>`,
    select('pay', 'from', 'From', wallets, first?.value),
    select('pay', 'to', 'To', wallets, other?.value),
    field('pay', 'amount', 'Amount that arrives', { value: '5.00', isRequired: true }),
    submit('Pay'),
  ]);
}

const stateNames: Readonly<Record<HandPayment['state'], string>> = {
  running: 'running',
  waiting: 'waits for consent',
  completed: 'completed',
  failed: 'failed',
};
const statePill = ({ state }: HandPayment): Html =>
  pill(stateNames[state], { running: 'note', waiting: 'warning' }[state as string]);

function renderDiagram(context: PageContext, { id }: HandPayment): Html | undefined {
  const userAgent = context.world.handPayments.userAgentOf(id);
  const isOwn = (request: { readonly id: number }) => {
    const recorded = context.world.controls.findExchange(request.id);
    return recorded !== undefined && headerLines(recorded.request, 'user-agent').includes(userAgent);
  };
  const steps = listNewest(context.world, 100, isOwn)
    .reverse()
    .map((request) => toStep(context, request));
  return renderFlow(steps, { start: steps[0]?.at ?? 0 });
}

async function linkToPayment({ world, base }: PageContext, { outgoingPayment, state }: HandPayment): Promise<Html> {
  if (outgoingPayment === undefined) return html`not created${state === 'failed' ? '' : ' yet'}`;
  const ase = aseOfResource(await listAses(world), outgoingPayment);
  const id = lastPart(outgoingPayment);
  return ase
    ? html`<a href="${base}/payments/${ase.name}/${id}">from grant to packets, across both ASEs</a>`
    : html`<span>${outgoingPayment}</span>`;
}

async function renderProgress(context: PageContext, payment: HandPayment): Promise<Html> {
  const { consent, steps, error } = payment;
  return html`${facts([
    ['State', statePill(payment)],
    ['From', shown(payment.from, 200)],
    ['To', shown(payment.to, 200)],
    ['Amount that arrives', payment.amount],
    ['Payment', await linkToPayment(context, payment)],
  ])}
${consent === undefined ? undefined : html`<p class="notice">The holder of the wallet must consent: <a href="${consent}">open the consent page</a></p>`}
<ol class="steps" id="steps">${steps.map((step, index) => html`<li id="step-${String(index)}">${step}</li>`)}</ol>
${error === undefined ? undefined : html`<p class="alert">${shown(error)}</p>`}
${isRunning(payment) ? undefined : html`<p><a href="${context.base}/pay">Make another payment</a></p>`}`;
}

export const payRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/pay',
    async serve(context) {
      const { world, base } = context;
      const rows = world.handPayments.list().map((payment) => ({
        id: payment.id,
        cells: [
          html`<a href="${base}/pay/${payment.id}">${time(new Date(payment.startedAt).toISOString())}</a>`,
          statePill(payment),
          payment.amount,
          shown(payment.from, 100),
          shown(payment.to, 100),
        ],
      }));
      return {
        title: 'Pay',
        every: LIVE_MS,
        content: html`${section('new', 'A payment by hand', await renderForm(context))}
${section('made', 'Payments made here', table('made-list', 'Payments', columns, rows), true)}`,
      };
    },
  },
  {
    method: 'POST',
    path: '/pay',
    async serve({ world, base, origin }, { from = '', to = '', amount = '' }) {
      const wallets = (await listAses(world)).flatMap(({ walletAddresses }) => walletAddresses);
      const receiver = wallets.find(({ url }) => url === to);
      if (!receiver || !wallets.some(({ url }) => url === from)) {
        throw new Problem('invalid_request', { description: 'Choose two wallets of this world.' });
      }
      const value = parseAmount(amount, receiver.assetCode, receiver.assetScale);
      const inWords = money(value, receiver.assetCode, receiver.assetScale);
      const order = { from, to, value, amount: inWords, finishBase: `${origin}${base}/pay` };
      const payment = world.handPayments.start(order);
      return { to: `/pay/${payment.id}` };
    },
  },
  {
    method: 'GET',
    path: '/pay/:payment',
    async serve(context) {
      const payment = context.world.handPayments.find(context.params['payment']!);
      if (!payment) throw new Problem('not_found', { description: 'The payment is unknown, or was made long ago.' });
      return {
        title: 'Payment by hand',
        every: LIVE_MS / 2,
        content: html`${section('progress', 'Progress', await renderProgress(context, payment), true)}
<div id="diagram" data-live>${renderDiagram(context, payment)}</div>`,
      };
    },
  },
];
