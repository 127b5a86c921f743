/** The rules by area, each with verdict, reason, references, fix and evidence. */
import { type Html, html } from '../../html/html.ts';
import {
  type Case,
  count,
  isLink,
  type ShownVerdict,
  type Standing,
  standings,
  type View,
  verdictsOf,
} from '../view.ts';
import { commaSeparated, marked, sentence, shown } from './pieces.ts';

type Names = Readonly<Record<Standing, string>>;

const namesOf = ({ words }: View): Names => ({
  fail: 'Failed',
  warning: 'Warning',
  note: 'Note',
  expected: 'Expected failure',
  inconclusive: capitalise(words.inconclusive),
  pass: capitalise(words.pass),
  'not-exercised': capitalise(words['not-exercised']),
});

const capitalise = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

/** `listed` are the numbers of the exchanges that the page contains. */
export function renderVerdicts(view: View, listed: ReadonlySet<number>): Html {
  const names = namesOf(view);
  const areas = view.areas.filter(([area]) => view.verdicts.some(({ rule }) => rule.area === area));
  const isQuiet = view.verdicts.every(({ standing }) => quiet.has(standing));
  return html`<section id="requirements" aria-labelledby="requirements-title">
<h2 id="requirements-title">${capitalise(view.noun)}s</h2>
<fieldset><legend>Show</legend>
${standings.map((standing) =>
  checkBox(standing, names, verdictsOf(view, standing).length, standing === 'pass' ? isQuiet : !quiet.has(standing)),
)}
</fieldset>
<fieldset><legend>Area</legend>
<label><input type="radio" name="area" id="only-all" autocomplete="off" checked>All</label>
${view.areas.map(
  ([area, title]) => html`<label><input type="radio" name="area" id="only-${area}" autocomplete="off">${title}</label>`,
)}
</fieldset>
${areas.map(([area, title]) => {
  const verdicts = view.verdicts.filter(({ rule }) => rule.area === area);
  return html`<div class="area" id="${area}">
<header><h3>${title}</h3><span class="soft">${describeCounts(verdicts, names)}</span></header>
${verdicts.map((verdict) => renderVerdict(verdict, names, listed))}
</div>`;
})}
</section>`;
}

/** Verdicts that need no attention are hidden at first. */
const quiet: ReadonlySet<Standing> = new Set(['pass', 'not-exercised']);

const checkBox = (standing: Standing, names: Names, number: number, isChecked: boolean): Html =>
  html`<label><input type="checkbox" id="show-${standing}" autocomplete="off"${isChecked ? html` checked` : ''}>${names[standing]} <b>${String(number)}</b></label>`;

const describeCounts = (verdicts: readonly ShownVerdict[], names: Names): string =>
  standings
    .map((standing) => [standing, verdicts.filter((verdict) => verdict.standing === standing).length] as const)
    .filter(([, number]) => number > 0)
    .map(([standing, number]) => `${number} ${names[standing].toLowerCase()}`)
    .join(', ');

function renderVerdict(verdict: ShownVerdict, names: Names, listed: ReadonlySet<number>): Html {
  const { level, applied, violations, expected, standing, cases, hidden, reason } = verdict;
  const { id, title, statement, why, fix, references } = verdict.rule;
  const often =
    violations > 0 ? `${violations} of ${count(applied, 'case')}` : applied > 0 ? count(applied, 'case') : '';
  return html`<details class="verdict ${standing}"${standing === 'fail' ? html` open` : ''}>
<summary><span class="id">${id}</span><span class="name">${sentence(title)}</span><span class="soft">${level}</span>
<span class="soft">${often}</span><span class="pill ${standing}">${names[standing]}</span></summary>
<div class="body" id="${id}">
<p>${sentence(statement)}</p>
${why === '' ? undefined : html`<p class="soft">${sentence(why)}</p>`}
${reason === undefined ? undefined : html`<p><b>${names[standing]}:</b> ${shown(reason)}</p>`}
${expected === undefined ? undefined : html`<p><b>Expected:</b> ${shown(expected)}</p>`}
${cases.map((each) => renderCase(each, listed))}
${hidden > 0 && cases.length > 0 ? html`<p class="soft">and ${count(hidden, 'more case')}</p>` : undefined}
${standing === 'pass' ? undefined : html`<p class="fix"><b>Fix</b> ${sentence(fix)}</p>`}
<p class="soft">${commaSeparated(references.map(({ citation, url }) => (isLink(url) ? html`<a href="${url}">${citation}</a>` : html`${citation} (${url})`)))}</p>
</div>
</details>`;
}

const MAX_CURL = 10_000;

function renderCase(each: Case, listed: ReadonlySet<number>): Html {
  const { detail, expected, actual, firstDifference, exchange, probe, curl } = each;
  const value = (label: string, text: string | undefined) =>
    text === undefined ? undefined : html`<span class="soft">${label}</span>${marked(text, firstDifference)}`;
  const values = expected !== undefined || actual !== undefined;
  return html`<div class="case">
<p>${exchange === undefined ? '' : html`${linkToExchange(exchange, listed)} `}${
    probe === undefined ? '' : html`<a href="#${probe.id}">Probe ${probe.id}</a> `
  }${sentence(detail)}</p>
${values ? html`<div class="values">${value('expected', expected)}${value('actual', actual)}</div>` : undefined}
${firstDifference === undefined ? undefined : html`<p class="soft">first difference at byte ${String(firstDifference)}</p>`}
${curl === undefined ? undefined : html`<pre class="curl"><code>${shown(curl, MAX_CURL)}</code></pre>`}
</div>`;
}

const linkToExchange = (exchange: number, listed: ReadonlySet<number>): Html =>
  listed.has(exchange)
    ? html`<a href="#exchange-${String(exchange)}">Exchange ${String(exchange)}</a>`
    : html`Exchange ${String(exchange)}`;
