/** Judges of the requirements on wallet addresses. */
import { decidedByProbe, type JudgesOf } from '../judge.ts';
import type { walletAddresses } from '../requirements/wallet-addresses.ts';

export const walletAddressesJudges = {
  'CL-WA-01': {},
  'CL-WA-02': {},
  'CL-WA-03': {},
  'CL-WA-04': decidedByProbe,
  'CL-WA-05': decidedByProbe,
  'CL-WA-06': decidedByProbe,
  'CL-WA-07': {},
  'CL-WA-08': {},
  'CL-WA-09': decidedByProbe,
  'CL-WA-10': {},
  'CL-WA-11': decidedByProbe,
  'CL-WA-12': decidedByProbe,
} satisfies JudgesOf<typeof walletAddresses>;
