/**
 * The outcome file: a client under test states in it what its library reported to its caller, one JSON object a line.
 * How a client takes an error often shows nowhere else.
 */

export interface ReportedOutcome {
  readonly outcome: 'success' | 'error';
  /** Status of the answer, as the error of the library has it. */
  readonly status?: number;
}

/** Outcomes that the client has written. Other lines are passed over; `problem` is a sentence about the first of them. */
export function parseOutcomes(text: string): { outcomes: readonly ReportedOutcome[]; problem?: string } {
  const outcomes: ReportedOutcome[] = [];
  let problem: string | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const outcome = parseOutcome(line);
    if (outcome) outcomes.push(outcome);
    else problem ??= `line ${index + 1} of the outcome file is not like {"outcome": "error", "status": 404}`;
  }
  return { outcomes, ...(problem !== undefined && { problem }) };
}

function parseOutcome(line: string): ReportedOutcome | undefined {
  try {
    const { outcome, status } = JSON.parse(line) as Record<string, unknown>;
    if (outcome !== 'success' && outcome !== 'error') return undefined;
    return { outcome, ...(typeof status === 'number' && { status }) };
  } catch {
    return undefined;
  }
}

/**
 * - `told`: the client reported an error with this status;
 * - `vague`: it reported an error without a status, and none such without the trap;
 * - `silent`: it writes outcomes, and reported no error;
 * - otherwise nothing can be said, as a sentence.
 */
export type Telling = 'told' | 'vague' | 'silent' | { readonly unknown: string };

/** Looks for a report about the answer `status`. `control` are the outcomes of the client without the trap. */
export function findTelling(
  status: number,
  control: readonly ReportedOutcome[],
  outcomes: readonly ReportedOutcome[],
): Telling {
  const errors = (all: readonly ReportedOutcome[], wanted: number | undefined) =>
    all.filter((each) => each.outcome === 'error' && each.status === wanted).length;
  if (control.length + outcomes.length === 0) {
    return { unknown: 'What the client made of the answer shows in an outcome file only, and it wrote none.' };
  }
  if (errors(control, status) > 0) {
    return { unknown: `The client reports an error with the status ${status} without the trap as well.` };
  }
  if (errors(outcomes, status) > 0) return 'told';
  return errors(outcomes, undefined) > errors(control, undefined) ? 'vague' : 'silent';
}
