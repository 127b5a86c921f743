/** The evidence for a failed check: what was expected, what came, and how to fix it. */
import { AssertionError } from 'node:assert';
import { inspect } from 'node:util';
import type { Sent } from '../steps/http-exchange.ts';
import { type Answer, keepAnswer, type Recorder } from '../steps/signed-client.ts';

export interface Failure {
  readonly message: string;
  /** The rows that it failed, where these are not all rows of the check. */
  readonly rows?: readonly string[];
  /** Absent where the message says it all. */
  readonly expected?: string;
  readonly actual?: string;
  /** The answer that decided, or the last one before the failure. */
  readonly answer: Answer | undefined;
  /** A request that received no answer. */
  readonly unanswered?: Sent;
}

/** An answer that is not as expected. */
export class UnexpectedAnswer extends AssertionError {
  readonly answer: Answer;

  constructor(message: string, answer: Answer, values: { readonly expected: unknown; readonly actual: unknown }) {
    super({ message, operator: 'answer', ...values });
    this.answer = answer;
  }
}

/** A failed property: what was generated and how to generate it again, and the answer that was wrong. */
export class CounterExample extends Error {
  readonly answer: Answer | undefined;

  constructor(message: string, answer: Answer | undefined) {
    super(message);
    this.name = 'CounterExample';
    this.answer = answer;
  }
}

const MAX_VALUE = 600;

export function describeError(error: unknown, { last, answers, unanswered }: Recorder): Failure {
  const message = error instanceof Error ? error.message : String(error);
  const keep = (one: Answer) => answers.find(({ sent }) => sent === one.sent) ?? keepAnswer(one);
  const answer = error instanceof UnexpectedAnswer ? keep(error.answer) : last;
  if (error instanceof CounterExample) return { message, answer: error.answer && keep(error.answer) };
  if (error instanceof AssertionError) return { ...describeAssertion(error), answer };
  return { message, answer, ...(unanswered && { unanswered }) };
}

function describeAssertion(error: AssertionError): Pick<Failure, 'message' | 'expected' | 'actual'> {
  const { expected, actual, operator, generatedMessage } = error;
  // A generated message repeats both values over several lines.
  const message = generatedMessage ? error.message.split('\n', 1)[0]!.replace(/[:,]$/, '') : error.message;
  switch (operator) {
    case 'answer':
      return { message, expected: String(expected), actual: String(actual) };
    case 'match':
      return { message, expected: `text that matches ${expected}`, actual: describeValue(actual) };
    case 'doesNotMatch':
      return { message, expected: `text that does not match ${expected}`, actual: describeValue(actual) };
    case 'strictEqual':
    case 'deepStrictEqual':
      return { message, expected: describeValue(expected), actual: describeValue(actual) };
    case 'notStrictEqual':
    case 'notDeepStrictEqual':
      return { message, expected: `anything but ${describeValue(expected)}`, actual: describeValue(actual) };
    default:
      return { message };
  }
}

function describeValue(value: unknown): string {
  const text =
    typeof value === 'string'
      ? JSON.stringify(value)
      : inspect(value, { breakLength: Infinity, compact: true, depth: 6 });
  return text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE)}… (${text.length} characters)` : text;
}
