/** Mutants of settlement: holds, packets, credits, ends (ILP-0029; SET-01…13, RS-IP-23…36, RS-OP-16…32). */
import type { Mutant } from './mutant.ts';

export const settlementMutants: readonly Mutant[] = [
  {
    id: 'settlement.incoming-payment-never-completes',
    file: 'src/payments/incoming-credit.ts',
    at: '.set({ completed: «received === payment.incomingAmount» })',
    by: 'false',
    fails: ['settlement.main-path', 'settlement.remaining', 'settlement.same-ase'],
  },
  {
    id: 'settlement.open-payment-completes',
    file: 'src/payments/incoming-credit.ts',
    at: '.set({ completed: «received === payment.incomingAmount» })',
    by: 'true',
    fails: ['settlement.fixed-send', 'settlement.remaining'],
  },
];
