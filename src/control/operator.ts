/** Authentication of the operator: the control token, and a Host and Origin that belong to the control API. */
import { equalSecrets } from '../crypto/secret-digest.ts';
import { Problem } from '../errors.ts';
import { bracketed } from '../net/loopback.ts';
import { isHostOf } from '../net/request-line.ts';

/** Accepted values of Host, and of the host in Origin, for an API that listens on `host`. */
export const listControlHosts = (host: string, port: number | string): string[] =>
  [host, 'localhost', '127.0.0.1', '::1'].map((name) => `${bracketed(name)}:${port}`);

/**
 * Protects against DNS rebinding and cross-site requests: a foreign Host or Origin is rejected even with the token.
 * `host` is the one that the request names (`requestedHost`).
 */
export function checkOperator(
  { host = '', origin, authorization = '' }: { host?: string; origin?: string; authorization?: string },
  token: string,
  hosts: readonly string[],
): void {
  const isKnown = (name: string) => hosts.some((known) => isHostOf(name, `http://${known}`));
  const isForeign = origin !== undefined && !isKnown(origin.replace(/^https?:\/\//, ''));
  if (!isKnown(host) || isForeign) throw new Problem('forbidden');
  const presented = /^Bearer +(\S+)$/i.exec(authorization)?.[1] ?? '';
  if (!equalSecrets(presented, token)) throw new Problem('unauthorized');
}
