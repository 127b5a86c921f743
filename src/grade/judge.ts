/** The form of a judge, which decides whether a requirement is met, and of a finding. */
import type { ProfileName, Switches } from '../profile.ts';
import type { GradedAse, GradedExchange } from './graded-exchange.ts';
import type { RunState } from './run-state.ts';

/**
 * - `pass`: the requirement applied and is met;
 * - `violation`: it is not met;
 * - `weak`: one level weaker than a violation: a must only warns, a should is only noted.
 */
export type Outcome = 'pass' | 'violation' | 'weak';

export interface Finding {
  readonly outcome: Outcome;
  /** A sentence about this case, without secrets. Absent for a pass. */
  readonly detail?: string;
  readonly expected?: string;
  readonly actual?: string;
  /** Offset of the first byte that differs, where `expected` and `actual` are bytes that the client chose. */
  readonly firstDifference?: number;
  /** The profile accepts this violation, which is only noted therefore. */
  readonly tolerated?: boolean;
  /** Number of the exchange that decided. Those of an exchange judge have that exchange unless they name another. */
  readonly exchange?: number;
}

/** Facts that are known when the command has ended. */
export interface RunEnd {
  /** Wall time in milliseconds. */
  readonly at: number;
  /** Standard output and standard error of the command, the first and last mebibyte of each. */
  readonly output: string;
  /** Private keys that the world handed out, as PKCS#8 PEM. */
  readonly privateKeys: readonly string[];
}

export interface Run {
  readonly profile: ProfileName;
  readonly switches: Switches;
  readonly ases: readonly GradedAse[];
  /** Spellings of the private keys that the world handed out. */
  readonly privateKeys: readonly string[];
  /** Facts of all exchanges before the one that is judged. */
  readonly state: RunState;
}

export type Findings = Finding | readonly Finding[] | undefined;

/** Undefined means that the requirement does not apply. */
export interface Judge {
  exchange?(exchange: GradedExchange, run: Run): Findings;
  end?(run: Run, end: RunEnd): Findings;
}

/** One judge for each requirement of an area. */
export type JudgesOf<Area> = { readonly [Id in keyof Area]: Judge };

/** Only a probe decides: nothing that a client does in a plain run meets or violates the requirement. */
export const decidedByProbe: Judge = {};
