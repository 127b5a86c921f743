/** Judges of the requirements on lists. */
import { decidedByProbe, type JudgesOf } from '../judge.ts';
import type { lists } from '../requirements/lists.ts';

export const listsJudges = {
  'CL-LST-01': {},
  'CL-LST-02': {},
  'CL-LST-03': {},
  'CL-LST-04': {},
  'CL-LST-05': decidedByProbe,
} satisfies JudgesOf<typeof lists>;
