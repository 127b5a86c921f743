/** Counts and texts of a graded run. */
import type { LevelCount, Standing } from '../../report/view.ts';
import { type Area, areaNames, type RequirementId, requirements } from '../catalogue.ts';
import { linkTo } from '../references.ts';
import type { Report, Verdict } from '../report.ts';
import { type Level, levels } from '../requirement.ts';

const violations: ReadonlySet<string> = new Set(['fail', 'warning', 'note']);

export const standingOf = ({ status, expected }: Verdict): Standing =>
  expected !== undefined && violations.has(status) ? 'expected' : status;

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

export const areaOf = (id: RequirementId): Area => areaNames.find((area) => id.startsWith(`${area}-`))!;

export const citationsOf = (id: RequirementId): { citation: string; url: string }[] =>
  requirements[id].references.map((citation) => ({ citation, url: linkTo(citation) }));

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
