/** Authentication of the operator: the control token, and a Host and Origin of the control API itself. */
import { hash, timingSafeEqual } from 'node:crypto';
import { Problem } from '../errors.ts';

/** A page that somebody's browser was lured to must not reach the API: a foreign Host (rebinding) or Origin is refused. */
export function checkOperator(
  { host = '', origin, authorization = '' }: { host?: string; origin?: string; authorization?: string },
  token: string,
  hosts: readonly string[],
): void {
  if (!hosts.includes(host) || (origin !== undefined && !hosts.includes(origin.replace(/^https?:\/\//, '')))) {
    throw new Problem('forbidden');
  }
  const given = /^Bearer +(\S+)$/i.exec(authorization)?.[1] ?? '';
  if (!timingSafeEqual(hash('sha256', given, 'buffer'), hash('sha256', token, 'buffer'))) {
    throw new Problem('unauthorized');
  }
}
