/** The requests of clients and servers, newest first, with the verdict about each. */

import { describeExchanges } from '../../grade/describe-exchange.ts';
import { type Html, html } from '../../html/html.ts';
import type { TracedRequest } from '../../http/request-trace.ts';
import { shown } from '../../report/html/pieces.ts';
import { hasText, listNewest, MAX_LISTED, verdictOf } from '../exchanges.ts';
import { renderHar } from '../har.ts';
import { field, nextPage, pill, queryOf, section, select, statusPill, table } from '../pieces.ts';
import { LIVE_MS, type PageContext, type Route } from '../route.ts';

const PER_PAGE = 50;

const columns = [
  { name: 'Request' },
  { name: 'Operation' },
  { name: 'Status' },
  { name: 'Verdict' },
  { name: 'ASE' },
  { name: 'Time' },
  { name: 'ms', isNumber: true },
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
    const { id, at, method, target, operation, status, ase, ms, fault } = request;
    const verdict = verdictOf(world, id);
    return {
      id: String(id),
      cells: [
        html`<a href="${base}/requests/${String(id)}">#${String(id)}</a> <code>${method} ${shown(target, 120)}</code>`,
        shown(operation, 60),
        html`${statusPill(status)}${fault && html` ${pill(`fault ${fault}`, 'warning')}`}`,
        verdict && pill(verdict),
        shown(ase, 30),
        html`<time datetime="${at}">${at.slice(11, 23)}</time>`,
        String(ms),
      ],
    };
  };

/** The requests that the filters of a page choose. */
function filterOf(context: PageContext): (request: TracedRequest) => boolean {
  const { show, operation, find, before } = context.query;
  return (request) =>
    (!before || request.id < Number(before)) &&
    (!operation || request.operation === operation) &&
    fitsShow(context, show, request) &&
    (!find || hasText(context.world, request.id, find));
}

function renderNone({ base, query }: PageContext): Html {
  const { show, operation, find } = query;
  if (show || operation || find) return html`<p class="soft">No request fits the filter.</p>`;
  return html`<p>No requests yet. <a href="${base}/pay">Make a payment by hand</a>, or let your client read one of the <a href="${base}/wallets">wallet addresses</a>.</p>`;
}

export const requestRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/requests',
    async serve(context) {
      const { world, base, query } = context;
      const { show, operation, find, before } = query;
      const listed = listNewest(world, PER_PAGE + 1, filterOf(context));
      const rows = listed.slice(0, PER_PAGE);
      const operations = [
        ...new Set(world.controls.listExchanges({ limit: 1000 }).map((each) => each.operation)),
      ].sort();
      const choices = [{ value: '', label: 'All' }, ...operations.map((value) => ({ value }))];
      const filters = { show, operation, find };
      return {
        title: 'Requests',
        ...(before ? {} : { every: LIVE_MS }),
        content: html`<section aria-label="Filter"><form class="fields" action="${base}/requests">${[
          select('filter', 'show', 'Show', shows, show),
          select('filter', 'operation', 'Operation', choices, operation),
          field('filter', 'find', 'Text in it', { type: 'search', value: find ?? '' }),
        ]}<div class="field"><button>Apply</button></div></form></section>
${section('requests', before ? 'Earlier requests' : 'Newest first', rows.length === 0 ? renderNone(context) : table('list', 'Requests', columns, rows.map(rowOf(context))), true)}
${nextPage(`${base}/requests`, { ...filters, before: String(rows.at(-1)?.id) }, listed.length > PER_PAGE)}
<p class="pages"><a href="${base}/requests.har${queryOf(filters)}" download>Save as HTTP Archive (HAR)</a></p>`,
      };
    },
  },
  {
    method: 'GET',
    path: '/requests.har',
    async serve(context) {
      const { controls } = context.world;
      const exchanges = listNewest(context.world, MAX_LISTED, filterOf(context))
        .toReversed()
        .flatMap(({ id }) => controls.findExchange(id) ?? []);
      const described = await describeExchanges(exchanges, controls.origins(), controls.switches);
      const entries = described.map((each, index) => ({
        described: each,
        origin: new URL(exchanges[index]!.request.targetUri).origin,
        verdict: verdictOf(context.world, each.id),
      }));
      return {
        name: 'touchstone.har',
        type: 'application/json; charset=utf-8',
        content: renderHar(controls.version, entries),
      };
    },
  },
];
