/** The conclusion of a run: which verdicts count, what is expected, and whether the run has passed. */
import type { ProfileName } from '../profile.ts';
import type { Status } from '../report/view.ts';
import type { RequirementId } from './catalogue.ts';
import { probes as allProbes, type ProbeId } from './probes.ts';
import type { ProbeVerdict, Report, Verdict } from './report.ts';
import type { RequirementSet } from './requirement-sets.ts';
import { withLevel, withProbe } from './status.ts';

/** A violation that is known, so that it does not fail a run. */
export interface BaselineEntry {
  readonly id: RequirementId;
  readonly reason: string;
  /** The probes that showed the violation. It can be stale only in a run of them. */
  readonly probes?: readonly ProbeId[];
}

export interface ConclusionOptions {
  readonly set: RequirementSet;
  /** Only these requirements count. Default: all of the set. */
  readonly only?: readonly RequirementId[] | undefined;
  /** Violations of recommendations fail the run. */
  readonly should?: boolean;
  readonly baseline?: readonly BaselineEntry[];
  /** Percentage of the declared statuses that the client must have seen. */
  readonly minCoverage?: number | undefined;
}

/** Everything about a run that does not depend on the options of its conclusion. */
export interface RunFacts extends Omit<Report, 'requirements' | 'result' | 'exitCode' | 'reasons' | 'stale'> {
  readonly profile: ProfileName;
  /** Why the run says nothing about the client, one sentence each. */
  readonly broken: readonly string[];
}

export function concludeRun({ broken: brokenBy, ...facts }: RunFacts, options: ConclusionOptions): Report {
  const { set, baseline = [], minCoverage } = options;
  const verdicts = selectVerdicts(facts, options);
  const ran = new Set(facts.probes.map(({ id }) => id));
  const stale = baseline
    .filter(({ probes }) => probes === undefined || probes.every((probe) => ran.has(probe)))
    .filter(({ id }) => verdicts.some((verdict) => verdict.id === id && verdict.status === 'pass'))
    .map(({ id }) => id);
  const broken = [...brokenBy, ...describeServerFaults(facts.probes)];
  const failed = [
    ...describeFailures(verdicts),
    ...describeSilence(facts, verdicts),
    ...stale.map((id) => `the baseline lists ${id}, which is met now: remove it from the baseline`),
    ...describeLowCoverage(facts, minCoverage),
  ];
  const exitCode = broken.length > 0 ? 2 : failed.length > 0 ? 1 : 0;
  return {
    ...facts,
    requirements: set.name,
    verdicts,
    stale,
    exitCode,
    result: (['passed', 'failed', 'broken'] as const)[exitCode],
    reasons: [...broken, ...failed],
  };
}

/** The declared statuses that were seen, in percent, rounded down. */
export const coveragePercent = ({ statuses: { seen, declared } }: Report['coverage']): number =>
  declared === 0 ? 0 : Math.floor((100 * seen) / declared);

function selectVerdicts(
  facts: Pick<RunFacts, 'verdicts' | 'profile' | 'probes'>,
  options: ConclusionOptions,
): Verdict[] {
  const { set, only, should, baseline = [] } = options;
  const reasons = new Map(baseline.map(({ id, reason }) => [id, reason]));
  return facts.verdicts.flatMap((verdict) => {
    const level = set.levelOf(verdict.id, facts.profile);
    if (level === undefined || (only && !only.includes(verdict.id))) return [];
    const judging = facts.probes.filter(({ id }) => allProbes[id].judges.includes(verdict.id));
    const judged = judging.reduce(withProbe, withLevel(verdict, level));
    const status = should && level === 'should' && judged.status === 'warning' ? 'fail' : judged.status;
    const expected = isViolation(status) ? reasons.get(verdict.id) : undefined;
    return [{ ...judged, status, ...(expected !== undefined && { expected }) }];
  });
}

const isViolation = (status: Status): boolean => ['fail', 'warning', 'note'].includes(status);

const MAX_LISTED = 10;

/** The ids that count, the first ones by name. */
function describeFailures(verdicts: readonly Verdict[]): string[] {
  const ids = verdicts
    .filter(({ status, expected }) => status === 'fail' && expected === undefined)
    .map(({ id }) => id);
  if (ids.length === 0) return [];
  const more = ids.length > MAX_LISTED ? ` and ${ids.length - MAX_LISTED} more` : '';
  const verb = ids.length === 1 ? '1 requirement is' : `${ids.length} requirements are`;
  return [`${verb} not met: ${ids.slice(0, MAX_LISTED).join(', ')}${more}`];
}

function describeSilence(
  { coverage, probes }: Pick<RunFacts, 'coverage' | 'probes'>,
  verdicts: readonly Verdict[],
): string[] {
  if (coverage.operations.seen === 0 && !probes.some(({ facts }) => facts.reached)) {
    return ['nothing was exercised: no operation of Open Payments was called in this world'];
  }
  return verdicts.every(({ applied, probes: judging }) => applied === 0 && judging.every(isNotExercised))
    ? ['nothing was exercised: no request concerned any of the requirements']
    : [];
}

const isNotExercised = ({ result }: Verdict['probes'][number]): boolean => result === 'not-exercised';

function describeLowCoverage({ coverage }: Pick<RunFacts, 'coverage'>, minimum: number | undefined): string[] {
  const percent = coveragePercent(coverage);
  return minimum === undefined || percent >= minimum
    ? []
    : [`the client saw ${percent} % of the declared statuses, which is less than ${minimum} %`];
}

const describeServerFaults = (probes: readonly ProbeVerdict[]): string[] =>
  probes
    .filter(({ result }) => result === 'inconclusive')
    .map(({ id, detail }) => `probe ${id} was inconclusive: ${detail}`);
