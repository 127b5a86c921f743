/** The apps of an ASE: the public ones, one for each listener, and the one for the private port (CT-08). */
import type { RequestListener } from 'node:http';
import type { Express } from 'express';
import { interactionHeaders } from '../auth/server.ts';
import { createExpressApp, mountServer } from '../http/express-app.ts';
import {
  answerNotFound,
  createServerRouter,
  type RouterOptions,
  refusePlainRequest,
  rejectUnknownPaths,
  type ServerRouter,
} from '../http/router.ts';
import type { Server, ServerContext } from '../http/server.ts';
import { createIlpOverHttpHandler } from '../payments/ilp/ilp-over-http.ts';
import type { AseOptions } from './options.ts';
import type { Payments } from './payments.ts';
import { createPublicApp } from './public-app.ts';
import { createReadiness } from './readiness.ts';
import { publicUrls, type ServerName, type ServerUrls, serverNames } from './server-urls.ts';
import type { AseServers, PrivateServers } from './servers.ts';

export interface AseApps {
  /** The public app of one listener, with these servers. */
  readonly createApp: (servers: readonly ServerName[]) => RequestListener;
  /** Refuses requests in clear text to a port for TLS. */
  readonly plainApp: RequestListener;
  readonly privateApp: Express;
}

export type AseAppsOptions = Pick<AseOptions, 'key' | 'urls' | 'aliasesOf' | 'db' | 'clock' | 'log'>;

const noStore = { 'Cache-Control': 'no-store' };

/** Routes of a server, and its error for every other path below its base. */
const mount = <Caller>(server: Server<Caller>, context: ServerContext, options: RouterOptions) =>
  [createServerRouter(server, context, options), rejectUnknownPaths(server, context, options)] as const;

/** These calls belong to requests that were admitted, so they are answered whatever the load. */
function createPrivateApp(servers: PrivateServers | undefined, context: ServerContext, urls: ServerUrls): Express {
  const app = createExpressApp();
  const mountBelow = (path: string, server: Server<undefined>, url: string) =>
    app.use(path, ...mountServer(...mount(server, context, { origin: new URL(url).origin, cors: false })));
  if (servers) {
    mountBelow('/introspect', servers.introspection, urls.introspection);
    mountBelow('/idp', servers.backChannel, urls.backChannel);
  }
  return app;
}

function createPlainApp(context: ServerContext, urls: ServerUrls): RequestListener {
  const [origin, ...aliases] = publicUrls(urls, serverNames).map((url) => `http://${new URL(url).host}`);
  return refusePlainRequest(context, { origin: origin!, aliases, cors: false });
}

/** The published URL of a server, and its routers on a listener with these servers. */
type Mountable = readonly [url: string, createRouters: (sharing: readonly ServerName[]) => readonly ServerRouter[]];

export function createAseApps(
  { context, ...servers }: AseServers,
  { peers, connector, isRunning }: Pick<Payments, 'peers' | 'connector' | 'isRunning'>,
  { key, urls, aliasesOf, db, clock, log }: AseAppsOptions,
): AseApps {
  const originsOf = (url: string, server: ServerName) => ({
    origin: new URL(url).origin,
    aliases: aliasesOf(server).map((alias) => new URL(alias).origin),
  });
  const authOrigins = originsOf(urls.authServer, 'auth');
  const consentOrigins = originsOf(urls.identityProvider, 'identity-provider');
  const resourceOptions = { ...originsOf(urls.resourceServer, 'resource'), cors: true, headers: noStore };
  const mountable: Record<ServerName, Mountable> = {
    auth: [
      urls.authServer,
      () => [
        createServerRouter(servers.interaction, context, {
          ...authOrigins,
          knownHostsOnly: true,
          cors: false,
          headers: interactionHeaders,
        }),
        ...mount(servers.auth, context, { ...authOrigins, cors: true, headers: noStore }),
      ],
    ],
    'identity-provider': [
      urls.identityProvider,
      () =>
        mount(servers.identityProvider, context, {
          ...consentOrigins,
          knownHostsOnly: true,
          cors: false,
          headers: interactionHeaders,
        }),
    ],
    // A path unknown to the resource server may be a wallet address of the server at the same listener.
    resource: [
      urls.resourceServer,
      (sharing) =>
        sharing.includes('wallet-address')
          ? [createServerRouter(servers.resource, context, resourceOptions)]
          : mount(servers.resource, context, resourceOptions),
    ],
    'wallet-address': [urls.walletAddressServer, () => [servers.walletAddress]],
  };

  const whyDatabaseNotReady = createReadiness({ key, db, clock, log });
  const onError = (error: unknown) => log.error({ err: error }, 'packet not answered');
  const answerPacket = createIlpOverHttpHandler({ identify: peers.identify, receive: connector.receive, onError });
  return {
    plainApp: createPlainApp(context, urls),
    privateApp: createPrivateApp(servers.privateServers, { ...context, load: undefined }, urls),
    createApp: (names) =>
      createPublicApp({
        mounted: serverNames
          .filter((server) => names.includes(server))
          .map((server) => {
            const [url, createRouters] = mountable[server];
            return { urls: [url, ...aliasesOf(server)], routers: createRouters(names) };
          }),
        whyNotReady: async () =>
          names.includes('resource') && !isRunning() ? 'payments_stopped' : whyDatabaseNotReady(),
        answerPacket: names.includes('resource') ? answerPacket : undefined,
        route: context.intercept?.route,
        log,
        answerNotFound: answerNotFound(context, { origin: new URL(mountable[names[0]!][0]).origin, cors: false }),
      }),
  };
}
