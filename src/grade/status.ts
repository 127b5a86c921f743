/** Statuses of verdicts, by the level of a requirement and the findings about it. */

import type { Status } from '../report/view.ts';
import type { Finding } from './judge.ts';
import { type ProbeVerdict, resultFor, type Verdict } from './report.ts';
import type { Level } from './requirement.ts';

/** The most findings that a verdict has. */
export const MAX_FINDINGS = 10;

/** The worst finding counts. */
export function statusOf(level: Level, findings: readonly Finding[], applied: number): Status {
  const found = findings.map((finding) => statusOfFinding(level, finding));
  const [worst] = (['fail', 'warning', 'note'] as const).filter((status) => found.includes(status));
  return worst ?? (applied > 0 ? 'pass' : 'not-exercised');
}

function statusOfFinding(level: Level, { outcome, tolerated }: Finding): 'fail' | 'warning' | 'note' {
  if (tolerated || level === 'note') return 'note';
  const isWeak = outcome === 'weak';
  if (level === 'should') return isWeak ? 'note' : 'warning';
  return isWeak ? 'warning' : 'fail';
}

/** The verdict as one at another level. An inconclusive one stays so. */
export function withLevel(verdict: Verdict, level: Level): Verdict {
  if (level === verdict.level) return verdict;
  const isJudged = verdict.status !== 'inconclusive' && verdict.status !== 'not-exercised';
  return {
    ...verdict,
    level,
    status: isJudged ? statusOf(level, verdict.findings, verdict.applied) : verdict.status,
  };
}

/** From the best to the worst. */
const order: readonly Status[] = ['not-exercised', 'pass', 'inconclusive', 'note', 'warning', 'fail'];

const worst = (one: Status, other: Status): Status => (order.indexOf(one) < order.indexOf(other) ? other : one);

/** The verdict with the result of a probe that judges its requirement. */
export function withProbe(verdict: Verdict, probe: ProbeVerdict): Verdict {
  const { id } = probe;
  const { result, weak } = resultFor(probe, verdict.id);
  const probes = verdict.probes.concat({ id, result });
  if (result === 'not-exercised') return { ...verdict, probes };
  const finding: Finding = { outcome: weak ? 'weak' : 'violation' };
  const isMet = result === 'pass' && !weak;
  const status = result === 'inconclusive' ? result : statusOf(verdict.level, isMet ? [] : [finding], 1);
  return { ...verdict, probes, status: worst(verdict.status, status) };
}
