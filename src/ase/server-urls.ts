/** The servers that make up an ASE, and where each is found: all in one process, or each in its own (INT-01, CT-08). */

/**
 * In the order in which they are mounted, so that none hides another. The outgoing-payment worker runs with the
 * resource server; token introspection and the back channel run with the authorization server.
 */
export const serverNames = ['auth', 'identity-provider', 'resource', 'wallet-address'] as const;
export type ServerName = (typeof serverNames)[number];

export interface ServerUrls {
  /** Origin of the wallet addresses. */
  readonly walletAddressServer: string;
  /** Grant endpoint, with trailing slash (WA-09). */
  readonly authServer: string;
  /** Without trailing slash (WA-08). */
  readonly resourceServer: string;
  /** The consent page is `/consent` below it. */
  readonly identityProvider: string;
  /** Of the authorization server, for the resource server alone. */
  readonly introspection: string;
  /** Of the authorization server, for the identity provider alone. */
  readonly backChannel: string;
}

/** All of an ASE's URLs: those given, the others below its origin, and the private ones below the control API. */
export function resolveServerUrls(given: Partial<ServerUrls>, origin: string, privateUrl: string): ServerUrls {
  const bare = (url: string | undefined): string | undefined => url?.replace(/\/+$/, '');
  return {
    walletAddressServer: bare(given.walletAddressServer) ?? origin,
    authServer: `${bare(given.authServer) ?? `${origin}/auth`}/`,
    resourceServer: bare(given.resourceServer) ?? origin,
    identityProvider: bare(given.identityProvider) ?? `${origin}/idp`,
    introspection: given.introspection ?? `${privateUrl}/introspect`,
    backChannel: bare(given.backChannel) ?? `${privateUrl}/idp`,
  };
}

/** Which URLs the servers of a process need to know of the others. */
const needs: Record<ServerName, readonly (keyof ServerUrls)[]> = {
  'wallet-address': ['authServer', 'resourceServer'],
  auth: ['walletAddressServer', 'identityProvider'],
  resource: ['walletAddressServer', 'authServer', 'introspection'],
  'identity-provider': ['authServer', 'backChannel'],
};

/** Which URLs are those of a server. */
export const ownUrls: Record<ServerName, readonly (keyof ServerUrls)[]> = {
  'wallet-address': ['walletAddressServer'],
  auth: ['authServer', 'introspection', 'backChannel'],
  resource: ['resourceServer'],
  'identity-provider': ['identityProvider'],
};

/** URLs that must be given where only these servers run, because what they name is in another process. */
export function missingUrls(served: readonly ServerName[], given: Partial<ServerUrls>): (keyof ServerUrls)[] {
  const own = new Set(served.flatMap((name) => ownUrls[name]));
  return [...new Set(served.flatMap((name) => needs[name]))].filter((url) => !own.has(url) && given[url] === undefined);
}

/** Hosts at which browsers and clients find these servers; the private URLs are nobody else's business. */
export function publicHosts(urls: Partial<ServerUrls>, served: readonly ServerName[] = serverNames): string[] {
  const published = served.flatMap((name) => ownUrls[name]).filter((url) => !isPrivate(url));
  return [...new Set(published.flatMap((name) => (urls[name] === undefined ? [] : new URL(urls[name]).hostname)))];
}

const isPrivate = (url: keyof ServerUrls): boolean => url === 'introspection' || url === 'backChannel';
