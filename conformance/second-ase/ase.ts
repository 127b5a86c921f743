/** A small account servicing entity that lives in memory and shares no code with Touchstone: the checks judge it. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { authorizationServer } from './authorization.ts';
import type { FaultName } from './faults.ts';
import { createAseServer } from './http.ts';
import { interactionRoutes } from './interaction.ts';
import type { Json } from './json.ts';
import { createKeyFinder } from './keys.ts';
import { paymentRoutes } from './payments.ts';
import { createResources, incomingPaymentRoutes, resourceServer } from './resource.ts';
import { findWallet, type State, type Wallet } from './state.ts';
import { walletAddressServer } from './wallets.ts';

export interface SecondAse {
  readonly walletAddress: string;
  readonly receiver: string;
  readonly client: string;
  close(): Promise<void>;
}

/** @param clientKey public key of the client, at one of the wallet addresses */
export async function startSecondAse(options: {
  readonly clientKey: Json;
  readonly faults?: readonly FaultName[];
  readonly port?: number;
}): Promise<SecondAse> {
  const faults = new Set(options.faults);
  let origin = '';
  const areas: ReturnType<typeof walletAddressServer>[] = [];
  const server = createAseServer({ areas, origin: () => origin, has: (fault) => faults.has(fault) });
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const state = createState(origin, faults, options.clientKey);
  const resources = createResources(state);
  const routes = [...incomingPaymentRoutes(state, resources), ...paymentRoutes(state, resources)];
  areas.push(
    authorizationServer(state, interactionRoutes(state)),
    resourceServer(state, routes),
    walletAddressServer(state),
  );
  return {
    walletAddress: `${origin}/pat`,
    receiver: `${origin}/people/lou`,
    client: `${origin}/app`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function createState(origin: string, faults: ReadonlySet<FaultName>, clientKey: Json): State {
  const wallet = (path: string, assetCode: string, keys: readonly Json[] = []): Wallet => ({
    ...{ url: origin + path, publicName: path.slice(path.lastIndexOf('/') + 1), assetCode, assetScale: 2, keys },
    balance: 10_000_000n,
  });
  const wallets = [
    wallet('/pat', 'USD'),
    wallet('/people/lou', 'EUR'),
    wallet('/app', 'USD', [clientKey]),
    wallet('/.well-known/pay', 'USD'),
  ];
  return {
    ...{ origin, wallets, authServer: `${origin}/gnap/`, resourceServer: `${origin}/op` },
    has: (fault) => faults.has(fault),
    nonces: new Set(),
    findKey: createKeyFinder((url) => (url.startsWith(`${origin}/`) ? findWallet({ wallets }, url)?.keys : undefined)),
    ...{ grants: new Map(), interactions: new Map(), tokens: new Map(), tokensByManageId: new Map() },
    ...{ incoming: new Map(), quotes: new Map(), outgoing: new Map() },
  };
}
