/**
 * The content that every format of a report shows. `touchstone grade` makes it of requirements on clients, `touchstone
 * check` of checks of a server. It contains no secrets.
 */
import type { Html } from '../html/html.ts';

export type Status = 'pass' | 'fail' | 'warning' | 'note' | 'not-exercised' | 'inconclusive';

/** The meaning of a verdict for the run: its status, or that the baseline expects the violation. */
export type Standing = Status | 'expected';

/** The most serious first. */
export const standings = [
  'fail',
  'warning',
  'note',
  'expected',
  'inconclusive',
  'pass',
  'not-exercised',
] as const satisfies readonly Standing[];

export interface LevelCount {
  readonly met: number;
  /** Met or not met. */
  readonly judged: number;
  readonly total: number;
}

export interface CountedLevel extends LevelCount {
  readonly name: string;
  /** The weight of a violation. */
  readonly weight: 'fail' | 'warning' | 'note';
}

export interface Rule {
  readonly id: string;
  /** One of the areas of the view. */
  readonly area: string;
  readonly title: string;
  readonly statement: string;
  /** Empty where the statement says it all. */
  readonly why: string;
  readonly fix: string;
  readonly level: string;
  readonly references: readonly { readonly citation: string; readonly url: string }[];
}

/** Evidence for a violation: a finding about the wire, or a probe. */
export interface Case {
  readonly detail: string;
  readonly expected?: string;
  readonly actual?: string;
  readonly firstDifference?: number;
  readonly exchange?: number;
  readonly probe?: { readonly id: string; readonly name: string };
  /** The request as a command for a shell. */
  readonly curl?: string;
}

export interface ShownVerdict {
  readonly rule: Rule;
  readonly level: string;
  readonly standing: Standing;
  /** The status without regard to the baseline. */
  readonly status: Status;
  /** How often the rule applied, and how often it was not met. */
  readonly applied: number;
  readonly violations: number;
  /** Violations that no case shows. */
  readonly hidden: number;
  readonly cases: readonly Case[];
  /** Why nothing can be said. */
  readonly reason?: string;
  /** Reason of the baseline. */
  readonly expected?: string;
  /** Stable identity of the violation, besides the id of the rule. */
  readonly fingerprint: readonly string[];
}

/** Header lines, and a body if its secrets can be recognised. */
interface ShownMessage {
  readonly headers: readonly (readonly string[])[];
  readonly bytes: number;
  readonly body: string | null;
}

export interface ShownExchange {
  readonly id: number;
  readonly ase: string;
  readonly operation: string;
  readonly method: string;
  readonly status: number | null;
  readonly receivedAt: string;
  readonly lenient: readonly string[];
  readonly refusal?: { readonly code: string; readonly reason: string };
  readonly request: ShownMessage & { readonly line: string };
  /** Null if the connection ended instead. */
  readonly response: ShownMessage | null;
}

/** The explanation of a signature: the word and the class of its pill, and the text. */
export interface ShownSignature {
  readonly pill?: readonly [word: string, kind: string];
  readonly body: Html | undefined;
}

export interface View<Exchange extends ShownExchange = ShownExchange> {
  readonly program: 'touchstone grade' | 'touchstone check';
  /** The role of the program that is judged. */
  readonly subject: 'client' | 'server';
  readonly noun: 'requirement' | 'check';
  /** Words for `pass`, `inconclusive` and `not-exercised`. */
  readonly words: Readonly<Record<'pass' | 'inconclusive' | 'not-exercised', string>>;
  readonly version: string;
  readonly spec: string;
  readonly profile: string;
  /** The set of rules. */
  readonly requirements: string;
  readonly seed: string | null;
  readonly startedAt: string;
  readonly milliseconds: number;
  /** The command of a client, or the wallet addresses of a server. Empty if unknown. */
  readonly target: string;
  readonly targetName: string;
  /** How the run ended. */
  readonly end: string;
  readonly result: 'passed' | 'failed' | 'broken';
  readonly exitCode: 0 | 1 | 2;
  /** Why the result is not `passed`, one sentence each. */
  readonly reasons: readonly string[];
  /** Further lines about the run, such as what it leaves behind. */
  readonly remarks: readonly string[];
  readonly areas: readonly (readonly [id: string, title: string])[];
  readonly rules: readonly Rule[];
  readonly verdicts: readonly ShownVerdict[];
  readonly levels: readonly CountedLevel[];
  /** Absent in a run without probes. */
  readonly probes?: LevelCount;
  readonly coverage: {
    readonly operations: { readonly seen: number; readonly declared: number };
    readonly statuses: { readonly seen: number; readonly declared: number };
    /** Alternatives and optional members of the schemas of answers. */
    readonly branches?: { readonly seen: number; readonly declared: number };
    readonly missing: readonly string[];
  };
  /** Entries of the baseline that are met now. */
  readonly stale: readonly string[];
  readonly requests: number;
  readonly exchanges: readonly Exchange[];
  explainSignature(exchange: Exchange): ShownSignature | undefined;
  /** Further sections of the page. */
  readonly sections: readonly { readonly id: string; readonly title: string; readonly content: Html }[];
}

export const verdictsOf = ({ verdicts }: Pick<View, 'verdicts'>, standing: Standing): ShownVerdict[] =>
  verdicts.filter((verdict) => verdict.standing === standing);

/** The numbers of the exchanges that decided about violations of these kinds, the most serious first. */
export function decisiveExchanges(view: Pick<View, 'verdicts'>, of: readonly Standing[] = standings): number[] {
  const ordered = standings.filter((standing) => of.includes(standing)).flatMap((each) => verdictsOf(view, each));
  return [...new Set(ordered.flatMap(({ cases }) => cases).flatMap(({ exchange }) => exchange ?? []))];
}

/** References within the repository have a path instead. */
export const isLink = (url: string): boolean => url.startsWith('https://');

export const percent = ({ seen, declared }: { readonly seen: number; readonly declared: number }): string =>
  declared === 0 ? '–' : `${Math.floor((100 * seen) / declared)} %`;

/** At least one decimal below ten seconds. */
export function durationOf(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
}

export const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;
