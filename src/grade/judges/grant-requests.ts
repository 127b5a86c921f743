/** Judges of the requirements on grant requests. */
import type { JudgesOf } from '../judge.ts';
import type { grantRequests } from '../requirements/grant-requests.ts';

export const grantRequestsJudges = {
  'CL-GNAP-01': {},
  'CL-GNAP-02': {},
  'CL-GNAP-03': {},
  'CL-GNAP-04': {},
  'CL-GNAP-05': {},
  'CL-GNAP-06': {},
  'CL-GNAP-07': {},
  'CL-GNAP-08': {},
  'CL-GNAP-09': {},
  'CL-GNAP-10': {},
  'CL-GNAP-11': {},
} satisfies JudgesOf<typeof grantRequests>;
