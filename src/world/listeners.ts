/** Where the servers of a world's ASEs listen, and under which URLs they are found (SIG-21, WA-07, WA-08). */
import type { RequestListener } from 'node:http';
import { publicHosts, resolveServerUrls, type ServerName, type ServerUrls, serverNames } from '../ase/server-urls.ts';
import { type Listener, listen } from '../net/listener.ts';
import type { CertificateAndKey } from '../net/x509.ts';
import type { AseDefinition, PublicUrl, WorldDefinition } from './definition/definition.ts';

export interface AseListenerOptions {
  /** Address to listen on. */
  readonly host: string;
  /** Of the first ASE that has none of its own; 0 takes any free one. */
  readonly port: number;
  /** Origin of the first ASE; the ports of the others follow. */
  readonly publicUrl: URL | undefined;
  /** Of the one ASE that is hosted here, where its servers are in several processes; they win over the definition. */
  readonly servers: Partial<ServerUrls>;
  /** Which servers run here. */
  readonly serves: readonly ServerName[];
  /** Below it are the private endpoints. */
  readonly controlUrl: string;
  /** Certificate for these hosts; undefined for plain HTTP. */
  readonly credentialsFor: ((hosts: readonly string[]) => CertificateAndKey) | undefined;
}

export interface AseListeners {
  /** Of any ASE of the world; of those that run elsewhere altogether what follows from the definition. */
  urlsOf(ase: AseDefinition): ServerUrls;
  /** Origin of its connector. */
  endpointOf(ase: AseDefinition): string;
  /** Further base URLs of a server. */
  aliasesOf(ase: AseDefinition, server: ServerName): readonly string[];
  /** Origin → where its server really is, for calls of our own. */
  readonly hosts: ReadonlyMap<string, string>;
  /** Makes an ASE answer: `create` for each of its listeners, with the servers that listen there. */
  serve(ase: AseDefinition, create: (servers: readonly ServerName[]) => RequestListener): void;
  close(graceMs?: number): Promise<void>;
}

/** The public URL of each server, and its usual path below the ASE's origin. */
const published = {
  auth: ['authServer', '/auth'],
  'identity-provider': ['identityProvider', '/idp'],
  resource: ['resourceServer', ''],
  'wallet-address': ['walletAddressServer', ''],
} as const satisfies Record<ServerName, readonly [url: PublicUrl, path: string]>;

const definitionOf = (ase: AseDefinition, server: ServerName) => ase.servers?.[published[server][0]] ?? {};

/** Servers of one ASE behind one listener, which several ASEs can share. */
interface VirtualHost {
  readonly ase: string;
  readonly servers: readonly ServerName[];
  /** Names by which it is called, as in Host. */
  readonly hosts: ReadonlySet<string>;
  answer?: RequestListener;
}

/** Listens; nothing is answered before `serve`. */
export async function listenForAses(
  definition: WorldDefinition,
  hosted: readonly AseDefinition[],
  options: AseListenerOptions,
): Promise<AseListeners> {
  const { host, publicUrl, serves } = options;
  const scheme = options.credentialsFor ? 'https' : 'http';
  const listeners = new Map<string, Listener>();
  const doors = new Map<string, VirtualHost[]>();

  /** As configured; 0 for any free one, which is then the same for all servers of the ASE that have none of their own. */
  const portOf = (ase: AseDefinition, server: ServerName): number =>
    definitionOf(ase, server).port ?? ase.port ?? (options.port === 0 ? 0 : options.port + ase.portOffset);
  const listenerOf = (ase: AseDefinition, server: ServerName): string => {
    const port = portOf(ase, server);
    return port === 0 ? ase.name : String(port);
  };
  const localOrigin = (ase: AseDefinition, server: ServerName): string =>
    new URL(`${scheme}://localhost:${listeners.get(listenerOf(ase, server))?.port ?? portOf(ase, server)}`).origin;

  /** Where a server is if nobody says otherwise. */
  const originOf = (ase: AseDefinition, server: ServerName): string =>
    publicUrl && definitionOf(ase, server).port === undefined && ase.port === undefined
      ? withPort(publicUrl, ase.portOffset)
      : localOrigin(ase, server);

  function urlsOf(ase: AseDefinition): ServerUrls {
    const urls = serverNames.map((server) => {
      const [name, path] = published[server];
      return [name, definitionOf(ase, server).url ?? originOf(ase, server) + path] as const;
    });
    const given = hosted.includes(ase) ? options.servers : {};
    return resolveServerUrls(
      { ...Object.fromEntries(urls), ...given },
      originOf(ase, 'resource'),
      `${options.controlUrl}/${ase.name}`,
    );
  }

  const aliasesOf = (ase: AseDefinition, server: ServerName) => definitionOf(ase, server).aliases ?? [];

  const close: AseListeners['close'] = async (graceMs) => {
    await Promise.all([...listeners.values()].map((listener) => listener.close(graceMs)));
  };

  try {
    const names = hosted.flatMap((ase) => publicHosts(urlsOf(ase), serves));
    const aliases = hosted.flatMap((ase) => serves.flatMap((server) => aliasesOf(ase, server)));
    const certified = [...new Set([...names, ...aliases.map((alias) => new URL(alias).hostname)])];
    const credentials = options.credentialsFor?.(certified);
    for (const ase of hosted) {
      for (const [key, servers] of Map.groupBy(serves, (server) => listenerOf(ase, server))) {
        if (!listeners.has(key)) {
          const listener = await listen(host, portOf(ase, servers[0]!), credentials);
          const behind: VirtualHost[] = [];
          listeners.set(key, listener);
          doors.set(key, behind);
          listener.serve((req, res) => selectVirtualHost(behind, req.headers.host)(req, res));
        }
        const urls = urlsOf(ase);
        const called = servers.flatMap((server) => [urls[published[server][0]], ...aliasesOf(ase, server)]);
        doors.get(key)!.push({ ase: ase.name, servers, hosts: new Set(called.map((url) => new URL(url).host)) });
      }
    }
  } catch (error) {
    await close(0);
    throw error;
  }

  /** What the definition calls by another name is called here, where it listens. */
  const near = hosted.flatMap((ase) =>
    serves.flatMap((server) => {
      const { url, aliases = [] } = definitionOf(ase, server);
      const port = listeners.get(listenerOf(ase, server))!.port;
      const address = `${scheme}://${reachable(host)}:${port}`;
      return [...(url === undefined ? [] : [url]), ...aliases].map((name) => [new URL(name).origin, address] as const);
    }),
  );

  return {
    urlsOf,
    endpointOf: (ase) => originOf(ase, 'resource'),
    aliasesOf,
    hosts: new Map([...near, ...Object.entries(definition.hosts ?? {})]),
    serve(ase, create) {
      for (const door of [...doors.values()].flat()) if (door.ase === ase.name) door.answer = create(door.servers);
    },
    close,
  };
}

const notReady: RequestListener = (_req, res) => {
  res.writeHead(503, { 'Retry-After': '1' }).end();
};

/** Host chooses among the ASEs of a listener; where it names none of them, it is the first one. */
function selectVirtualHost(doors: readonly VirtualHost[], host: string | undefined): RequestListener {
  const named = doors.length > 1 ? doors.find(({ hosts }) => hosts.has(host?.toLowerCase() ?? '')) : undefined;
  return (named ?? doors[0])?.answer ?? notReady;
}

/** The origin with `offset` added to its port. */
function withPort(url: URL, offset: number): string {
  const moved = new URL(url.origin);
  if (offset > 0) moved.port = String(Number(url.port || (url.protocol === 'https:' ? 443 : 80)) + offset);
  return moved.origin;
}

/** An address to call where one listens on this one. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
