/** Judges of the requirements on access tokens. */
import { decidedByProbe, type JudgesOf } from '../judge.ts';
import type { tokens } from '../requirements/tokens.ts';

export const tokensJudges = {
  'CL-TOK-01': {},
  'CL-TOK-02': {},
  'CL-TOK-03': {},
  'CL-TOK-04': {},
  'CL-TOK-05': {},
  'CL-TOK-06': decidedByProbe,
  'CL-TOK-07': decidedByProbe,
  'CL-TOK-08': decidedByProbe,
  'CL-TOK-09': {},
  'CL-TOK-10': {},
  'CL-TOK-11': {},
  'CL-TOK-12': decidedByProbe,
  'CL-TOK-13': decidedByProbe,
  'CL-TOK-14': {},
  'CL-TOK-15': decidedByProbe,
  'CL-TOK-16': decidedByProbe,
} satisfies JudgesOf<typeof tokens>;
