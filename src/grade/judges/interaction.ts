/** Judges of the requirements on the interaction with a person. */
import { decidedByProbe, type JudgesOf } from '../judge.ts';
import type { interaction } from '../requirements/interaction.ts';

export const interactionJudges = {
  'CL-GNAP-12': {},
  'CL-GNAP-13': {},
  'CL-GNAP-14': decidedByProbe,
  'CL-GNAP-15': decidedByProbe,
  'CL-GNAP-16': decidedByProbe,
  'CL-GNAP-17': decidedByProbe,
  'CL-GNAP-18': decidedByProbe,
  'CL-GNAP-19': {},
  'CL-GNAP-20': decidedByProbe,
} satisfies JudgesOf<typeof interaction>;
