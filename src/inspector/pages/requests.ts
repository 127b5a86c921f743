/** The requests of clients and servers, newest first, with the verdict about each. */

import { html } from '../../html/html.ts';
import type { TracedRequest } from '../../http/request-trace.ts';
import { shown } from '../../report/html/pieces.ts';
import { listNewest, verdictOf } from '../exchanges.ts';
import { nextPage, pill, section, select, statusPill, table } from '../pieces.ts';
import { LIVE_MS, type PageContext, type Route } from '../route.ts';

const PER_PAGE = 50;

const columns = [
  { name: 'Request' },
  { name: 'Operation' },
  { name: 'Status' },
  { name: 'Verdict' },
  { name: 'ASE' },
  { name: 'Milliseconds', isNumber: true },
];

const shows = [
  { value: '', label: 'All' },
  { value: 'refused', label: 'Refused or lost' },
  { value: 'broken', label: 'With a broken requirement' },
  { value: 'fault', label: 'With an injected fault' },
];

function fitsShow({ world }: PageContext, show: string | undefined, { id, status, fault }: TracedRequest): boolean {
  if (show === 'refused') return status === null || status >= 400;
  if (show === 'broken') return ['fail', 'warning'].includes(verdictOf(world, id) ?? '');
  return show !== 'fault' || fault !== undefined;
}

const rowOf =
  ({ world, base }: PageContext) =>
  (request: TracedRequest) => {
    const { id, method, target, operation, status, ase, ms, fault } = request;
    const verdict = verdictOf(world, id);
    return {
      id: String(id),
      cells: [
        html`<a href="${base}/requests/${String(id)}">#${String(id)}</a> <code>${method} ${shown(target, 120)}</code>`,
        shown(operation, 60),
        html`${statusPill(status)}${fault && html` ${pill(`fault ${fault}`, 'warning')}`}`,
        verdict && pill(verdict),
        shown(ase, 30),
        String(ms),
      ],
    };
  };

export const requestRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/requests',
    async serve(context) {
      const { world, base, query } = context;
      const { show, operation, before } = query;
      const fits = (request: TracedRequest) =>
        (!before || request.id < Number(before)) &&
        (!operation || request.operation === operation) &&
        fitsShow(context, show, request);
      const listed = listNewest(world, PER_PAGE + 1, fits);
      const rows = listed.slice(0, PER_PAGE);
      const operations = [
        ...new Set(world.controls.listExchanges({ limit: 1000 }).map((each) => each.operation)),
      ].sort();
      const choices = [{ value: '', label: 'All' }, ...operations.map((value) => ({ value }))];
      const older = { show, operation, before: String(rows.at(-1)?.id) };
      return {
        title: 'Requests',
        ...(before ? {} : { every: LIVE_MS }),
        content: html`<section aria-label="Filter"><form class="fields" action="${base}/requests">${[
          select('filter', 'show', 'Show', shows, show),
          select('filter', 'operation', 'Operation', choices, operation),
        ]}<div class="field"><button>Apply</button></div></form></section>
${section('requests', before ? 'Earlier requests' : 'Newest first', html`${table('list', 'Requests', columns, rows.map(rowOf(context)))}`, true)}
${nextPage(`${base}/requests`, older, listed.length > PER_PAGE)}`,
      };
    },
  },
];
