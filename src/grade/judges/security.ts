/** Judges of the requirements on secrets and transport. */
import { decidedByProbe, type JudgesOf } from '../judge.ts';
import type { security } from '../requirements/security.ts';

export const securityJudges = {
  'CL-SEC-01': {},
  'CL-SEC-02': {},
  'CL-SEC-03': {},
  'CL-SEC-04': {},
  'CL-SEC-05': decidedByProbe,
  'CL-SEC-06': {},
  'CL-SEC-07': decidedByProbe,
  'CL-SEC-08': {},
} satisfies JudgesOf<typeof security>;
