/** The control API of a world as an application, and the world as the inspector shows it. */
import type { Express } from 'express';
import { createControlApp } from '../control/app.ts';
import type { AdministrationDeps } from '../control/ase-access.ts';
import type { Controls } from '../control/controls.ts';
import { createLocalApi } from '../control/local-api.ts';
import { createControlHandlers } from '../control/server.ts';
import { createHandPayments } from '../inspector/hand-payments.ts';
import { createLiveStreams } from '../inspector/live.ts';
import type { InspectedWorld } from '../inspector/route.ts';
import { privateRanges } from '../net/addresses.ts';
import { createOutbound } from '../net/outbound.ts';
import type { WorldRuntime } from './runtime.ts';

const administrationOf = ({ db, clock: { businessNow, wallNow }, ases }: WorldRuntime): AdministrationDeps => ({
  db,
  businessNow,
  wallNow,
  findAse: (name) => ases.get(name)?.ase.administration,
});

export function createWorldControlApp(runtime: WorldRuntime, controls: Controls, token: string): Express {
  const { host, db, clock, switches, ases } = runtime;
  const log = host.log.child({ ase: 'control' });
  return createControlApp({
    controls,
    administration: administrationOf(runtime),
    token,
    url: host.controlUrl,
    host: host.controlHost,
    environment: { db, clock, switches, log, rememberNonce: async () => false },
    // Looked up for each request, because a reset replaces the ASEs.
    privateAppOf: (name) => ases.get(name)?.ase.privateApp,
  });
}

/** For the requests of a client to the servers of this world, which can have private addresses. */
const clientLimits = { timeoutMs: 30_000, maxBytes: 256 * 1024, allowHttp: true, allowAnyPort: true };

/** `clientWallet` is the wallet address of the test client. */
export function inspectWorld(runtime: WorldRuntime, controls: Controls, clientWallet: string): InspectedWorld {
  const { host, db, clock, switches, listeners, ases, definition } = runtime;
  const { ase, keyId } = definition.client;
  const administration = administrationOf(runtime);
  const network = { trust: host.tls?.trust, hosts: listeners.hosts, allowedRanges: privateRanges };
  const live = createLiveStreams({ subscribe: (listener) => controls.subscribeToExchanges(() => listener()) });
  const handPayments = createHandPayments({
    client() {
      const privateKey = ases.get(ase)?.clientKey;
      return privateKey === undefined ? undefined : { walletAddress: clientWallet, keyId, privateKey };
    },
    consent: controls.consent,
    hashEncoding: switches.hashEncoding,
    openOutbound: (userAgent) => createOutbound({ ...clientLimits, ...network, userAgent }),
    wallNow: clock.wallNow,
    onChange: live.announce,
  });
  return {
    controls,
    api: createLocalApi(createControlHandlers(controls, administration), administration),
    query: db.query,
    keyOf: (name) => ases.get(name)?.ase.key,
    businessNow: clock.businessNow,
    handPayments,
    live,
    close() {
      handPayments.close();
      live.close();
    },
  };
}
