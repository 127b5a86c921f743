/** Judges of the requirements on outgoing payments. */
import { decidedByProbe, type JudgesOf } from '../judge.ts';
import type { outgoingPayments } from '../requirements/outgoing-payments.ts';

export const outgoingPaymentsJudges = {
  'CL-OP-01': {},
  'CL-OP-02': {},
  'CL-OP-03': {},
  'CL-OP-04': {},
  'CL-OP-05': {},
  'CL-OP-06': decidedByProbe,
  'CL-OP-07': decidedByProbe,
  'CL-OP-08': decidedByProbe,
  'CL-OP-09': decidedByProbe,
  'CL-OP-10': decidedByProbe,
} satisfies JudgesOf<typeof outgoingPayments>;
