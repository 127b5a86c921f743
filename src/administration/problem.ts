/** What an administrator can be told: the control API renders these codes (`control/problem.ts`). */
import { Problem } from '../errors.ts';

export const invalid = (description: string): Problem => new Problem('invalid_request', { description });
export const conflict = (description: string): Problem => new Problem('conflict', { description });
export const notFound = (description: string): Problem => new Problem('not_found', { description });

/** PostgreSQL's text has no NUL. Throws `invalid_request`. */
export function checkText(text: string, what: string): string {
  if (text.includes('\0')) throw invalid(`${what} holds a NUL`);
  return text;
}
