/** The form of a requirement on clients of Open Payments, and of a probe that tests some of them. */

/**
 * - `must`: a specification demands it by keyword, its schema forbids the contrary, or the definition of a member leaves
 *   no other reading. A violation is a failure.
 * - `should`: a specification recommends it, or a security consideration implies it. A violation is a warning.
 * - `note`: practice shows that it helps. A violation never fails a run.
 */
export const levels = ['must', 'should', 'note'] as const;
export type Level = (typeof levels)[number];

/**
 * Sources of a verdict:
 * - `exchange`: one recorded request with its answer;
 * - `run`: all exchanges of a run together;
 * - `output`: what the command printed;
 * - `outcome`: the file in which a driver states what the client reported to its caller;
 * - `probe`: a run in which the server misbehaves, or behaves unusually.
 */
export type Evidence = 'exchange' | 'run' | 'output' | 'outcome' | 'probe';

export interface Requirement {
  readonly level: Level;
  /** Level in the profile `compat`, where it is weaker than in `strict`. */
  readonly compat?: Level;
  /** Why the source gives this level, where a reader may expect another one. */
  readonly levelReason?: string;
  readonly title: string;
  readonly statement: string;
  /** The harm that a violation does. */
  readonly why: string;
  /** Citations; `linkTo` makes each a link. */
  readonly references: readonly string[];
  readonly evidence: readonly Evidence[];
  /** The finding that decides, and its exceptions. */
  readonly observed: string;
  readonly fix: string;
  /** The smallest change to a good client that violates the requirement. */
  readonly broken: string;
}

/**
 * End of a trap:
 * - `stop`: the client must not do something; silence until the end passes;
 * - `go`: the client must do something; silence until the end fails.
 * The end is that of the process, or the number of seconds after the trap was reached.
 */
export type Deadline = 'stop' | 'go';

/** Default number of seconds from the moment at which the trap was reached. */
export const deadlineSeconds: Readonly<Record<Deadline, number>> = { stop: 15, go: 30 };

/** A hostile, or awkward but legal, behaviour of the server. */
export interface Probe<Id extends string = string> {
  readonly name: string;
  readonly title: string;
  /** Behaviour of the server in the trap. The control run has the same scenario without it. */
  readonly server: string;
  /** The moment from which the trap is in place. */
  readonly armed: string;
  /** The moment at which the client has what it must react to. */
  readonly reached: string;
  /** Request that fails the probe at once. Present with the deadline `stop`, unless `mustEnd` is all there is. */
  readonly forbidden?: string;
  /** Request without which the probe fails. Present with the deadline `go`. */
  readonly required?: string;
  readonly deadline: Deadline;
  /** In place of `deadlineSeconds`. */
  readonly seconds?: number;
  /** A process that has to be killed at the deadline fails. */
  readonly mustEnd?: true;
  /** Reactions that pass, and those that only warn. */
  readonly lawful: string;
  /** How a false alarm is avoided. */
  readonly caution: string;
  readonly judges: readonly Id[];
  /** Only in worlds with TLS, or only on demand because the behaviour breaks the Open Payments documents. */
  readonly only?: 'tls' | 'on-demand';
}
