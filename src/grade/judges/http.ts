/** Judges of the requirements on the use of HTTP. */
import { decidedByProbe, type JudgesOf } from '../judge.ts';
import type { http } from '../requirements/http.ts';

export const httpJudges = {
  'CL-HTTP-01': {},
  'CL-HTTP-02': {},
  'CL-HTTP-03': {},
  'CL-HTTP-04': decidedByProbe,
  'CL-HTTP-05': decidedByProbe,
  'CL-HTTP-06': decidedByProbe,
  'CL-HTTP-07': decidedByProbe,
  'CL-HTTP-08': decidedByProbe,
  'CL-HTTP-09': decidedByProbe,
  'CL-HTTP-10': {},
  'CL-HTTP-11': decidedByProbe,
  'CL-HTTP-12': decidedByProbe,
  'CL-HTTP-13': decidedByProbe,
  'CL-HTTP-14': decidedByProbe,
  'CL-HTTP-15': decidedByProbe,
  'CL-HTTP-16': decidedByProbe,
} satisfies JudgesOf<typeof http>;
