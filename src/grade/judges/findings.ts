/** Makes findings. */
import type { GradedExchange } from '../graded-exchange.ts';
import type { Finding } from '../judge.ts';

type Values = Omit<Finding, 'outcome' | 'detail'>;

export const pass: Finding = { outcome: 'pass' };

export const violation = (detail: string, values: Values = {}): Finding => ({
  outcome: 'violation',
  detail,
  ...values,
});

/** One level weaker than a violation. */
export const weak = (detail: string, values: Values = {}): Finding => ({ outcome: 'weak', detail, ...values });

/** The findings, or a pass if there are none. */
export const passUnless = (findings: readonly Finding[]): readonly Finding[] =>
  findings.length > 0 ? findings : [pass];

/** The first byte at which two texts differ; undefined if they are equal. */
export function firstDifferenceOf(expected: string, actual: string): number | undefined {
  const [ours, theirs] = [Buffer.from(expected), Buffer.from(actual)];
  if (ours.equals(theirs)) return undefined;
  let offset = 0;
  while (offset < ours.length && ours[offset] === theirs[offset]) offset += 1;
  return offset;
}

/** The field as it was sent, for a finding about it. */
export const fieldOf = (exchange: GradedExchange, name: string): Pick<Finding, 'actual'> => {
  const actual = exchange.maskedField(name);
  return actual === undefined ? {} : { actual };
};

/** A violation in which one text had to be another one. */
export function differs(exchange: GradedExchange, expected: string, actual: string, detail: string): Finding {
  return {
    outcome: 'violation',
    detail,
    expected: exchange.masked(expected),
    actual: exchange.masked(actual),
    firstDifference: firstDifferenceOf(expected, actual) ?? 0,
  };
}
