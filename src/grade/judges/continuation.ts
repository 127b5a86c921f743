/** Judges of the requirements on continuing and cancelling grants. */
import { decidedByOutcome, decidedByProbe, type JudgesOf } from '../judge.ts';
import type { continuation } from '../requirements/continuation.ts';

export const continuationJudges = {
  'CL-GNAP-21': {},
  'CL-GNAP-22': {},
  'CL-GNAP-23': {},
  'CL-GNAP-24': {},
  'CL-GNAP-25': decidedByProbe,
  'CL-GNAP-26': decidedByProbe,
  'CL-GNAP-27': {},
  'CL-GNAP-28': {},
  'CL-GNAP-29': {},
  'CL-GNAP-30': decidedByProbe,
  'CL-GNAP-31': {},
  'CL-GNAP-32': {},
  'CL-GNAP-33': decidedByOutcome,
  'CL-GNAP-34': {},
} satisfies JudgesOf<typeof continuation>;
