/** The report of a run: each failed check with the last request and answer, then the rows by level, then the totals. */

import type { Answer } from '../steps/signed-client.ts';
import { type Capability, capabilities } from './capability.ts';
import { answersCheckId, type CheckResult, judgeRows, type Profile, type RowState } from './check.ts';
import type { Redaction } from './redaction.ts';
import { linkTo } from './references.ts';
import { levels, type Requirement } from './requirements.ts';
import { failsRun, levelOf, type Strictness, wordFor } from './verdict.ts';

/** Header lines that carry credentials by their nature are never shown. */
const hiddenHeaders = new Set(['authorization', 'signature', 'cookie', 'set-cookie']);
const longest = 1500;

/** One run or several, with what is needed to judge it. */
export interface Report {
  readonly results: readonly CheckResult[];
  readonly requirements: readonly Requirement[];
  readonly strictness: Strictness;
}

/** The paragraph about one failed check; empty if it passed. */
export function describeFailure(
  result: CheckResult,
  redaction: Redaction,
  { requirements, strictness }: Omit<Report, 'results'>,
): string {
  const { failure } = result;
  if (!failure) return '';
  const word = wordFor(result, requirements, strictness);
  const lines = [`${word} ${result.id}   ${result.rows.join(' ')}`, `  ${result.title}`, indent(failure.message)];
  for (const { id, level, references } of requirements.filter((row) => result.rows.includes(row.id))) {
    lines.push(`  ${id} ${level} ${references.map(linkTo).join(' ')}`);
  }
  if (failure.answer && result.id !== answersCheckId) lines.push(...describeExchange(failure.answer));
  return redaction.redact(lines.join('\n'));
}

function describeExchange(answer: Answer): string[] {
  const { sent } = answer;
  const headers = (all: Iterable<readonly [string, string]>): string =>
    [...all].map(([name, value]) => `${name}: ${hiddenHeaders.has(name.toLowerCase()) ? '…' : value}`).join('\n');
  return [
    '  sent',
    indent(`${sent.method} ${sent.url}\n${headers(sent.headers)}\n${shorten(sent.body?.toString('utf8') ?? '')}`, 4),
    '  received',
    indent(`${answer.status}\n${headers(answer.headers)}\n${shorten(answer.text)}`, 4),
  ];
}

export interface Summary {
  readonly checks: Readonly<Record<'passed' | 'warned' | 'failed', number>>;
  /** Checks that are not applicable, by the capability that the target lacks. */
  readonly lacking: Readonly<Partial<Record<Capability, number>>>;
  readonly rows: Readonly<Record<'covered' | 'passed' | 'failed' | 'tested' | 'inapplicable' | 'open', number>>;
  /** Rows that passed, out of those that a check of conformance covered, by level; and the checks of Touchstone itself. */
  readonly levels: Readonly<Record<string, { readonly passed: number; readonly of: number }>>;
}

export function summarise({ results, requirements, strictness }: Report): Summary {
  const failures = results.filter((result) => result.failure);
  const failed = failures.filter((result) => failsRun(result, requirements, strictness)).length;
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
      warned: failures.length - failed,
      failed,
    },
    lacking: Object.fromEntries(
      [...Map.groupBy(inapplicable, ({ lacks }) => lacks!)].map(([capability, all]) => [capability, all.length]),
    ),
    rows: { covered: rows.passed + rows.failed, ...rows },
    levels: { ...Object.fromEntries(byLevel), touchstone },
  };
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
    `${checks.passed} passed, ${checks.failed} failed`,
  ].join('\n');
}

/** The same as JSON, for `--json FILE`. */
export function reportAsJson(report: Report, redaction: Redaction, profiles: readonly Profile[]): string {
  const { results, requirements } = report;
  const checks = results.map((result) => ({
    id: result.id,
    profile: result.profile,
    title: result.title,
    rows: result.rows,
    level: result.touchstone ? 'touchstone' : levelOf(result, requirements),
    requests: result.requests,
    passed: result.failure === undefined && result.lacks === undefined,
    ...(result.lacks && { lacks: result.lacks }),
    ...(result.failure ? { message: result.failure.message } : {}),
  }));
  const rowStates = Object.fromEntries(judgeRows(requirements, results));
  return `${redaction.redact(JSON.stringify({ profiles, ...summarise(report), results: checks, rowStates }, null, 2))}\n`;
}

function indent(text: string, width = 2): string {
  const margin = ' '.repeat(width);
  return text
    .split('\n')
    .map((line) => margin + line)
    .join('\n');
}

function shorten(text: string): string {
  return text.length > longest ? `${text.slice(0, longest)}… (${text.length} characters)` : text;
}
