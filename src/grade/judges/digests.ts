/** Judges of the requirements on content digests. */
import type { JudgesOf } from '../judge.ts';
import type { digests } from '../requirements/digests.ts';

export const digestsJudges = {
  'CL-DIG-01': {},
  'CL-DIG-02': {},
  'CL-DIG-03': {},
  'CL-DIG-04': {},
  'CL-DIG-05': {},
  'CL-DIG-06': {},
} satisfies JudgesOf<typeof digests>;
