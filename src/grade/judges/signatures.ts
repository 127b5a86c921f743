/** Judges of the requirements on signatures. */
import type { JudgesOf } from '../judge.ts';
import type { signatures } from '../requirements/signatures.ts';

export const signaturesJudges = {
  'CL-SIG-01': {},
  'CL-SIG-02': {},
  'CL-SIG-03': {},
  'CL-SIG-04': {},
  'CL-SIG-05': {},
  'CL-SIG-06': {},
  'CL-SIG-07': {},
  'CL-SIG-08': {},
  'CL-SIG-09': {},
  'CL-SIG-10': {},
  'CL-SIG-11': {},
  'CL-SIG-12': {},
  'CL-SIG-13': {},
  'CL-SIG-14': {},
  'CL-SIG-15': {},
  'CL-SIG-16': {},
  'CL-SIG-17': {},
  'CL-SIG-18': {},
} satisfies JudgesOf<typeof signatures>;
