/** A further judge of the answers of a run, present in a checkout only. */
import type { Answer } from '../steps/signed-client.ts';

export interface RefereeReport {
  /** Answers that were judged. */
  readonly judged: number;
  /** How many answers only our overlays allow, by the interpretation that says why. */
  readonly byInterpretation: readonly (readonly [interpretation: string, answers: number])[];
  /** Actions of overlays that no answer needed. */
  readonly unneeded: readonly string[];
}

export interface Referee {
  /** The problem with an answer, or undefined. */
  judge(answer: Pick<Answer, 'operation' | 'status' | 'body' | 'text'>, method?: string): string | undefined;
  report(): RefereeReport;
}
