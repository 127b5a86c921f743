/** The report of `touchstone check` as data: what every format of it is made of. It contains no secrets. */
import type { KnownViolation } from '../../src/report/baseline.ts';
import type { LevelCount, ShownExchange } from '../../src/report/view.ts';
import type { Answer } from '../steps/signed-client.ts';
import type { Capability } from './capability.ts';
import { capabilities } from './capability.ts';
import type { CheckResult, Profile } from './check.ts';
import { impossibleBranches } from './completeness.ts';
import { toCurl } from './curl.ts';
import type { Failure } from './evidence.ts';
import { fixOf } from './fix.ts';
import type { Leftover } from './footprint.ts';
import type { Redaction } from './redaction.ts';
import { linkTo } from './references.ts';
import { summarise } from './report.ts';
import { type Level, levels, type Requirement } from './requirements.ts';
import { showExchange } from './shown-exchanges.ts';
import { countCoverage, type Operations } from './validation.ts';
import { levelOf, type Strictness, wordFor } from './verdict.ts';

type CheckStatus = 'pass' | 'fail' | 'warning' | 'note' | 'not-applicable';

export interface CheckFailure {
  readonly profile?: Profile;
  readonly message: string;
  readonly expected: string;
  readonly actual: string;
  /** Number of the exchange that decided. */
  readonly exchange?: number;
  /** The request as a command for a shell, with variables in place of secrets. */
  readonly curl?: string;
}

export interface CheckVerdict {
  readonly id: string;
  readonly area: string;
  readonly title: string;
  readonly rows: readonly string[];
  /** The requirements that it checks. */
  readonly statement: string;
  readonly level: Level | 'touchstone';
  readonly status: CheckStatus;
  /** Reason of the baseline, if the failure is expected. */
  readonly expected?: string;
  /** Runs of the check: one for each profile. */
  readonly runs: number;
  readonly requests: number;
  readonly milliseconds: number;
  readonly failures: readonly CheckFailure[];
  /** The missing capability of a check that is not applicable. */
  readonly lacks?: Capability;
  readonly fix: string;
  readonly references: readonly { readonly citation: string; readonly url: string }[];
}

export interface CheckReport {
  /** Version of this format: a change that could break a reader increases it. */
  readonly format: 1;
  readonly version: string;
  readonly spec: string;
  readonly target: { readonly walletAddress: string; readonly receiver: string } | null;
  readonly profiles: readonly Profile[];
  readonly startedAt: string;
  readonly milliseconds: number;
  readonly result: 'passed' | 'failed' | 'broken';
  readonly exitCode: 0 | 1 | 2;
  /** Why the result is not `passed`, one sentence each. */
  readonly reasons: readonly string[];
  /** Everything that the run created at the target and could not remove. */
  readonly leftBehind: readonly Leftover[];
  readonly requests: number;
  readonly summary: {
    readonly checks: Readonly<Record<'passed' | 'warned' | 'failed' | 'expected' | 'notApplicable', number>>;
    /** Requirements by level, and the checks of Touchstone itself. */
    readonly levels: Readonly<Record<Level | 'touchstone', LevelCount>>;
    readonly areas: Readonly<Record<string, LevelCount>>;
    /** Checks that are not applicable, by capability. */
    readonly lacking: Readonly<Partial<Record<Capability, number>>>;
  };
  readonly coverage: {
    readonly operations: { readonly seen: number; readonly declared: number };
    readonly statuses: { readonly seen: number; readonly declared: number };
    /** Alternatives and optional members of the schemas of answers. */
    readonly branches: { readonly seen: number; readonly declared: number };
    readonly missing: readonly string[];
    /** Declared answers, and branches of their schemas, that were not seen. */
    readonly unseen: readonly string[];
  };
  readonly checks: readonly CheckVerdict[];
  /** Entries of the baseline that pass now. */
  readonly stale: readonly string[];
  /** Exchanges of the failed checks. */
  readonly exchanges: readonly ShownExchange[];
}

export interface RunFacts extends Pick<CheckReport, 'version' | 'spec' | 'target' | 'startedAt' | 'milliseconds'> {
  readonly results: readonly CheckResult[];
  readonly requirements: readonly Requirement[];
  readonly strictness: Strictness;
  readonly operations: Operations;
  readonly redaction: Redaction;
  readonly leftovers: readonly Leftover[];
  /** Why the run says nothing about the target, one sentence each. */
  readonly broken: readonly string[];
}

const statuses = { FAIL: 'fail', WARN: 'warning', NOTE: 'note' } as const;
const MAX_EXCHANGES = 400;
const MAX_LISTED = 10;

const areaOf = (id: string): string => id.split('.', 1)[0]!;

export function concludeRun(facts: RunFacts, baseline: readonly KnownViolation[] = []): CheckReport {
  const { results, redaction } = facts;
  const exchanges = new Map<Answer, ShownExchange>();
  for (const answer of results.flatMap(({ answers = [] }) => answers).slice(0, MAX_EXCHANGES)) {
    if (!exchanges.has(answer)) exchanges.set(answer, showExchange(answer, exchanges.size + 1, redaction));
  }
  const checks = [...Map.groupBy(results, ({ id }) => id).values()].map((runs) =>
    judge(runs, facts, exchanges, baseline),
  );
  const stale = baseline
    .filter(({ id }) => checks.some((check) => check.id === id && check.status === 'pass'))
    .map(({ id }) => id);
  const failed = [
    ...describeFailures(checks),
    ...(checks.every(({ requests }) => requests === 0) ? ['nothing was checked: no check made a request'] : []),
    ...stale.map((id) => `the baseline lists ${id}, which passes now: remove it from the baseline`),
  ];
  const exitCode = facts.broken.length > 0 ? 2 : failed.length > 0 ? 1 : 0;
  return {
    format: 1,
    ...{ version: facts.version, spec: facts.spec, target: facts.target },
    profiles: [...new Set(results.flatMap(({ profile }) => profile ?? []))],
    ...{ startedAt: facts.startedAt, milliseconds: facts.milliseconds },
    result: (['passed', 'failed', 'broken'] as const)[exitCode],
    exitCode,
    reasons: [...facts.broken, ...failed].map(redaction.redact),
    leftBehind: facts.leftovers,
    requests: results.filter(({ seen }) => seen).reduce((sum, { requests }) => sum + requests, 0),
    summary: summariseRun(checks, facts),
    coverage: countCoverage(facts.operations, seenIn(results), facts.strictness.own ? impossibleBranches : undefined),
    checks,
    stale,
    exchanges: [...exchanges.values()],
  };
}

/** Answers and branches of schemas, as `countCoverage` takes them. */
export const seenIn = (results: readonly CheckResult[]): ReadonlySet<string> =>
  new Set(results.flatMap(({ seen = [] }) => [...seen]));

/** The most serious failure first. */
const severity = (result: CheckResult, requirements: readonly Requirement[], strictness: Strictness): number =>
  Object.keys(statuses).indexOf(wordFor(result, requirements, strictness));

/** The verdict about a check from its runs in each profile. */
function judge(
  runs: readonly CheckResult[],
  { requirements, strictness, redaction }: RunFacts,
  exchanges: ReadonlyMap<Answer, ShownExchange>,
  baseline: readonly KnownViolation[],
): CheckVerdict {
  const failing = runs
    .filter(({ failure }) => failure)
    .sort((one, other) => severity(one, requirements, strictness) - severity(other, requirements, strictness));
  const [first] = [...failing, ...runs] as [CheckResult];
  const { id, title } = first;
  const rows = (first.failure?.rows ?? first.rows)
    .flatMap((row) => requirements.find((requirement) => requirement.id === row) ?? [])
    .sort((one, other) => levels.indexOf(one.level) - levels.indexOf(other.level));
  const { lacks } = runs.find((run) => run.lacks) ?? {};
  const isInapplicable = lacks !== undefined && runs.every((run) => run.lacks);
  const passed = isInapplicable ? 'not-applicable' : 'pass';
  const status = first.failure ? statuses[wordFor(first, requirements, strictness)] : passed;
  const known = failing.length > 0 ? baseline.find((entry) => entry.id === id) : undefined;
  return {
    ...{ id, area: areaOf(id), title, rows: first.rows },
    statement: rows.map((row) => `${row.id}: ${row.statement}`).join(' '),
    level: first.touchstone ? 'touchstone' : levelOf(first, requirements),
    status,
    ...(known && { expected: known.reason }),
    runs: runs.filter((run) => !run.lacks).length,
    requests: runs.reduce((sum, { requests }) => sum + requests, 0),
    milliseconds: runs.reduce((sum, { milliseconds = 0 }) => sum + milliseconds, 0),
    failures: failing.map((run) => describeFailure(run, run.failure!, redaction, exchanges)),
    ...(isInapplicable && { lacks }),
    fix: fixOf(first, rows, failing[0]?.failure),
    references: rows.flatMap(({ id: row, references }) =>
      references.map((citation) => ({ citation: `${row} ${citation}`, url: linkTo(citation) })),
    ),
  };
}

function describeFailure(
  { profile, title }: CheckResult,
  { message, expected = title, actual, answer, unanswered }: Failure,
  redaction: Redaction,
  exchanges: ReadonlyMap<Answer, ShownExchange>,
): CheckFailure {
  const sent = unanswered ?? answer?.sent;
  const exchange = answer && exchanges.get(answer)?.id;
  return {
    ...(profile && { profile }),
    message: redaction.redact(message),
    expected: redaction.redact(expected),
    actual: redaction.redact(actual ?? (unanswered ? `no answer: ${message}` : (describeAnswer(answer) ?? message))),
    ...(exchange !== undefined && !unanswered && { exchange }),
    ...(sent && { curl: toCurl(sent, redaction) }),
  };
}

const describeAnswer = (answer: Answer | undefined): string | undefined =>
  answer && `status ${answer.status}${answer.text === '' ? '' : ` ${answer.text.slice(0, 400)}`}`;

function describeFailures(checks: readonly CheckVerdict[]): string[] {
  const ids = checks.filter(({ status, expected }) => status === 'fail' && expected === undefined).map(({ id }) => id);
  if (ids.length === 0) return [];
  const more = ids.length > MAX_LISTED ? ` and ${ids.length - MAX_LISTED} more` : '';
  return [
    `${ids.length} ${ids.length === 1 ? 'check' : 'checks'} failed: ${ids.slice(0, MAX_LISTED).join(', ')}${more}`,
  ];
}

function summariseRun(checks: readonly CheckVerdict[], facts: RunFacts): CheckReport['summary'] {
  const { levels: counted, lacking } = summarise(facts);
  const number = (status: CheckStatus) =>
    checks.filter((check) => check.status === status && check.expected === undefined).length;
  const rows = (level: string) =>
    level === 'touchstone'
      ? facts.results.filter(({ touchstone }) => touchstone).length
      : facts.requirements.filter((row) => row.level === level).length;
  return {
    checks: {
      passed: number('pass'),
      warned: number('warning') + number('note'),
      failed: number('fail'),
      expected: checks.filter(({ expected }) => expected !== undefined).length,
      notApplicable: number('not-applicable'),
    },
    levels: Object.fromEntries(
      Object.entries(counted).map(([name, { passed, of }]) => [name, { met: passed, judged: of, total: rows(name) }]),
    ) as CheckReport['summary']['levels'],
    areas: Object.fromEntries(
      [...Map.groupBy(checks, ({ area }) => area)].map(([area, all]) => [area, countArea(all)]),
    ),
    lacking,
  };
}

function countArea(checks: readonly CheckVerdict[]): LevelCount {
  const judged = checks.filter(({ status }) => status !== 'not-applicable');
  return { met: judged.filter(({ status }) => status === 'pass').length, judged: judged.length, total: checks.length };
}

/** The reason why a check is not applicable. */
export const describeLack = (lacks: Capability): string => `without ${capabilities[lacks]}`;
