/** The baseline of `touchstone check`: failures that are known, with reasons. */

import { type EntryReader, type KnownViolation, printBaseline, readId } from '../../src/report/baseline.ts';
import { checks } from '../checks/index.ts';
import { answersCheckId } from './check.ts';
import type { CheckReport } from './conclusion.ts';

export const baselineReader: EntryReader<KnownViolation> = {
  members: [],
  read: ({ id }, reason, place) => ({
    id: readId(id, [...checks.map((check) => check.id), answersCheckId], place),
    reason,
  }),
};

/** The failures of a run as a file. Reasons that the earlier baseline gave stay. */
export const printFailures = ({ checks: verdicts }: CheckReport, earlier: readonly KnownViolation[]): string =>
  printBaseline(
    'touchstone check',
    verdicts
      .filter(({ status }) => status === 'fail')
      .map(({ id, failures }) => earlier.find((entry) => entry.id === id) ?? { id, reason: failures[0]!.message }),
  );
