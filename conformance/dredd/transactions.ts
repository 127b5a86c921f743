/** Dredd's transactions as results of `touchstone check`: one for each declared answer. */
import type { CheckResult } from '../runner/check.ts';
import type { Dredd, Transaction } from '../runner/dredd.ts';
import { declaredAnswers } from '../steps/declared-answers.ts';
import { type DreddResult, installDredd, runDredd } from './dredd.ts';

export const dredd: Dredd = {
  transactions: declaredAnswers.map(({ operation, status }) => ({
    ...{ id: `dredd.${operation}-${status}`, rows: ['CT-10'], operation, status },
    title: `Dredd finds ${operation} ${status} as its document says`,
  })),
  install: installDredd,
  async tryAll(variables, transactions) {
    const results = await runDredd(variables, transactions);
    return transactions.map((transaction) => judge(transaction, results));
  },
};

/** Exported for its test. */
export function judge({ id, rows, title, operation, status }: Transaction, all: readonly DreddResult[]): CheckResult {
  const tried = all.filter((each) => each.operation === operation && each.expected === status);
  const wrong = tried.find(({ isValid }) => !isValid);
  const answered = tried.flatMap((each) => (each.status ? [`${operation} ${each.status}`] : []));
  const shared = { id, rows, title, requests: tried.length, seen: new Set(answered) };
  const expected = `status ${status}, as the document of ${operation} says`;
  if (tried.length === 0)
    return {
      ...shared,
      failure: { message: 'Dredd did not try it', expected, actual: 'no request', answer: undefined },
    };
  if (!wrong) return shared;
  const actual = wrong.status ? `status ${wrong.status}` : 'no answer';
  return { ...shared, failure: { message: wrong.problem ?? 'Dredd refuses it', expected, actual, answer: undefined } };
}
