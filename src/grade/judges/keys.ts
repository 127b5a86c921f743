/** Judges of the requirements on the keys of a client. */
import { decidedByProbe, type JudgesOf } from '../judge.ts';
import type { keys } from '../requirements/keys.ts';

export const keysJudges = {
  'CL-KEY-01': {},
  'CL-KEY-02': {},
  'CL-KEY-03': {},
  'CL-KEY-04': {},
  'CL-KEY-05': {},
  'CL-KEY-06': {},
  'CL-KEY-07': {},
  'CL-KEY-08': {},
  'CL-KEY-09': decidedByProbe,
  'CL-KEY-10': {},
} satisfies JudgesOf<typeof keys>;
