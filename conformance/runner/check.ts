/**
 * A check: one observable behaviour, the requirement rows that its requests can falsify, and the run over all
 * checks.
 */

import type { ClientHost } from '../steps/client-host.ts';
import type { Control } from '../steps/control.ts';
import type { Answer, Json, Recorder, SendCall } from '../steps/signed-client.ts';
import { type Capability, NotApplicable } from './capability.ts';
import { collectDeviations } from './deviation.ts';
import { describeError, type Failure } from './evidence.ts';
import type { Requirement } from './requirements.ts';
import type { Identity, Target } from './target.ts';
import { failedRows } from './verdict.ts';

/** `strict` follows the specifications exactly; `compat` also accepts what clients in use send. */
export type Profile = 'strict' | 'compat';
export const profiles: readonly Profile[] = ['compat', 'strict'];

/** The two ends of a payment, as their wallet address documents describe them. */
export interface Party {
  readonly url: string;
  readonly authServer: string;
  readonly resourceServer: string;
  readonly assetCode: string;
  readonly assetScale: number;
}

export interface CheckContext {
  readonly target: Target;
  /** Profile of the target, and of the worlds that a check creates. */
  readonly profile: Profile;
  readonly sender: Party;
  readonly receiver: Party;
  /** Sends one request and returns the answer, whatever its status. */
  readonly call: SendCall;
  /** Computes once per run, and again after the clock has moved by minutes. */
  shared<T>(key: string, compute: () => Promise<T>): Promise<T>;
  readonly control: Control;
  /** Wallet addresses that the runner hosts, whose key sets a check can change. */
  readonly clientHost: ClientHost;
  /** A fresh key pair, for a second client. */
  newIdentity(keyId: string): Identity & { readonly jwk: Json };
  /** For checks that draw their requests at random. */
  readonly random: RandomCases;
}

export interface RandomCases {
  readonly seed: number;
  /** Counter-example to start from, as the report of a failure names it; it belongs to one property. */
  readonly path?: string | undefined;
  /** Cases of each property, beside those that it always tries. */
  readonly cases: number;
  /** `false`: a counter-example is reported as it was found. */
  readonly shrinks?: boolean;
}

/** One seed for all runs, so that no run fails by chance. */
export const usualCases: RandomCases = { seed: 9635, cases: 12 };

export interface Check {
  /** Stable, `area.behaviour`. */
  readonly id: string;
  readonly rows: readonly string[];
  readonly title: string;
  /** The one profile in which it holds; absent: both. */
  readonly profile?: Profile;
  /** It checks Touchstone's control API rather than Open Payments; set for the checks in `checks/touchstone/`. */
  readonly touchstone?: boolean;
  /** `manual`: an owner decides at the consent page while the check runs; absent: consent is given automatically. */
  readonly consent?: 'manual';
  run(context: CheckContext): Promise<void>;
}

export interface CheckResult {
  readonly id: string;
  readonly rows: readonly string[];
  readonly title: string;
  /** Profile of the target. */
  readonly profile?: Profile;
  readonly touchstone?: boolean;
  readonly requests: number;
  /** Why it failed; absent when it passed. */
  readonly failure?: Failure;
  /** The target lacks this, so the check neither passed nor failed. */
  readonly lacks?: Capability;
  readonly milliseconds?: number;
  /** The newest answers before it failed. */
  readonly answers?: readonly Answer[];
  /** Operations with the statuses that they answered, as `get-quote 200`. */
  readonly seen?: ReadonlySet<string>;
  /** Capabilities of the target that it used. */
  readonly needs?: ReadonlySet<Capability>;
}

/**
 * `tested`: no check of this run, but a test of the project names it; `inapplicable`: the target lacks what its checks
 * need.
 */
export type RowState = 'passed' | 'failed' | 'tested' | 'inapplicable' | 'open';

/** Id of the check that the runner adds: it validates all answers of the run against their documents. */
export const answersCheckId = 'answers.match-documents';

/**
 * Runs the checks one after the other. `contextFor` gives each its own recorder. After the last one a result for CT-09
 * and CT-09b tells whether every answer was of a declared status and had a body its schema accepts. The run ends where
 * a request had no answer and `isReachable`, called with the id of the check and the number of checks in a row that went
 * this way, says that the target has gone. A check that takes longer than `checkMs` fails.
 */
export async function runChecks(
  checks: readonly Check[],
  contextFor: () => { context: CheckContext; recorder: Recorder },
  progress: (result: CheckResult) => void = () => {},
  stop?: AbortSignal,
  isReachable: (id: string, inARow: number) => Promise<boolean> = async () => true,
  checkMs = CHECK_MS,
): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  const violations: { readonly message: string; readonly answer: Answer }[] = [];
  const violated = new Set<string>();
  let requests = 0;
  let unansweredInARow = 0;
  let kept = 0;
  for (const check of checks) {
    const { context, recorder } = contextFor();
    const started = performance.now();
    const outcome = await Promise.race([runOne(boundInTime(check, checkMs), context, recorder), untilAborted(stop)]);
    recorder.isOver = true;
    if (outcome === undefined) break;
    unansweredInARow = outcome.failure?.unanswered ? unansweredInARow + 1 : 0;
    // The failure says nothing about a target that has gone, and those of all further checks would not either.
    if (unansweredInARow > 0 && !(await isReachable(check.id, unansweredInARow))) break;
    requests += recorder.requests;
    for (const { message, answer } of recorder.violations) {
      violations.push({ message: `${check.id}: ${message}`, answer });
      violated.add('CT-09');
      if (answer.status < 300) violated.add('CT-09b');
    }
    const { id, rows, title, touchstone } = check;
    results.push({
      id,
      rows,
      title,
      ...(touchstone && { touchstone }),
      requests: recorder.requests,
      milliseconds: performance.now() - started,
      seen: recorder.seen,
      needs: recorder.needs,
      ...(outcome.failure && kept < MAX_KEPT && { answers: recorder.answers }),
      ...outcome,
    });
    if (outcome.failure) kept += recorder.answers.length;
    progress(results.at(-1)!);
  }
  const title = 'every answer has a declared status and a body that its schema accepts';
  results.push({
    id: answersCheckId,
    rows: ['CT-09', 'CT-09b'],
    title,
    requests,
    ...(violations[0] && {
      failure: {
        message: [...new Set(violations.map(({ message }) => message))].join('\n'),
        rows: [...violated],
        answer: violations[0].answer,
      },
      answers: violations.slice(0, MAX_VIOLATIONS).map(({ answer }) => answer),
    }),
  });
  progress(results.at(-1)!);
  return results;
}

/** Answers of one run that are kept for the report, those of violations and those of failed checks. */
const MAX_VIOLATIONS = 20;
const MAX_KEPT = 400;
/** A check that waits a minute for each of several grants is still in time. */
const CHECK_MS = 600_000;

const boundInTime = (check: Check, checkMs: number): Check => ({
  ...check,
  run: (context) => {
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new Error(`the check did not end within ${checkMs / 1000} s`)), checkMs);
    return Promise.race([check.run(context), promise]).finally(() => clearTimeout(timer));
  },
});

const untilAborted = (stop: AbortSignal | undefined): Promise<undefined> =>
  new Promise((resolve) => {
    if (stop?.aborted) resolve(undefined);
    stop?.addEventListener('abort', () => resolve(undefined), { once: true });
  });

async function runOne(
  check: Check,
  context: CheckContext,
  recorder: Recorder,
): Promise<Pick<CheckResult, 'failure' | 'lacks'>> {
  let rows: readonly string[] = [];
  const messages: string[] = [];
  try {
    const deviations = await collectDeviations(() =>
      check.consent ? context.control.withConsent(check.consent, () => check.run(context)) : check.run(context),
    );
    rows = [...new Set(deviations.map(({ row }) => row))];
    messages.push(...new Set(deviations.map(({ message }) => message)));
  } catch (error) {
    if (error instanceof NotApplicable) return { lacks: error.capability };
    return { failure: describeError(error, recorder) };
  }
  if (recorder.requests === 0) return { failure: { message: 'the check made no request', answer: undefined } };
  return rows.length === 0 ? {} : { failure: { message: messages.join('\n'), rows, answer: recorder.last } };
}

/** State of each row: open or tested unless a check that names it made a request; failed if any such check failed. */
export function judgeRows(
  requirements: readonly Requirement[],
  results: readonly CheckResult[],
): Map<string, RowState> {
  const states = new Map<string, RowState>(requirements.map((row) => [row.id, row.test ? 'tested' : 'open']));
  for (const result of results) {
    if (result.requests === 0 && !result.lacks) continue;
    const failed = failedRows(result);
    for (const row of new Set([...result.rows, ...failed])) {
      if (!states.has(row)) throw new Error(`check ${result.id} names the unknown requirement ${row}`);
      if (result.lacks) {
        if (states.get(row) === 'open') states.set(row, 'inapplicable');
      } else if (failed.includes(row)) states.set(row, 'failed');
      else if (result.failure && !result.failure.rows) continue;
      else if (states.get(row) !== 'failed') states.set(row, 'passed');
    }
  }
  return states;
}
