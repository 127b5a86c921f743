/**
 * The report as one HTML file that loads nothing: no script, no image, no font. Its policy forbids all of them, so text
 * of a request that slipped through as markup would still do nothing (CSP Level 3 §3.3).
 */
import { ICON, styleSourceOf } from '../../html/appearance.ts';
import { type Html, html, rawHtml } from '../../html/html.ts';
import { count, decisiveExchanges, durationOf, type LevelCount, percent, type View, verdictsOf } from '../view.ts';
import { listExchanges } from './exchanges.ts';
import { renderFlow, stepOfExchange } from './flow.ts';
import { shown } from './pieces.ts';
import { styleFor } from './style.ts';
import { renderVerdicts } from './verdicts.ts';

const styleOf = ({ areas }: View): string => styleFor(areas.map(([area]) => area));

/** The content security policy of the page, which it contains as well. */
export const policyOf = (view: View): string =>
  `default-src 'none'; style-src ${styleSourceOf(styleOf(view))}; img-src data:; base-uri 'none'; form-action 'none'`;

/** `home` is a page to which a server that shows the report leads back. */
export function renderHtml(view: View, home?: string): string {
  const style = styleOf(view);
  const policy = policyOf(view);
  const { exchanges, section } = listExchanges(view);
  const listed = new Set(exchanges.map(({ id }) => id));
  const failures = new Set(decisiveExchanges(view, ['fail']));
  const warnings = new Set(decisiveExchanges(view, ['warning']));
  const markOf = (id: number) => (failures.has(id) ? 'failure' : warnings.has(id) ? 'caution' : undefined);
  const steps = exchanges.map((exchange) => {
    const { id } = exchange;
    return stepOfExchange(exchange, html`<a href="#exchange-${String(id)}">#${String(id)}</a>`, markOf(id));
  });
  // The world needs time to start, which is not the client's.
  const flow = renderFlow(steps, { start: Date.parse(view.exchanges[0]?.receivedAt ?? view.startedAt) });
  const rules = `${view.noun}s`;
  const title = `Open Payments ${view.subject}: ${view.result}`;
  const links = [
    ['requirements', view.noun === 'check' ? 'Checks' : 'Requirements'],
    ...view.sections.map(({ id, title: name }) => [id, name] as const),
    ...(flow ? [['flow', 'Flow']] : []),
    ['exchanges', 'Exchanges'],
  ] as const;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<link rel="icon" href="${ICON}">
<style>${rawHtml(style)}</style>
</head>
<body>
<a class="skip" href="#requirements">Skip to the ${rules}</a>
<header>
<p class="brand">${home === undefined ? 'Touchstone' : html`<a href="${home}">Back to the inspector</a>`}</p>
<h1>${title}</h1>
</header>
<nav aria-label="Sections"><ul>${links.map(([id, name]) => html`<li><a href="#${id!}">${name!}</a></li>`)}</ul></nav>
<main>
${renderSummary(view)}
${renderVerdicts(view, listed)}
${view.sections.map(({ content }) => content)}
${flow}
${section}
</main>
<footer>Touchstone ${shown(view.version)}, Open Payments ${shown(view.spec)}. This file loads nothing and contains no secrets.</footer>
</body>
</html>
`;
  return page.text;
}

function renderSummary(view: View): Html {
  const { coverage, stale, levels, probes, words } = view;
  const reasons = [...view.reasons, ...view.remarks];
  const number = (label: string, value: number, kind = ''): Html =>
    html`<li${value > 0 ? html` class="${kind}"` : ''}><b>${String(value)}</b><small>${label}</small></li>`;
  return html`<section id="summary" aria-labelledby="summary-title">
<h2 id="summary-title">Summary</h2>
${reasons.length > 0 ? html`<ul>${reasons.map((reason) => html`<li>${shown(reason)}</li>`)}</ul>` : undefined}
<ul class="tiles">
${levels.map((level) => figure(level.name, `${level.name}s met`, level, level.weight))}
${probes ? figure('probes', 'probes passed', probes, 'fail') : undefined}
${number('expected failures', verdictsOf(view, 'expected').length)}
${number('stale', stale.length, 'fail')}
${number(words['not-exercised'], verdictsOf(view, 'not-exercised').length)}
</ul>
${renderFacts(view)}
${stale.length > 0 ? html`<p><b>Stale:</b> ${stale.join(', ')}, met now and still in the baseline.</p>` : undefined}
${
  coverage.missing.length > 0
    ? html`<details><summary>${count(coverage.missing.length, 'operation')} never called</summary><div class="body">${shown(coverage.missing.join(', '))}</div></details>`
    : undefined
}
</section>`;
}

/** `kind` is the colour if some are not met. */
const figure = (name: string, label: string, { met, judged }: LevelCount, kind: string): Html =>
  html`<li class="${judged === 0 ? '' : met === judged ? 'pass' : kind}"><b>${String(met)}/${String(judged)}</b><small>${label}</small>
<meter min="0" max="${String(Math.max(judged, 1))}" value="${String(met)}" aria-label="${name}">${String(met)} of ${String(judged)}</meter></li>`;

function renderFacts(view: View): Html {
  const { profile, requirements, seed, startedAt, milliseconds, coverage, target, targetName, end } = view;
  const { operations, statuses } = coverage;
  const facts: readonly (readonly [string, Html | string])[] = [
    ['Profile', shown(profile)],
    ['Requirements', shown(requirements)],
    ['Seed', seed === null ? 'random' : shown(seed)],
    ['Started', html`<time datetime="${startedAt}">${startedAt.replace('T', ' ').replace(/\.\d+Z$/, ' UTC')}</time>`],
    ['Duration', durationOf(milliseconds)],
    ['Requests', String(view.requests)],
    ['Operations', `${operations.seen} of ${operations.declared}`],
    ['Statuses', `${statuses.seen} of ${statuses.declared} (${percent(statuses)})`],
  ];
  return html`<dl class="facts">
<div class="wide"><dt>${targetName}</dt><dd>${target === '' ? '' : html`<code>${shown(target)}</code> `}${end}</dd></div>
${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}
</dl>`;
}
