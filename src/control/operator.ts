/** Authentication of the operator: the control token, and a Host and Origin that belong to the control API. */
import { equalSecrets } from '../crypto/secret-digest.ts';
import { Problem } from '../errors.ts';
import { bracketed } from '../net/loopback.ts';
import { isHostOf } from '../net/request-line.ts';

/** Accepted values of Host, and of the host in Origin, for an API that listens on `host`. */
export const listControlHosts = (host: string, port: number | string): string[] =>
  [host, 'localhost', '127.0.0.1', '::1'].map((name) => `${bracketed(name)}:${port}`);

/** Throws `forbidden` for a Host that is not one of the control port: protects against DNS rebinding. */
export function checkControlHost(host: string, hosts: readonly string[]): void {
  if (!hosts.some((known) => isHostOf(host, `http://${known}`))) throw new Problem('forbidden');
}

/**
 * Protects against DNS rebinding and cross-site requests: a foreign Host or Origin is rejected even with the token.
 * `host` is the one that the request names (`requestedHost`).
 */
export function checkOperator(
  { host = '', origin, authorization = '' }: { host?: string; origin?: string; authorization?: string },
  token: string,
  hosts: readonly string[],
): void {
  checkControlHost(host, hosts);
  if (origin !== undefined) checkControlHost(origin.replace(/^https?:\/\//, ''), hosts);
  const presented = /^Bearer +(\S+)$/i.exec(authorization)?.[1] ?? '';
  if (!equalSecrets(presented, token)) throw new Problem('unauthorized');
}
