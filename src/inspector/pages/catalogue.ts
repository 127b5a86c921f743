/** The catalogue of error replies: each with its cause and the ways to provoke it; one click arms it for the next call. */
import type { components } from '../../../generated/control/types.ts';
import { Problem } from '../../errors.ts';
import { html } from '../../html/html.ts';
import { actionButton, field, section, select, statusPill, submit, table } from '../pieces.ts';
import type { PageContext, Route } from '../route.ts';

type Reply = components['schemas']['negative-reply'];

const columns = [
  { name: 'Status' },
  { name: 'Code' },
  { name: 'When', isText: true },
  { name: 'Prefer header' },
  { name: 'Wallet address', isText: true },
  { name: 'Act' },
];

const replyRow = (context: PageContext) => (reply: Reply) => ({
  id: reply.name,
  cells: [
    statusPill(reply.status),
    html`<code>${reply.code}</code>`,
    reply.cause ?? 'Only where it is asked for.',
    html`<code>${reply.prefer}</code>`,
    html`<code>${reply.walletAddress}</code>`,
    context.world.controls.faults
      ? actionButton(context, `/catalogue/${reply.name}`, 'Arm', { about: reply.name })
      : undefined,
  ],
});

/** All of them, or those of an operation or a status. */
const isWanted =
  ({ operation = '', status = '' }: Readonly<Record<string, string>>) =>
  (reply: Reply): boolean =>
    (operation === '' || reply.operation === operation) && (status === '' || String(reply.status) === status);

export const catalogueRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/catalogue',
    async serve(context) {
      const { base, query } = context;
      const { replies } = await context.world.api('get-catalogue');
      const operations = [...Map.groupBy(replies.filter(isWanted(query)), ({ operation }) => operation)];
      const choices = [...new Set(replies.map(({ operation }) => operation))].map((value) => ({ value }));
      const tables = operations.map(([operation, own]) =>
        section(operation, operation, table(`replies-${operation}`, operation, columns, own.map(replyRow(context)))),
      );
      return {
        title: 'Error replies',
        content: html`<p class="soft">Every error that the Open Payments documents declare. A client gets it by sending the header with the call, or by reading the wallet address, at the provider of the receiver, before it. An armed reply strikes the next call of the operation.</p>
<section aria-label="Filter"><form class="fields" action="${base}/catalogue">${select('filter', 'operation', 'Operation', [{ value: '', label: 'all' }, ...choices], query['operation'])}${field('filter', 'status', 'Status', { type: 'number', value: query['status'] ?? '' })}${submit('Apply', '')}</form></section>
${tables.length > 0 ? tables : html`<p class="soft">None.</p>`}`,
      };
    },
  },
  {
    method: 'POST',
    path: '/catalogue/:name',
    async serve({ world, params }) {
      const { replies } = await world.api('get-catalogue');
      const reply = replies.find(({ name }) => name === params['name']);
      if (!reply) throw new Problem('not_found', { description: 'The catalogue has no such reply.' });
      await world.api('add-fault', { body: reply.fault });
      return { to: '/controls', notice: `The next ${reply.operation} is answered with ${reply.status}.` };
    },
  },
];
