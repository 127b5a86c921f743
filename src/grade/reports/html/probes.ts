/** The probes as a section of the page. */
import { type Html, html } from '../../../html/html.ts';
import { commaSeparated, sentence } from '../../../report/html/pieces.ts';
import { durationOf } from '../../../report/view.ts';
import { type ProbeFacts, probes } from '../../probes.ts';
import type { ProbeVerdict, Report } from '../../report.ts';

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
