/** Rejects test-only features on addresses that other machines can reach. */
import { ConfigError } from '../errors.ts';
import { isLoopback } from '../net/loopback.ts';

export interface Exposure {
  /** Listening addresses and hosts of public origins. */
  readonly hosts: readonly string[];
  readonly insecure: boolean;
  /** Test-only feature → true if it is in use. */
  readonly testing: Readonly<Record<string, boolean>>;
}

/** `local` is true if all addresses are loopback: plain HTTP and private addresses are then allowed. Throws ConfigError. */
export function checkExposure({ hosts, insecure, testing }: Exposure): { readonly local: boolean } {
  const exposed = hosts.find((host) => !isLoopback(host));
  if (exposed === undefined || insecure) return { local: true };
  const used = Object.entries(testing).filter(([, inUse]) => inUse);
  if (used.length > 0) {
    const names = used.map(([option]) => option).join(', ');
    throw new ConfigError(
      `${names} on ${exposed}, which is not loopback: leave it out, or add --insecure if this is a test`,
    );
  }
  return { local: false };
}
