/** Judges of the requirements on quotes. */
import type { JudgesOf } from '../judge.ts';
import type { quotes } from '../requirements/quotes.ts';

export const quotesJudges = {
  'CL-Q-01': {},
  'CL-Q-02': {},
  'CL-Q-03': {},
  'CL-Q-04': {},
  'CL-Q-05': {},
  'CL-Q-06': {},
} satisfies JudgesOf<typeof quotes>;
