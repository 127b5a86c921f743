/** Makes findings. */
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
