/** The `TOUCHSTONE_*` variables for clients of a world (CT-01), except the file of the key. */
import type { ServerUrls } from '../ase/server-urls.ts';
import type { WorldDefinition } from './definition/definition.ts';

export interface ClientEnvironment {
  readonly definition: WorldDefinition;
  readonly walletUrl: (at: { readonly ase: string; readonly path: string }) => string;
  /** The client's private key (PKCS#8 PEM), if its ASE is hosted here. */
  readonly clientKey: string | undefined;
  readonly controlUrl: string;
  readonly controlToken: string;
  /** For external resource servers and identity providers. Undefined if another process grants for the sender's ASE. */
  readonly privateEndpoints:
    | {
        readonly urls: Pick<ServerUrls, 'introspection' | 'backChannel'>;
        readonly secrets: Record<'introspection' | 'backChannel', string>;
      }
    | undefined;
}

export function describeClientEnvironment({ definition, walletUrl, clientKey, ...world }: ClientEnvironment) {
  const { urls, secrets } = world.privateEndpoints ?? {};
  const variables: Record<string, string> = {
    TOUCHSTONE_WALLET_ADDRESS: walletUrl(definition.sender),
    TOUCHSTONE_RECEIVER: walletUrl(definition.receiver),
    TOUCHSTONE_CLIENT: walletUrl(definition.client),
    TOUCHSTONE_KEY_ID: definition.client.keyId,
    ...(clientKey !== undefined && {
      TOUCHSTONE_PRIVATE_KEY: clientKey,
      TOUCHSTONE_PRIVATE_KEY_BASE64: Buffer.from(clientKey).toString('base64'),
    }),
    TOUCHSTONE_CONTROL: world.controlUrl,
    TOUCHSTONE_CONTROL_TOKEN: world.controlToken,
    ...(urls &&
      secrets && {
        TOUCHSTONE_INTROSPECTION: urls.introspection,
        TOUCHSTONE_INTROSPECTION_SECRET: secrets.introspection,
        TOUCHSTONE_BACK_CHANNEL: urls.backChannel,
        TOUCHSTONE_BACK_CHANNEL_SECRET: secrets.backChannel,
      }),
  };
  return variables;
}
