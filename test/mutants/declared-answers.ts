/** Mutants for the checks of declared answers: for each status, all answers with it have another one. */
import { declaredAnswers } from '../../conformance/steps/declared-answers.ts';
import type { Mutant } from './mutant.ts';

const statuses = [...new Set(declaredAnswers.map(({ status }) => status))];

export const declaredAnswerMutants: readonly Mutant[] = statuses.map((status) => ({
  id: `reply.status-${status}`,
  file: 'src/http/send-reply.ts',
  at: 'res.writeHead(«reply.status», sent.headers)',
  by: `(reply.status === ${status} ? 418 : reply.status)`,
  fails: [`declared.*-${status}`],
}));
