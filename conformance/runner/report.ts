/** The figures of a run: rows by state and level, and checks. */
import { type Capability, capabilities } from './capability.ts';
import { type CheckResult, judgeRows, type RowState } from './check.ts';
import type { CheckReport } from './conclusion.ts';
import { levels, type Requirement } from './requirements.ts';
import { failsRun, type Strictness, wordFor } from './verdict.ts';

/** One run or several, with what is needed to judge it. */
export interface Report {
  readonly results: readonly CheckResult[];
  readonly requirements: readonly Requirement[];
  readonly strictness: Strictness;
}

export interface Summary {
  readonly checks: Readonly<Record<'passed' | 'warned' | 'noted' | 'failed', number>>;
  /** Checks that are not applicable, by the capability that the target lacks. */
  readonly lacking: Readonly<Partial<Record<Capability, number>>>;
  readonly rows: Readonly<Record<'covered' | 'passed' | 'failed' | 'tested' | 'inapplicable' | 'open', number>>;
  /** Rows that passed, out of those that a check of conformance covered, by level; and the checks of Touchstone itself. */
  readonly levels: Readonly<Record<string, { readonly passed: number; readonly of: number }>>;
}

export function summarise({ results, requirements, strictness }: Report): Summary {
  const failures = results.filter((result) => result.failure);
  const failed = failures.filter((result) => failsRun(result, requirements, strictness)).length;
  const noted = failures.filter((result) => wordFor(result, requirements, strictness) === 'NOTE').length;
  const states = judgeRows(requirements, results);
  const count = (state: RowState): number => [...states.values()].filter((value) => value === state).length;
  const rows = {
    passed: count('passed'),
    failed: count('failed'),
    tested: count('tested'),
    inapplicable: count('inapplicable'),
    open: count('open'),
  };
  const inapplicable = results.filter(({ lacks }) => lacks);
  const conformance = judgeRows(
    requirements,
    results.filter(({ touchstone }) => !touchstone),
  );
  const byLevel = levels.map((level) => {
    const reached = requirements.filter((row) => row.level === level).map(({ id }) => conformance.get(id));
    const passed = reached.filter((state) => state === 'passed').length;
    return [level, { passed, of: passed + reached.filter((state) => state === 'failed').length }] as const;
  });
  const own = results.filter(({ touchstone }) => touchstone);
  const ran = own.filter(({ lacks }) => !lacks);
  const touchstone = { passed: ran.filter(({ failure }) => !failure).length, of: ran.length };
  return {
    checks: {
      passed: results.length - failures.length - inapplicable.length,
      warned: failures.length - failed - noted,
      noted,
      failed,
    },
    lacking: Object.fromEntries(
      [...Map.groupBy(inapplicable, ({ lacks }) => lacks!)].map(([capability, all]) => [capability, all.length]),
    ),
    rows: { covered: rows.passed + rows.failed, ...rows },
    levels: { ...Object.fromEntries(byLevel), touchstone },
  };
}

/** How much of the documents the run has seen, and by which means. */
export function describeReach({
  coverage: { operations, statuses, branches },
  summary: { areas },
}: Pick<CheckReport, 'coverage' | 'summary'>): string {
  const part = ({ seen, declared }: { seen: number; declared: number }, what: string) =>
    `${seen} of ${declared} ${what}`;
  const area = (name: string, what: string) => {
    const { met = 0, judged = 0 } = areas[name] ?? {};
    return judged > 0 ? [`${what} ${met}/${judged}`] : [];
  };
  return [
    part(operations, 'operations'),
    part(statuses, 'declared answers'),
    part(branches, 'schema branches'),
    ...area('property', 'properties'),
    ...area('dredd', 'Dredd transactions'),
  ].join(' · ');
}

/** The lines about one run, or about all. */
export function describeSummary({ rows, checks, lacking, levels: byLevel }: Summary): string {
  const missing = Object.entries(lacking) as [Capability, number][];
  const reached = Object.entries(byLevel).filter(([, { of }]) => of > 0);
  return [
    `rows covered ${rows.covered} · passed ${rows.passed} · failed ${rows.failed} · by tests ${rows.tested} · open ${rows.open + rows.inapplicable}`,
    reached.map(([name, { passed, of }]) => `${name} ${passed}/${of}`).join(' · '),
    ...missing.map(([capability, number]) => `${number} checks are not applicable without ${capabilities[capability]}`),
    ...(checks.warned > 0 ? [`${checks.warned} warnings`] : []),
    ...(checks.noted > 0 ? [`${checks.noted} notes`] : []),
    `${checks.passed} passed, ${checks.failed} failed`,
  ].join('\n');
}
