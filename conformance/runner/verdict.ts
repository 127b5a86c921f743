/** Failed checks either fail the run or are warnings, depending on the levels of their rows. */
import type { CheckResult } from './check.ts';
import { type Level, levels, type Requirement } from './requirements.ts';

export interface Strictness {
  /** The target is Touchstone, so its policies and its control API count too. */
  readonly own: boolean;
  /** Warnings fail the run as well. */
  readonly strict: boolean;
}

/**
 * Rows about the form of answers, which checks name besides the rule that they are about: a refusal that only a policy
 * demands does not become a must because its error has a form.
 */
const formRows: ReadonlySet<string> = new Set(['RS-02', 'RS-OP-20', 'AS-14', 'AS-160', 'AS-161', 'AS-162']);

function withoutForm(rows: readonly string[]): readonly string[] {
  const rules = rows.filter((id) => !formRows.has(id));
  return rules.length > 0 ? rules : rows;
}

/** The rows that a check failed; none if it passed. */
export const failedRows = ({ rows, failure }: Pick<CheckResult, 'rows' | 'failure'>): readonly string[] =>
  failure ? (failure.rows ?? withoutForm(rows)) : [];

/** The strongest level among the rows of a check, or among those that it failed; rows about form count only alone. */
export function levelOf(
  { rows, failure }: Pick<CheckResult, 'rows' | 'failure'>,
  requirements: readonly Requirement[],
): Level {
  const judged = withoutForm(failure?.rows ?? rows);
  const reached = requirements.filter(({ id }) => judged.includes(id)).map(({ level }) => level);
  return levels.find((level) => reached.includes(level)) ?? 'must';
}

/** On a target other than Touchstone, our policies and what we do for clients in use are not recommendations. */
const noted: readonly Level[] = ['compat', 'policy', 'note'];

/** The word for a failed check. */
export function wordFor(
  result: Pick<CheckResult, 'rows' | 'failure' | 'touchstone'>,
  requirements: readonly Requirement[],
  strictness: Strictness,
): 'FAIL' | 'WARN' | 'NOTE' {
  if (failsRun(result, requirements, strictness)) return 'FAIL';
  return result.touchstone || noted.includes(levelOf(result, requirements)) ? 'NOTE' : 'WARN';
}

/** True if this failed check fails the run. */
export function failsRun(
  result: Pick<CheckResult, 'rows' | 'failure' | 'touchstone'>,
  requirements: readonly Requirement[],
  { own, strict }: Strictness,
): boolean {
  if (strict) return true;
  if (result.touchstone) return own;
  const level = levelOf(result, requirements);
  return level === 'must' || (own && (level === 'compat' || level === 'policy'));
}
