/** Judges of the requirements on incoming payments. */
import { decidedByProbe, type JudgesOf } from '../judge.ts';
import type { incomingPayments } from '../requirements/incoming-payments.ts';

export const incomingPaymentsJudges = {
  'CL-IP-01': {},
  'CL-IP-02': {},
  'CL-IP-03': {},
  'CL-IP-04': {},
  'CL-IP-05': {},
  'CL-IP-06': {},
  'CL-IP-07': decidedByProbe,
  'CL-IP-08': {},
} satisfies JudgesOf<typeof incomingPayments>;
