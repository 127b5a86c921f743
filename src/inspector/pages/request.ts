/** One request: as received and answered, its signature, the requirements that it met and broke, and how to repeat it. */
import { Problem } from '../../errors.ts';
import { requirements } from '../../grade/catalogue.ts';
import { describeExchange } from '../../grade/describe-exchange.ts';
import type { ExchangeVerdict } from '../../grade/grader.ts';
import { renderSignature } from '../../grade/reports/html/signature.ts';
import { type Html, html } from '../../html/html.ts';
import type { TracedExchange } from '../../http/request-trace.ts';
import { renderExchangeBody } from '../../report/html/exchanges.ts';
import { sentence, shown } from '../../report/html/pieces.ts';
import { toCurl } from '../curl.ts';
import { facts, pill, section, statusPill, table, time } from '../pieces.ts';
import type { InspectedWorld, Route } from '../route.ts';

const columns = [{ name: 'Requirement' }, { name: 'Verdict' }, { name: 'What was wrong', isText: true }];
const order = ['fail', 'warning', 'note'];

function renderVerdicts(verdicts: readonly ExchangeVerdict[], base: string): Html {
  const [met, broken] = [true, false].map((isMet) => verdicts.filter(({ status }) => (status === 'pass') === isMet));
  const sorted = broken!.toSorted((one, other) => order.indexOf(one.status) - order.indexOf(other.status));
  return html`${sorted.length > 0 ? renderTable('broken', sorted, base) : html`<p>None is broken.</p>`}
${met!.length > 0 ? html`<details><summary>${String(met!.length)} met</summary>${renderTable('met', met!, base)}</details>` : undefined}`;
}

const renderTable = (scope: string, verdicts: readonly ExchangeVerdict[], base: string): Html =>
  table(
    `verdicts-${scope}`,
    `Requirements, ${scope}`,
    columns,
    verdicts.map(({ id, level, status, describe }) => ({
      id,
      cells: [
        html`<a href="${base}/report#${id}">${id}</a> ${sentence(requirements[id].title)} <span class="soft">${level}</span>`,
        pill(status),
        describe().map(({ detail, expected, actual }) => [
          sentence(detail ?? ''),
          expected === undefined ? undefined : html`<p class="soft">expected <code>${shown(expected, 300)}</code></p>`,
          actual === undefined ? undefined : html`<p class="soft">actual <code>${shown(actual, 300)}</code></p>`,
        ]),
      ],
    })),
  );

function expectExchange({ controls }: InspectedWorld, text: string): TracedExchange {
  const exchange = /^[1-9]\d{0,14}$/.test(text) ? controls.findExchange(Number(text)) : undefined;
  if (!exchange) throw new Problem('not_found', { description: 'This request is not recorded, or no longer.' });
  return exchange;
}

export const requestPage: Route = {
  method: 'GET',
  path: '/requests/:id',
  async serve({ world, base, params }) {
    const { controls } = world;
    const exchange = expectExchange(world, params['id']!);
    const described = describeExchange(exchange, controls.origins(), controls.switches);
    const { id, operation, ase, status, at, ms, fault } = described;
    const verdicts = controls.verdictsOf?.(id);
    const { origin } = new URL(exchange.request.targetUri);
    return {
      title: `Request ${id}`,
      content: html`${section(
        'about',
        shown(operation, 60),
        facts([
          ['Status', statusPill(status)],
          ['ASE', shown(ase, 30)],
          ['Answered', time(at)],
          ['Duration', `${ms} ms`],
          ['Injected fault', fault === undefined ? 'none' : pill(fault, 'warning')],
          ['Around it', html`<a href="${base}/flow?before=${String(id + 11)}">in the flow</a>`],
        ]),
      )}
${section('exchange', 'Request and answer', renderExchangeBody(described, renderSignature(described.signature)))}
${section(
  'requirements',
  'Requirements on clients',
  verdicts === undefined
    ? html`<p class="soft">This request was not judged: it is one of the servers', or grading is off.</p>`
    : renderVerdicts(verdicts, base),
)}
${section(
  'curl',
  'As a command',
  html`<p class="soft">Secrets are hidden: put in your own token, and sign the request anew.</p><pre data-copy="Copy as curl"><code>${toCurl(described, origin).split('\n')}</code></pre>`,
)}`,
    };
  },
};
