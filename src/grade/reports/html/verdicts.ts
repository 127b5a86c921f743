/** The requirements by area, each with verdict, reason, references, fix and evidence, and the probes. */
import { type Html, html } from '../../../html/html.ts';
import { areaNames, areas, requirements } from '../../catalogue.ts';
import { type ProbeFacts, probes } from '../../probes.ts';
import type { ProbeVerdict, Report, Verdict } from '../../report.ts';
import {
  areaOf,
  type Case,
  casesOf,
  citationsOf,
  durationOf,
  reasonOf,
  type Standing,
  standingOf,
  standings,
  verdictsOf,
} from '../summary.ts';
import { join, marked, plural, sentence, shown } from './pieces.ts';

const standingNames: Readonly<Record<Standing, string>> = {
  fail: 'Failed',
  warning: 'Warning',
  note: 'Note',
  expected: 'Expected failure',
  inconclusive: 'Inconclusive',
  pass: 'Met',
  'not-exercised': 'Not exercised',
};

const pill = (standing: Standing): Html => html`<span class="pill ${standing}">${standingNames[standing]}</span>`;

/** `listed` are the numbers of the exchanges that the page contains. */
export function renderVerdicts(report: Report, listed: ReadonlySet<number>): Html {
  const isQuiet = report.verdicts.every((verdict) => quiet.has(standingOf(verdict)));
  return html`<section id="requirements" aria-labelledby="requirements-title">
<h2 id="requirements-title">Requirements</h2>
<fieldset><legend>Show</legend>
${standings.map((standing) =>
  checkBox(standing, verdictsOf(report, standing).length, standing === 'pass' ? isQuiet : !quiet.has(standing)),
)}
</fieldset>
<fieldset><legend>Area</legend>
<label><input type="radio" name="area" id="only-all" autocomplete="off" checked>All</label>
${areaNames.map(
  (area) => html`<label><input type="radio" name="area" id="only-${area}" autocomplete="off">${areas[area]}</label>`,
)}
</fieldset>
${areaNames.map((area) => {
  const verdicts = report.verdicts.filter(({ id }) => areaOf(id) === area);
  if (verdicts.length === 0) return undefined;
  return html`<div class="area" id="${area}">
<header><h3>${areas[area]}</h3><span class="soft">${describeCounts(verdicts)}</span></header>
${verdicts.map((verdict) => renderVerdict(report, verdict, listed))}
</div>`;
})}
</section>`;
}

/** Verdicts that need no attention are hidden at first. */
const quiet: ReadonlySet<Standing> = new Set(['pass', 'not-exercised']);

const checkBox = (standing: Standing, number: number, isChecked: boolean): Html =>
  html`<label><input type="checkbox" id="show-${standing}" autocomplete="off"${isChecked ? html` checked` : ''}>${standingNames[standing]} <b>${String(number)}</b></label>`;

const describeCounts = (verdicts: readonly Verdict[]): string =>
  standings
    .map((standing) => [standing, verdicts.filter((verdict) => standingOf(verdict) === standing).length] as const)
    .filter(([, number]) => number > 0)
    .map(([standing, number]) => `${number} ${standingNames[standing].toLowerCase()}`)
    .join(', ');

function renderVerdict(report: Report, verdict: Verdict, listed: ReadonlySet<number>): Html {
  const { id, level, applied, violations, expected } = verdict;
  const { title, statement, why, fix } = requirements[id];
  const standing = standingOf(verdict);
  const cases = casesOf(report, verdict);
  const often =
    violations > 0 ? `${violations} of ${plural(applied, 'case')}` : applied > 0 ? plural(applied, 'case') : '';
  const more = violations - verdict.findings.length;
  return html`<details class="verdict ${standing}"${standing === 'fail' ? html` open` : ''}>
<summary><span class="id">${id}</span><span class="name">${sentence(title)}</span><span class="soft">${level}</span>
<span class="soft">${often}</span>${pill(standing)}</summary>
<div class="body" id="${id}">
<p>${sentence(statement)}</p>
<p class="soft">${sentence(why)}</p>
${standing === 'inconclusive' ? html`<p><b>Inconclusive:</b> ${shown(reasonOf(verdict))}</p>` : undefined}
${expected === undefined ? undefined : html`<p><b>Expected:</b> ${shown(expected)}</p>`}
${cases.map((each) => renderCase(each, listed))}
${more > 0 && cases.length > 0 ? html`<p class="soft">and ${plural(more, 'more case')}</p>` : undefined}
${standing === 'pass' ? undefined : html`<p class="fix"><b>Fix</b> ${sentence(fix)}</p>`}
<p class="soft">${commaSeparated(citationsOf(id).map(({ citation, url }) => html`<a href="${url}">${citation}</a>`))}</p>
</div>
</details>`;
}

const commaSeparated = (pieces: readonly Html[]): Html =>
  join(pieces.flatMap((piece, index) => (index === 0 ? [piece] : [', ', piece])));

function renderCase(each: Case, listed: ReadonlySet<number>): Html {
  const { detail, expected, actual, firstDifference, exchange, probe } = each;
  const value = (label: string, text: string | undefined) =>
    text === undefined ? undefined : html`<span class="soft">${label}</span>${marked(text, firstDifference)}`;
  const values = expected !== undefined || actual !== undefined;
  return html`<div class="case">
<p>${exchange === undefined ? '' : html`${linkToExchange(exchange, listed)} `}${
    probe === undefined ? '' : html`<a href="#${probe}">Probe ${probe}</a> `
  }${sentence(detail)}</p>
${values ? html`<div class="values">${value('expected', expected)}${value('actual', actual)}</div>` : undefined}
${firstDifference === undefined ? undefined : html`<p class="soft">first difference at byte ${String(firstDifference)}</p>`}
</div>`;
}

const linkToExchange = (exchange: number, listed: ReadonlySet<number>): Html =>
  listed.has(exchange)
    ? html`<a href="#exchange-${String(exchange)}">Exchange ${String(exchange)}</a>`
    : html`Exchange ${String(exchange)}`;

const results: Readonly<Record<ProbeVerdict['result'], string>> = {
  pass: 'Passed',
  fail: 'Failed',
  'not-exercised': 'Not exercised',
  inconclusive: 'Inconclusive',
};

export function renderProbes({ probes: verdicts }: Report): Html | undefined {
  if (verdicts.length === 0) return undefined;
  return html`<section id="probes" aria-labelledby="probes-title">
<h2 id="probes-title">Probes</h2>
<p class="soft">A probe runs the command again while the server misbehaves, or behaves unusually. A client that does nothing never passes.</p>
<table class="probes">
<thead><tr><th scope="col">Probe</th><th scope="col">Result</th><th scope="col">What decided</th><th scope="col">Judges</th></tr></thead>
<tbody>
${verdicts.map(renderProbe)}
</tbody>
</table>
</section>`;
}

function renderProbe({ id, result, weak, facts, detail, milliseconds }: ProbeVerdict): Html {
  const { title, judges } = probes[id];
  return html`<tr id="${id}">
<th scope="row"><span class="name">${id} ${sentence(title)}</span></th>
<td><span class="pill ${weak && result === 'pass' ? 'warning' : result}">${results[result]}${weak ? ', weakly' : ''}</span></td>
<td>${sentence(detail)}<br><span class="soft">${describeFacts(facts)}, ${durationOf(milliseconds)}</span></td>
<td>${commaSeparated(judges.map((judged) => html`<a href="#${judged}">${judged}</a>`))}</td>
</tr>`;
}

const describeFacts = (facts: ProbeFacts): string =>
  [
    `control run ${facts.controlPassed ? 'went on' : 'did not go on'}`,
    facts.armed ? (facts.reached ? 'trap reached' : 'trap not reached') : 'trap not armed',
    ...(facts.forbiddenSeen ? ['forbidden request seen'] : []),
    ...(facts.requiredSeen ? ['required request seen'] : []),
    ...(facts.killed ? ['killed at the deadline'] : []),
    ...(facts.serverFault ? ['fault of the test server'] : []),
  ].join(', ');
