/** What the servers of an ASE answer at their listeners, and what stands behind the private port (CT-08). */
import express, { type Express } from 'express';
import { interactionHeaders } from '../auth/server.ts';
import type { Server, ServerContext } from '../http/pipeline.ts';
import { createServerRouter, type RouterOptions, rejectUnknownPaths } from '../http/router.ts';
import { createPublicApp, type Handlers, type PublicAppOptions } from './public-app.ts';
import { type ServerName, type ServerUrls, serverNames } from './server-urls.ts';

export interface AseServers {
  // biome-ignore lint/suspicious/noExplicitAny: each server knows its own callers
  readonly auth: Server<any>;
  readonly interaction: Server<undefined>;
  readonly identityProvider: Server<undefined>;
  // biome-ignore lint/suspicious/noExplicitAny: each server knows its own callers
  readonly resource: Server<any>;
  readonly walletAddress: Handlers;
  /** Only where the authorization server runs. */
  readonly introspection?: Server<undefined>;
  readonly backChannel?: Server<undefined>;
}

export interface AseAppsOptions extends Pick<PublicAppOptions, 'isReady' | 'answerPacket'> {
  readonly urls: ServerUrls;
  readonly aliasesOf: (server: ServerName) => readonly string[];
  readonly environment: ServerContext;
}

export interface AseApps {
  /** What these of the servers answer to the public, for a listener of theirs. */
  readonly createApp: (here: readonly ServerName[]) => Express;
  readonly privateApp: Express;
}

export function createAseApps(ase: AseServers, { urls, aliasesOf, environment, ...options }: AseAppsOptions): AseApps {
  /** A server with what it answers to anything else below its base. */
  const mount = <Caller>(server: Server<Caller>, bound: RouterOptions) => [
    createServerRouter(server, environment, bound),
    ...rejectUnknownPaths(server, environment, bound),
  ];
  const originsOf = (url: string, server: ServerName) => ({
    origin: new URL(url).origin,
    aliases: aliasesOf(server).map((alias) => new URL(alias).origin),
  });
  const noStore = { 'Cache-Control': 'no-store' };
  const ofAuth = originsOf(urls.authServer, 'auth');
  const ofConsent = originsOf(urls.identityProvider, 'identity-provider');
  const ofResources = { ...originsOf(urls.resourceServer, 'resource'), cors: true, headers: noStore };
  const servers: Record<ServerName, readonly [url: string, handlers: (beside: readonly ServerName[]) => Handlers]> = {
    auth: [
      urls.authServer,
      () => [
        createServerRouter(ase.interaction, environment, { ...ofAuth, cors: false, headers: interactionHeaders }),
        ...mount(ase.auth, { ...ofAuth, cors: true, headers: noStore }),
      ],
    ],
    'identity-provider': [
      urls.identityProvider,
      () => mount(ase.identityProvider, { ...ofConsent, cors: false, headers: interactionHeaders }),
    ],
    // What the resource server does not know may be a wallet address.
    resource: [
      urls.resourceServer,
      (beside) =>
        beside.includes('wallet-address')
          ? [createServerRouter(ase.resource, environment, ofResources)]
          : mount(ase.resource, ofResources),
    ],
    'wallet-address': [urls.walletAddressServer, () => ase.walletAddress],
  };

  const privateApp = express().disable('x-powered-by').disable('etag');
  const mountPrivately = (path: string, server: Server<undefined> | undefined, url: string) => {
    if (server) privateApp.use(path, mount(server, { origin: new URL(url).origin, cors: false }));
  };
  mountPrivately('/introspect', ase.introspection, urls.introspection);
  mountPrivately('/idp', ase.backChannel, urls.backChannel);

  return {
    privateApp,
    createApp: (here) =>
      createPublicApp({
        mounted: serverNames
          .filter((server) => here.includes(server))
          .map((server) => {
            const [url, createHandlers] = servers[server];
            return { urls: [url, ...aliasesOf(server)], handlers: createHandlers(here) };
          }),
        isReady: options.isReady,
        answerPacket: here.includes('resource') ? options.answerPacket : undefined,
      }),
  };
}
