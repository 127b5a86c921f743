/** One sentence that says how to fix a failed check. It quotes nothing that the target sent but a status. */
import type { CheckResult } from './check.ts';
import type { Failure } from './evidence.ts';
import type { Requirement } from './requirements.ts';

/** `rows` are those of the check, the strongest first. */
export function fixOf(
  result: Pick<CheckResult, 'title'>,
  rows: readonly Requirement[],
  failure?: Pick<Failure, 'message' | 'expected' | 'actual' | 'answer' | 'unanswered'>,
): string {
  const [row] = rows;
  const demand = row === undefined ? upperFirst(result.title) : `${row.id}: ${row.statement.replace(/\.$/, '')}`;
  if (failure === undefined) return `Make the server meet ${demand}.`;
  const { expected = '', actual = '', answer, unanswered } = failure;
  if (unanswered) return `Make \`${unanswered.method} ${pathOf(unanswered.url)}\` answer, to meet ${demand}.`;
  const request = answer && (answer.operation ?? `${answer.sent.method} ${pathOf(answer.sent.url)}`);
  if (request === undefined) return `Make the server meet ${demand}.`;
  if (/^status \d/.test(expected) && /^status \d+$/.test(actual)) {
    return `Answer \`${request}\` with ${expected} instead of ${actual}, to meet ${demand}.`;
  }
  return `Change the answer ${answer!.status} of \`${request}\`, to meet ${demand}.`;
}

/** The path without what may be an id or a secret. */
function pathOf(url: string): string {
  const segments = (URL.parse(url)?.pathname ?? '/').split('/');
  return segments.map((segment) => (segment.length > 24 ? '…' : segment)).join('/');
}

const upperFirst = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);
