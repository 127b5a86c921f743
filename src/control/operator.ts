/** Authentication of the operator: the control token, and a Host and Origin that belong to the control API. */
import { equalSecrets } from '../crypto/secret-digest.ts';
import { Problem } from '../errors.ts';
import { bracketed } from '../net/loopback.ts';

/** Accepted values of Host, and of the host in Origin, for an API that listens on `host`. */
export const listControlHosts = (host: string, port: number | string): string[] =>
  [host, 'localhost', '127.0.0.1', '::1'].map((name) => `${bracketed(name)}:${port}`);

/** Protects against DNS rebinding and cross-site requests: a foreign Host or Origin is rejected even with the token. */
export function checkOperator(
  { host = '', origin, authorization = '' }: { host?: string; origin?: string; authorization?: string },
  token: string,
  hosts: readonly string[],
): void {
  if (!hosts.includes(host) || (origin !== undefined && !hosts.includes(origin.replace(/^https?:\/\//, '')))) {
    throw new Problem('forbidden');
  }
  const presented = /^Bearer +(\S+)$/i.exec(authorization)?.[1] ?? '';
  if (!equalSecrets(presented, token)) throw new Problem('unauthorized');
}
