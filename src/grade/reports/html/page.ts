/**
 * The report as one HTML file that loads nothing: no script, no image, no font. Its policy forbids all of them, so text
 * of a request that slipped through as markup would still do nothing (CSP Level 3 §3.3).
 */
import { ICON, styleSourceOf } from '../../../html/appearance.ts';
import { type Html, html, rawHtml } from '../../../html/html.ts';
import type { Report } from '../../report.ts';
import {
  commandLine,
  countLevels,
  countProbes,
  decisiveExchanges,
  durationOf,
  endOf,
  type LevelCount,
  percent,
  verdictsOf,
} from '../summary.ts';
import { listExchanges } from './exchanges.ts';
import { renderFlow } from './flow.ts';
import { plural, shown } from './pieces.ts';
import { STYLE } from './style.ts';
import { renderProbes, renderVerdicts } from './verdicts.ts';

const policy = `default-src 'none'; style-src ${styleSourceOf(STYLE)}; img-src data:; base-uri 'none'; form-action 'none'`;

export function renderHtml(report: Report): string {
  const { exchanges, section } = listExchanges(report);
  const listed = new Set(exchanges.map(({ id }) => id));
  const flow = renderFlow(report, exchanges, {
    failures: new Set(decisiveExchanges(report, ['fail'])),
    warnings: new Set(decisiveExchanges(report, ['warning'])),
  });
  const probes = renderProbes(report);
  const links = [
    ['requirements', 'Requirements'],
    ...(probes ? [['probes', 'Probes']] : []),
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
<title>Open Payments client: ${report.result}</title>
<link rel="icon" href="${ICON}">
<style>${rawHtml(STYLE)}</style>
</head>
<body>
<a class="skip" href="#requirements">Skip to the requirements</a>
<header>
<p class="brand">Touchstone</p>
<h1>Open Payments client: ${report.result}</h1>
</header>
<nav aria-label="Sections"><ul>${links.map(([id, name]) => html`<li><a href="#${id!}">${name!}</a></li>`)}</ul></nav>
<main>
${renderSummary(report)}
${renderVerdicts(report, listed)}
${probes}
${flow}
${section}
</main>
<footer>Touchstone ${shown(report.version)}, Open Payments ${shown(report.spec)}. This file loads nothing and contains no secrets.</footer>
</body>
</html>
`;
  return page.text;
}

function renderSummary(report: Report): Html {
  const { must, should, note } = countLevels(report);
  const traps = countProbes(report);
  const { coverage, reasons, stale } = report;
  const number = (label: string, value: number, kind = ''): Html =>
    html`<li${value > 0 ? html` class="${kind}"` : ''}><b>${String(value)}</b><small>${label}</small></li>`;
  return html`<section id="summary" aria-labelledby="summary-title">
<h2 id="summary-title">Summary</h2>
${reasons.length > 0 ? html`<ul>${reasons.map((reason) => html`<li>${shown(reason)}</li>`)}</ul>` : undefined}
<ul class="tiles">
${figure('must', 'musts met', must, 'fail')}
${figure('should', 'shoulds met', should, 'warning')}
${figure('note', 'notes met', note, 'note')}
${traps.total > 0 ? figure('probes', 'probes passed', traps, 'fail') : undefined}
${number('expected failures', verdictsOf(report, 'expected').length)}
${number('stale', stale.length, 'fail')}
${number('not exercised', verdictsOf(report, 'not-exercised').length)}
</ul>
${renderFacts(report)}
${stale.length > 0 ? html`<p><b>Stale:</b> ${stale.join(', ')}, met now and still in the baseline.</p>` : undefined}
${
  coverage.missing.length > 0
    ? html`<details><summary>${plural(coverage.missing.length, 'operation')} never called</summary><div class="body">${shown(coverage.missing.join(', '))}</div></details>`
    : undefined
}
</section>`;
}

/** `kind` is the colour if some are not met. */
const figure = (name: string, label: string, { met, judged }: LevelCount, kind: string): Html =>
  html`<li class="${judged === 0 ? '' : met === judged ? 'pass' : kind}"><b>${String(met)}/${String(judged)}</b><small>${label}</small>
<meter min="0" max="${String(Math.max(judged, 1))}" value="${String(met)}" aria-label="${name}">${String(met)} of ${String(judged)}</meter></li>`;

function renderFacts(report: Report): Html {
  const { profile, requirements, seed, startedAt, milliseconds, coverage, exchanges } = report;
  const command = commandLine(report);
  const { operations, statuses } = coverage;
  const facts: readonly (readonly [string, Html | string])[] = [
    ['Profile', shown(profile)],
    ['Requirements', shown(requirements)],
    ['Seed', seed === null ? 'random' : shown(seed)],
    ['Started', html`<time datetime="${startedAt}">${startedAt.replace('T', ' ').replace(/\.\d+Z$/, ' UTC')}</time>`],
    ['Duration', durationOf(milliseconds)],
    ['Requests', String(exchanges.length)],
    ['Operations', `${operations.seen} of ${operations.declared}`],
    ['Statuses', `${statuses.seen} of ${statuses.declared} (${percent(statuses)})`],
  ];
  return html`<dl class="facts">
<div class="wide"><dt>Command</dt><dd>${command === '' ? '' : html`<code>${shown(command)}</code> `}${endOf(report)}</dd></div>
${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}
</dl>`;
}
