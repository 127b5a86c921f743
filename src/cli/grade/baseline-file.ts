/** The baseline of `touchstone grade`. */
import { ConfigError } from '../../errors.ts';
import { requirementIds } from '../../grade/catalogue.ts';
import type { BaselineEntry } from '../../grade/conclusion.ts';
import { type ProbeId, probeIds } from '../../grade/probes.ts';
import type { Report, Verdict } from '../../grade/report.ts';
import { casesOf } from '../../grade/reports/view.ts';
import { type EntryReader, printBaseline as printEntries, readId } from '../../report/baseline.ts';

export const baselineReader: EntryReader<BaselineEntry> = {
  members: ['probes'],
  read({ id, probes }, reason, place) {
    if (probes !== undefined && !Array.isArray(probes)) throw new ConfigError(`${place}: probes is not a list`);
    return {
      id: readId(id, requirementIds, place),
      reason,
      ...(probes !== undefined && { probes: probes.map((probe) => readId<ProbeId>(probe, probeIds, place)) }),
    };
  },
};

/** The violations of a run as a file. Reasons that the earlier baseline gave stay. */
export const printBaseline = (report: Report, earlier: readonly BaselineEntry[]): string =>
  printEntries(
    'touchstone grade',
    report.verdicts
      .filter(({ status }) => status === 'fail')
      .map((verdict) => earlier.find(({ id }) => id === verdict.id) ?? describeViolation(report, verdict)),
  );

function describeViolation(report: Report, verdict: Verdict): BaselineEntry {
  const { id, probes } = verdict;
  const failed = probes.filter(({ result }) => result === 'fail').map((probe) => probe.id);
  return {
    id,
    reason: casesOf(report, verdict)[0]?.detail ?? 'known violation',
    ...(failed.length > 0 && { probes: failed }),
  };
}
