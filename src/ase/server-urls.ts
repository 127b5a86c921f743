/** The servers that make up an ASE and their URLs, in one process or in several (INT-01, CT-08). */

import { withoutLastSlashes } from '../net/slashes.ts';

/**
 * The order of mounting, in which no server hides another. Outgoing payments are sent where the resource server runs;
 * token introspection and the back channel belong to the authorization server.
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
  /** Token introspection of the authorization server, for the resource server only. */
  readonly introspection: string;
  /** Back channel of the authorization server, for the identity provider only. */
  readonly backChannel: string;
}

/** All URLs of an ASE. Defaults are below its origin; those of private endpoints are below the control API. */
export function resolveServerUrls(configured: Partial<ServerUrls>, origin: string, privateUrl: string): ServerUrls {
  const bare = (url: string | undefined): string | undefined => url && withoutLastSlashes(url);
  return {
    walletAddressServer: bare(configured.walletAddressServer) ?? origin,
    authServer: `${bare(configured.authServer) ?? `${origin}/auth`}/`,
    resourceServer: bare(configured.resourceServer) ?? origin,
    identityProvider: bare(configured.identityProvider) ?? `${origin}/idp`,
    introspection: configured.introspection ?? `${privateUrl}/introspect`,
    backChannel: bare(configured.backChannel) ?? `${privateUrl}/idp`,
  };
}

/** URLs of other servers that each server calls or publishes. */
const needs: Record<ServerName, readonly (keyof ServerUrls)[]> = {
  'wallet-address': ['authServer', 'resourceServer'],
  auth: ['walletAddressServer', 'identityProvider'],
  resource: ['walletAddressServer', 'authServer', 'introspection'],
  'identity-provider': ['authServer', 'backChannel'],
};

/** URLs that each server answers. */
export const ownUrls: Record<ServerName, readonly (keyof ServerUrls)[]> = {
  'wallet-address': ['walletAddressServer'],
  auth: ['authServer', 'introspection', 'backChannel'],
  resource: ['resourceServer'],
  'identity-provider': ['identityProvider'],
};

/** URLs that must be configured where only these servers run, because other processes answer them. */
export function missingUrls(served: readonly ServerName[], configured: Partial<ServerUrls>): (keyof ServerUrls)[] {
  const answered = new Set(served.flatMap((name) => ownUrls[name]));
  const needed = new Set(served.flatMap((name) => needs[name]));
  return [...needed].filter((url) => !answered.has(url) && configured[url] === undefined);
}

/** URLs by which browsers and clients reach these servers, without those of private endpoints. */
export function publicUrls(urls: Partial<ServerUrls>, served: readonly ServerName[] = serverNames): string[] {
  const published = served.flatMap((name) => ownUrls[name]).filter((url) => !isPrivate(url));
  return published.flatMap((name) => urls[name] ?? []);
}

/** Hosts of these URLs. */
export const publicHosts = (urls: Partial<ServerUrls>, served?: readonly ServerName[]): string[] => [
  ...new Set(publicUrls(urls, served).map((url) => new URL(url).hostname)),
];

const isPrivate = (url: keyof ServerUrls): boolean => url === 'introspection' || url === 'backChannel';
