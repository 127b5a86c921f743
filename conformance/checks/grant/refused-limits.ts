/** Grant requests that are refused for their limits. Open Payments auth-server POST / (`limits`). */
import type { Check } from '../../runner/check.ts';
import { limited, type Refusal, refusal } from '../../steps/grant-refusals.ts';
import { amountOf } from '../../steps/scenarios.ts';

const refusals: readonly Refusal[] = [
  {
    id: 'grant.limit-receiver',
    rows: ['AS-42'],
    title: 'a wallet address as limits.receiver',
    request: limited((c) => ({ receiver: c.receiver.url })),
  },
  {
    id: 'grant.limit-value-1-5',
    rows: ['AS-43'],
    title: `limits.debitAmount.value is "1.5"`,
    request: limited((c) => ({ debitAmount: amountOf(c.sender, '1.5') })),
  },
  {
    id: 'grant.limit-value--1',
    rows: ['AS-43'],
    title: `limits.debitAmount.value is "-1"`,
    request: limited((c) => ({ debitAmount: amountOf(c.sender, '-1') })),
  },
  {
    id: 'grant.limit-value-empty',
    rows: ['AS-43'],
    title: `limits.debitAmount.value is ""`,
    request: limited((c) => ({ debitAmount: amountOf(c.sender, '') })),
  },
  {
    id: 'grant.limit-value-18446744073709551616',
    rows: ['AS-43'],
    title: `limits.debitAmount.value is "18446744073709551616"`,
    request: limited((c) => ({ debitAmount: amountOf(c.sender, '18446744073709551616') })),
  },
  {
    id: 'grant.limit-value-1e3',
    rows: ['AS-43'],
    title: `limits.debitAmount.value is "1e3"`,
    request: limited((c) => ({ debitAmount: amountOf(c.sender, '1e3') })),
  },
  {
    id: 'grant.limit-value-007',
    rows: ['AS-43'],
    title: `limits.debitAmount.value is "007"`,
    request: limited((c) => ({ debitAmount: amountOf(c.sender, '007') })),
  },
  {
    id: 'grant.limit-value-number',
    rows: ['AS-43', 'AMB-24'],
    title: 'limits.receiveAmount.value is a number',
    request: limited((c) => ({ receiveAmount: { ...amountOf(c.receiver, '1'), value: 1 } })),
  },
  {
    id: 'grant.limit-without-asset',
    rows: ['AS-43'],
    title: 'limits.debitAmount without its asset',
    request: limited(() => ({ debitAmount: { value: '1' } })),
  },
  {
    id: 'grant.limit-zero',
    rows: ['LIM-N02'],
    title: 'a limit of zero',
    request: limited((c) => ({ debitAmount: amountOf(c.sender, '0') })),
  },
  {
    id: 'grant.two-limits',
    rows: ['AS-44', 'AMB-24'],
    title: 'a debit and a receive limit together',
    request: limited((c) => ({ debitAmount: amountOf(c.sender, '1'), receiveAmount: amountOf(c.receiver, '1') })),
  },
  {
    id: 'grant.interval-1',
    rows: ['AS-45', 'AS-46'],
    title: `limits.interval is "R3/foo/P1M"`,
    request: limited((c) => ({ interval: 'R3/foo/P1M', debitAmount: amountOf(c.sender, '1') })),
  },
  {
    id: 'grant.interval-2',
    rows: ['AS-45', 'AS-46'],
    title: `limits.interval is "R/2026-01-01T00:00:00Z"`,
    request: limited((c) => ({ interval: 'R/2026-01-01T00:00:00Z', debitAmount: amountOf(c.sender, '1') })),
  },
  {
    id: 'grant.interval-3',
    rows: ['AS-45', 'AS-46'],
    title: `limits.interval is "every month"`,
    request: limited((c) => ({ interval: 'every month', debitAmount: amountOf(c.sender, '1') })),
  },
  {
    id: 'grant.interval-4',
    rows: ['AS-45', 'AS-46'],
    title: `limits.interval is "P1M"`,
    request: limited((c) => ({ interval: 'P1M', debitAmount: amountOf(c.sender, '1') })),
  },
  {
    id: 'grant.interval-5',
    rows: ['AS-45', 'AS-46'],
    title: `limits.interval is ""`,
    request: limited((c) => ({ interval: '', debitAmount: amountOf(c.sender, '1') })),
  },
  {
    id: 'grant.repetitions-1',
    rows: ['LIM-09'],
    title: `limits.interval is "R0/2026-01-01T00:00:00Z/P1M"`,
    request: limited((c) => ({ interval: 'R0/2026-01-01T00:00:00Z/P1M', debitAmount: amountOf(c.sender, '1') })),
  },
  {
    id: 'grant.repetitions-2',
    rows: ['LIM-09'],
    title: `limits.interval is "R-2/2026-01-01T00:00:00Z/P1M"`,
    request: limited((c) => ({ interval: 'R-2/2026-01-01T00:00:00Z/P1M', debitAmount: amountOf(c.sender, '1') })),
  },
];

export const checks: readonly Check[] = refusals.map(refusal);
