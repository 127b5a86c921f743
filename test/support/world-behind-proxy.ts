/**
 * A world behind a proxy that ends TLS: each server has a separate origin, three below a path, and the certificate is
 * of a private authority.
 */
import { defaultWorld } from '../../src/world/definition/definition.ts';
import { findFreePort } from './free-port.ts';
import { createTlsProxy } from './tls-proxy.ts';
import { startWorld, type TestWorld } from './world.ts';

export interface WorldBehindProxy {
  readonly world: TestWorld;
  /** Certificate of the authority, in PEM. */
  readonly authority: string;
  close(): Promise<void>;
}

export async function startWorldBehindProxy(): Promise<WorldBehindProxy> {
  const proxy = createTlsProxy();
  const ases = await Promise.all(
    defaultWorld.ases.map(async (ase) => {
      const port = await findFreePort();
      const servers = {
        walletAddressServer: { url: await proxy.addOrigin(port) },
        authServer: { url: `${await proxy.addOrigin(port)}/payments/gnap` },
        resourceServer: { url: `${await proxy.addOrigin(port)}/payments/open` },
        identityProvider: { url: `${await proxy.addOrigin(port)}/decide` },
      };
      return { ...ase, port, servers };
    }),
  );
  const world = await startWorld({ definition: { ...defaultWorld, ases } });
  return {
    world,
    authority: proxy.authority,
    async close() {
      await world.close();
      proxy.close();
    },
  };
}
