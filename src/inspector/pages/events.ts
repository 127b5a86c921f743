/** The webhook of each ASE and its events. */
import type { components } from '../../../generated/control/types.ts';
import { type Html, html } from '../../html/html.ts';
import { shown } from '../../report/html/pieces.ts';
import { listAses } from '../ases.ts';
import { actionButton, field, form, pill, section, submit, table, time } from '../pieces.ts';
import { LIVE_MS, type PageContext, type Route } from '../route.ts';

type Event = components['schemas']['event'];

const states = ['undelivered', 'pending', 'delivered'] as const;
const PER_STATE = '30';
const columns = [
  { name: 'Event' },
  { name: 'State', isText: true },
  { name: 'Payment' },
  { name: 'Attempts', isNumber: true },
  { name: 'Created' },
  { name: 'Act' },
];

const eventRow = (context: PageContext, ase: string) => (event: Event) => ({
  id: event.id,
  cells: [
    shown(event.type, 100),
    html`${pill(event.state)}${event.failure === null ? '' : html` ${shown(event.failure, 200)}`}`,
    html`<span class="mono">${shown(event.payment.slice(0, 8))}</span>`,
    String(event.attempts),
    time(event.createdAt),
    event.state === 'undelivered'
      ? [
          actionButton(context, `/events/${ase}/${event.id}/retry`, 'Retry', {
            about: `event ${event.id.slice(0, 8)}`,
          }),
          actionButton(context, `/events/${ase}/${event.id}/drop`, 'Drop', {
            about: `event ${event.id.slice(0, 8)}`,
            kind: 'danger',
          }),
        ]
      : undefined,
  ],
});

async function renderAse(context: PageContext, ase: string): Promise<Html> {
  const { api } = context.world;
  const params = { ase };
  const [{ url }, ...lists] = await Promise.all([
    api('get-webhook', { params }),
    ...states.map((state) => api('list-events', { params, query: { state, first: PER_STATE } })),
  ]);
  const events = lists.flatMap((list) => list.events);
  return html`${section(
    `ase-${ase}`,
    ase,
    html`<p id="url-${ase}">${url === null ? 'Without a webhook, events are not stored.' : html`Webhook: <code>${shown(url, 300)}</code>`}</p>
${table(`events-${ase}`, `Events of ${ase}`, columns, events.map(eventRow(context, ase)))}`,
    true,
  )}
<section aria-label="Webhook of ${ase}">
${url === null ? undefined : actionButton(context, `/events/${ase}/webhook/remove`, 'Remove the webhook', { kind: 'danger', about: `of ${ase}` })}
${form(context, `/events/${ase}/webhook`, [
  field(ase, 'url', `Webhook of ${ase}`, { type: 'url', isRequired: true, isWide: true }),
  field(ase, 'secret', 'Secret that signs the events', {
    type: 'password',
    isRequired: true,
    hint: 'At least 16 characters.',
  }),
  submit('Set the webhook'),
])}
</section>`;
}

type Params = { ase: string; event: string };

export const eventRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/events',
    async serve(context) {
      const parts = await Promise.all((await listAses(context.world)).map(({ name }) => renderAse(context, name)));
      return { title: 'Events', every: LIVE_MS, content: html`${parts}` };
    },
  },
  {
    method: 'POST',
    path: '/events/:ase/webhook',
    async serve({ world, params }, { url = '', secret = '' }) {
      await world.api('set-webhook', { params: { ase: params['ase']! }, body: { url, secret } });
      return { to: '/events', notice: 'The webhook is set.' };
    },
  },
  {
    method: 'POST',
    path: '/events/:ase/webhook/remove',
    async serve({ world, params }) {
      await world.api('remove-webhook', { params: { ase: params['ase']! } });
      return { to: '/events', notice: 'The webhook is removed.' };
    },
  },
  {
    method: 'POST',
    path: '/events/:ase/:event/retry',
    async serve({ world, params }) {
      await world.api('retry-event', { params: params as Params });
      return { to: '/events', notice: 'The event is due again.' };
    },
  },
  {
    method: 'POST',
    path: '/events/:ase/:event/drop',
    async serve({ world, params }) {
      await world.api('drop-event', { params: params as Params });
      return { to: '/events', notice: 'The event is dropped.' };
    },
  },
];
