/**
 * Completeness of a whole run against Touchstone itself: it has seen every declared answer with every branch of its
 * schema, and an answer that needs each action of the overlays. Exceptions have a reason each.
 */
import type { CheckResult } from './check.ts';
import type { RefereeReport } from './referee.ts';
import type { Coverage } from './validation.ts';

/** Answers and branches of schemas that no request brings about. */
export const unseenReasons: Readonly<Record<string, string>> = {};

/** Actions of overlays that do not allow an answer. */
export const unneededReasons: Readonly<Record<string, string>> = {};

export function judgeCompleteness(coverage: Coverage, overlays: RefereeReport): CheckResult[] {
  const shared = { rows: ['CT-09'], requests: overlays.judged };
  return [
    {
      id: 'answers.seen',
      title: 'every declared answer and every branch of its schema was seen, but for the listed ones',
      ...shared,
      ...failureFor(compare(coverage.unseen, unseenReasons, 'was not seen', 'was seen')),
    },
    {
      id: 'answers.overlays-needed',
      title: 'an answer needed each action of the overlays, but for the listed ones',
      ...shared,
      ...failureFor(compare(overlays.unneeded, unneededReasons, 'was not needed', 'was needed')),
    },
  ];
}

const failureFor = (problems: readonly string[]): Pick<CheckResult, 'failure'> =>
  problems.length === 0 ? {} : { failure: { message: problems.join('\n'), answer: undefined } };

/** Differences between what is missing and what may be. */
function compare(
  missing: readonly string[],
  reasons: Readonly<Record<string, string>>,
  wordForMissing: string,
  wordForPresent: string,
): string[] {
  return [
    ...missing.filter((each) => !(each in reasons)).map((each) => `${each} ${wordForMissing}`),
    ...Object.keys(reasons)
      .filter((each) => !missing.includes(each))
      .map((each) => `${each} ${wordForPresent}: its reason is not needed any more`),
  ];
}
