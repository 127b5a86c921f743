/** The probes: what decided about each, and the evidence of its runs. */
import { type Html, html } from '../../../html/html.ts';
import { renderExchange } from '../../../report/html/exchanges.ts';
import { block, commaSeparated, sentence, shown } from '../../../report/html/pieces.ts';
import { count, durationOf, type ShownSignature } from '../../../report/view.ts';
import type { DescribedExchange } from '../../describe-exchange.ts';
import { type ProbeFacts, type ProbeResult, probes } from '../../probes.ts';
import type { ProbeRun, ProbeVerdict, Report } from '../../report.ts';

/** UTF-16 code units of the exchanges of all probes together. */
const MAX_SIZE = 2_500_000;

const results: Readonly<Record<ProbeVerdict['result'], string>> = {
  pass: 'Passed',
  fail: 'Failed',
  'not-exercised': 'Not exercised',
  inconclusive: 'Inconclusive',
};

type Explain = (exchange: DescribedExchange) => ShownSignature;

export function renderProbes({ probes: verdicts }: Report, explain: Explain): Html | undefined {
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
${renderEvidence(verdicts, explain)}
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

/** The results whose readers look for evidence come first where not all has a place. */
const ranks: Readonly<Record<ProbeResult, number>> = { fail: 0, inconclusive: 1, 'not-exercised': 2, pass: 3 };

interface Evidence {
  readonly verdict: ProbeVerdict;
  readonly run: ProbeRun;
  /** Tells the runs of the page apart. */
  readonly key: string;
}

function renderEvidence(verdicts: readonly ProbeVerdict[], explain: Explain): Html | undefined {
  const all = verdicts.flatMap((verdict): Evidence[] =>
    verdict.runs.map((run, index) => ({ verdict, run, key: `${verdict.id}-${index + 1}` })),
  );
  if (all.length === 0) return undefined;
  const pieces = new Map<string, ReadonlyMap<number, Html>>();
  let size = 0;
  for (const { run, key } of all.toSorted((one, other) => ranks[one.run.result] - ranks[other.run.result])) {
    const rendered = new Map<number, Html>();
    for (const exchange of run.exchanges) {
      const piece = renderExchange(exchange, explain(exchange), `${key}-`);
      if (size + piece.text.length > MAX_SIZE) continue;
      size += piece.text.length;
      rendered.set(exchange.id, piece);
    }
    pieces.set(key, rendered);
  }
  return html`<h3>Evidence</h3>
${all.map((each) => renderRun(each, pieces.get(each.key)!))}`;
}

function renderRun({ verdict: { id }, run, key }: Evidence, exchanges: ReadonlyMap<number, Html>): Html {
  const { round, result, decisive, output, exitCode, signal } = run;
  const links = decisive.map((number) =>
    exchanges.has(number) ? html`<a href="#${key}-exchange-${String(number)}">#${String(number)}</a>` : `#${number}`,
  );
  const omitted = run.omitted + run.exchanges.length - exchanges.size;
  const end = signal ?? (exitCode === null ? 'did not start' : `exit ${exitCode}`);
  return html`<details>
<summary><span class="id">${id}</span><span class="name">${sentence(probes[id].title)}${round === '' ? '' : html`, ${shown(round)}`}</span>
<span class="soft">${shown(end)}</span><span class="pill ${result}">${results[result]}</span></summary>
<div class="body" id="${key}">
${links.length > 0 ? html`<p>Decided by ${commaSeparated(links.map((link) => html`${link}`))}.</p>` : undefined}
${block(output === '' ? 'The command printed nothing.' : output)}
${[...exchanges.values()]}
${omitted > 0 ? html`<p class="soft">${count(omitted, 'exchange')} left out</p>` : undefined}
</div>
</details>`;
}
