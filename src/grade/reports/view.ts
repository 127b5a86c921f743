/** A graded run as every format shows it. */
import type { Case, ShownSignature, ShownVerdict, View } from '../../report/view.ts';
import { areaNames, areas, type RequirementId, requirementIds, requirements } from '../catalogue.ts';
import type { DescribedExchange } from '../describe-exchange.ts';
import { probes } from '../probes.ts';
import { type Report, resultFor, type Verdict } from '../report.ts';
import { levels } from '../requirement.ts';
import { renderProbes } from './html/probes.ts';
import { renderSignature, signatureResults } from './html/signature.ts';
import { areaOf, citationsOf, commandLine, countLevels, countProbes, endOf, standingOf } from './summary.ts';

const weights = { must: 'fail', should: 'warning', note: 'note' } as const;

export function viewOf(report: Report): View<DescribedExchange> {
  const counts = countLevels(report);
  const section = renderProbes(report, explainSignature);
  return {
    program: 'touchstone grade',
    subject: 'client',
    noun: 'requirement',
    words: { pass: 'met', inconclusive: 'inconclusive', 'not-exercised': 'not exercised' },
    ...report,
    target: commandLine(report),
    targetName: 'Command',
    end: endOf(report),
    remarks: [],
    areas: areaNames.map((area) => [area, areas[area]] as const),
    rules: requirementIds.map(ruleOf),
    verdicts: report.verdicts.map((verdict) => showVerdict(report, verdict)),
    levels: levels.map((name) => ({ name, weight: weights[name], ...counts[name] })),
    ...(report.probes.length > 0 ? { probes: countProbes(report) } : { probes: undefined }),
    requests: report.coverage.requests,
    explainSignature,
    sections: section ? [{ id: 'probes', title: 'Probes', content: section }] : [],
  };
}

function ruleOf(id: RequirementId) {
  const { title, statement, why, fix, level } = requirements[id];
  return { id, area: areaOf(id), title, statement, why, fix, level, references: citationsOf(id) };
}

function showVerdict(report: Report, verdict: Verdict): ShownVerdict {
  const { id, level, status, applied, violations, findings, reason, expected } = verdict;
  return {
    rule: ruleOf(id),
    ...{ level, status, applied, violations },
    standing: standingOf(verdict),
    hidden: violations - findings.length,
    cases: casesOf(report, verdict),
    ...(status === 'inconclusive' && { reason: reason ?? 'a fault of the test server' }),
    ...(expected !== undefined && { expected }),
    fingerprint: verdict.probes.map((probe) => probe.id),
  };
}

/** The violations of a verdict, and the probes that failed or met a weak reaction. */
export function casesOf(report: Report, verdict: Verdict): Case[] {
  const wire = verdict.findings
    .filter(({ outcome }) => outcome !== 'pass')
    .map(({ detail = 'not met', tolerated, ...finding }) => ({
      ...finding,
      detail: tolerated ? `${detail}, which this profile tolerates` : detail,
    }));
  const trapped = verdict.probes.flatMap(({ id }) => {
    const probe = report.probes.find((each) => each.id === id);
    if (!probe) return [];
    const { result, weak, detail } = resultFor(probe, verdict.id);
    return result === 'fail' || weak ? [{ detail, probe: { id, name: probes[id].name } }] : [];
  });
  return [...wire, ...trapped];
}

function explainSignature({ signature }: DescribedExchange): ShownSignature {
  const [word, kind] = signatureResults[signature.result];
  return {
    ...(signature.result !== 'unsigned' && { pill: [word, kind] as const }),
    body: renderSignature(signature),
  };
}
