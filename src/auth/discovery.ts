/** Discovery of the authorization server's capabilities (RFC 9635 §9; AS-16, OPI-056). */
import type { DiscoveryApiHandlers } from '../../generated/auth-server/routes.ts';
import type { AuthCall } from './caller.ts';
import type { AuthDeps } from './deps.ts';

/** GET and OPTIONS have the same answer. `authServer` is the grant endpoint as wallet addresses publish it. */
export function createDiscoveryHandlers({ authServer }: Pick<AuthDeps, 'authServer'>) {
  const discover = async () => ({
    status: 200 as const,
    body: {
      grant_request_endpoint: authServer,
      interaction_start_modes_supported: ['redirect'],
      interaction_finish_modes_supported: ['redirect'],
      key_proofs_supported: ['httpsig'],
      sub_id_formats_supported: ['uri'],
      key_rotation_supported: false,
    },
  });
  return {
    'get-discovery': discover,
    'options-discovery': discover,
  } satisfies DiscoveryApiHandlers<AuthCall>;
}
