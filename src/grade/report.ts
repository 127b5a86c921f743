/** The report of a run: what every format of it (terminal, JSON, JUnit, HTML…) is made of. It contains no secrets. */
import type { Status } from '../report/view.ts';
import type { RequirementId } from './catalogue.ts';
import type { DescribedExchange } from './describe-exchange.ts';
import type { Finding } from './judge.ts';
import type { ProbeFacts, ProbeId, ProbeResult } from './probes.ts';
import type { Level } from './requirement.ts';

/** The verdict about one requirement. */
export interface Verdict {
  readonly id: RequirementId;
  /** Level in the profile of the run. */
  readonly level: Level;
  readonly status: Status;
  /** How often the requirement applied, and how often it was not met. */
  readonly applied: number;
  readonly violations: number;
  /** The first violations, at most ten. */
  readonly findings: readonly Finding[];
  /** Present for `inconclusive`: why nothing can be said. */
  readonly reason?: string;
  /** Results of the probes that judge this requirement, if any ran. */
  readonly probes: readonly { readonly id: ProbeId; readonly result: ProbeResult }[];
  /** Reason of the baseline, if the violation is expected. */
  readonly expected?: string;
}

/** The verdict of one probe, which ran in a separate world. */
export interface ProbeVerdict {
  readonly id: ProbeId;
  readonly result: ProbeResult;
  /** With `fail`: a weak reaction, which only warns. */
  readonly weak?: true;
  readonly facts: ProbeFacts;
  /** A sentence that says what decided. */
  readonly detail: string;
  /** Numbers of the exchanges that decided, in the run that decided. */
  readonly exchanges: readonly number[];
  readonly milliseconds: number;
  /** Results for single requirements, in place of that of the probe. Present if a probe judges several. */
  readonly results?: readonly RequirementResult[];
  /** Its runs of the command: none if the client could not be judged. */
  readonly runs: readonly ProbeRun[];
}

export interface RequirementResult {
  readonly id: RequirementId;
  readonly result: ProbeResult;
  readonly weak?: true;
  readonly detail: string;
}

/** The result of a probe as far as it is about this requirement. */
export const resultFor = (probe: ProbeVerdict, id: RequirementId): Omit<RequirementResult, 'id'> =>
  probe.results?.find((each) => each.id === id) ?? probe;

/** One run of the command under a probe, in a separate world. */
export interface ProbeRun {
  /** Name of the round. Empty if the probe has only one. */
  readonly round: string;
  readonly result: ProbeResult;
  /** The end of the command, which decides nothing. Both are null if it did not start. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** Numbers of the exchanges that decided. */
  readonly decisive: readonly number[];
  /** Those that decided, and the last others. Numbers count the requests of this run. */
  readonly exchanges: readonly DescribedExchange[];
  /** Number of the requests that are left out. */
  readonly omitted: number;
  /** Standard output and standard error, shortened. */
  readonly output: string;
}

export interface Coverage {
  /** Number of requests that were judged; the report shows the last of them, and those that findings name. */
  readonly requests: number;
  readonly operations: { readonly seen: number; readonly declared: number };
  readonly statuses: { readonly seen: number; readonly declared: number };
  /** Declared operations that the client never called. */
  readonly missing: readonly string[];
}

export interface CommandEnd {
  readonly command: readonly string[];
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly timedOut: boolean;
}

export interface Report {
  readonly version: string;
  readonly spec: string;
  readonly requirements: string;
  readonly profile: string;
  readonly seed: string | null;
  readonly startedAt: string;
  readonly milliseconds: number;
  /** Null for a world that was attached to. */
  readonly command: CommandEnd | null;
  readonly result: 'passed' | 'failed' | 'broken';
  readonly exitCode: 0 | 1 | 2;
  /** Why the result is not `passed`, one sentence each. */
  readonly reasons: readonly string[];
  readonly coverage: Coverage;
  readonly verdicts: readonly Verdict[];
  readonly probes: readonly ProbeVerdict[];
  /** Requirements of the baseline that are met now. */
  readonly stale: readonly RequirementId[];
  readonly exchanges: readonly DescribedExchange[];
}
