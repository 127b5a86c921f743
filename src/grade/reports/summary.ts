/** Counts and lists that several formats of a report show. */
import { type Area, areaNames, type RequirementId, requirements } from '../catalogue.ts';
import type { ProbeId } from '../probes.ts';
import { linkTo } from '../references.ts';
import type { Report, Verdict } from '../report.ts';
import { type Level, levels } from '../requirement.ts';

/** The meaning of a verdict for the run: its status, or that the baseline expects the violation. */
export type Standing = Verdict['status'] | 'expected';

const violations: ReadonlySet<string> = new Set(['fail', 'warning', 'note']);

export const standingOf = ({ status, expected }: Verdict): Standing =>
  expected !== undefined && violations.has(status) ? 'expected' : status;

/** The most serious first. */
export const standings = [
  'fail',
  'warning',
  'note',
  'expected',
  'inconclusive',
  'pass',
  'not-exercised',
] as const satisfies readonly Standing[];

export const verdictsOf = ({ verdicts }: Report, standing: Standing): Verdict[] =>
  verdicts.filter((verdict) => standingOf(verdict) === standing);

export interface LevelCount {
  readonly met: number;
  /** Met or not met. */
  readonly judged: number;
  readonly total: number;
}

export function countLevels({ verdicts }: Report): Record<Level, LevelCount> {
  const count = (level: Level): LevelCount => {
    const all = verdicts.filter((verdict) => verdict.level === level);
    const met = all.filter(({ status }) => status === 'pass').length;
    return { met, judged: met + all.filter(({ status }) => violations.has(status)).length, total: all.length };
  };
  return Object.fromEntries(levels.map((level) => [level, count(level)])) as Record<Level, LevelCount>;
}

export function countProbes({ probes }: Report): LevelCount {
  const met = probes.filter(({ result }) => result === 'pass').length;
  const failed = probes.filter(({ result }) => result === 'fail').length;
  return { met, judged: met + failed, total: probes.length };
}

/** Evidence for a violation: a finding about the wire, or a probe. */
export interface Case {
  readonly detail: string;
  readonly expected?: string;
  readonly actual?: string;
  readonly firstDifference?: number;
  readonly exchange?: number;
  readonly probe?: ProbeId;
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
    if (!probe || (probe.result !== 'fail' && !probe.weak)) return [];
    return [{ detail: probe.detail, probe: id }];
  });
  return [...wire, ...trapped];
}

/** The numbers of the exchanges that decided about violations of these kinds, the most serious first. */
export function decisiveExchanges(report: Report, of: readonly Standing[] = standings): number[] {
  const ordered = standings.filter((standing) => of.includes(standing)).flatMap((each) => verdictsOf(report, each));
  const cases = ordered.flatMap((verdict) => casesOf(report, verdict));
  return [...new Set(cases.flatMap(({ exchange }) => exchange ?? []))];
}

/** The reason why nothing can be said about a requirement. */
export const reasonOf = ({ reason }: Verdict): string => reason ?? 'a fault of the test server';

export const areaOf = (id: RequirementId): Area => areaNames.find((area) => id.startsWith(`${area}-`))!;

export const citationsOf = (id: RequirementId): { citation: string; url: string }[] =>
  requirements[id].references.map((citation) => ({ citation, url: linkTo(citation) }));

export const percent = ({ seen, declared }: { readonly seen: number; readonly declared: number }): string =>
  declared === 0 ? '–' : `${Math.floor((100 * seen) / declared)} %`;

/** The command as one line of a shell. Empty for a world that was attached to. */
export const commandLine = ({ command }: Report): string =>
  command === null ? '' : command.command.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : quote(word))).join(' ');

const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

export function endOf({ command }: Report): string {
  if (command === null) return 'attached to a running world';
  if (command.timedOut) return 'timed out';
  if (command.signal !== null) return `ended by ${command.signal}`;
  return command.exitCode === null ? 'did not start' : `exit ${command.exitCode}`;
}

/** At least one decimal below ten seconds. */
export function durationOf(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
}
