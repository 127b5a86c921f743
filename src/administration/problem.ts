/** Problems that administration reports. `control/problem.ts` renders them. */

import { isStorableText } from '../database/columns.ts';
import { Problem } from '../errors.ts';

/** A problem with a description for the operator. */
export const adminProblem = (code: 'invalid_request' | 'conflict' | 'not_found', description: string): Problem =>
  new Problem(code, { description });

/** Throws `invalid_request` for NUL, which PostgreSQL text cannot hold. */
export function checkText(text: string, name: string): string {
  if (!isStorableText(text)) throw adminProblem('invalid_request', `${name} holds a NUL`);
  return text;
}
