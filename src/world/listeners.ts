/** Listeners and public URLs of the servers of a world's ASEs (SIG-21, WA-08). */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  publicHosts,
  publicUrls,
  resolveServerUrls,
  type ServerName,
  type ServerUrls,
  serverNames,
} from '../ase/server-urls.ts';
import { ConfigError } from '../errors.ts';
import { type Listener, listen } from '../net/listener.ts';
import { isHostOf, requestedHost } from '../net/request-line.ts';
import type { CertificateAndKey } from '../net/x509.ts';
import type { AseDefinition, PublicUrl, WorldDefinition } from './definition/definition.ts';

export interface AseListenerOptions {
  /** Address to listen on. */
  readonly host: string;
  /** Port of the first ASE without a configured port. 0 takes any free port. */
  readonly port: number;
  /** Origin of the first ASE; the ports of the others follow. */
  readonly publicUrl: URL | undefined;
  /** Command-line overrides for the single hosted ASE. They take precedence over the definition. */
  readonly servers: Partial<ServerUrls>;
  /** The servers that run in this process. */
  readonly serves: readonly ServerName[];
  /** Base URL of the control API, and of the private endpoints. */
  readonly controlUrl: string;
  /** Certificate for these hosts; undefined for plain HTTP. */
  readonly credentialsFor: ((hosts: readonly string[]) => CertificateAndKey) | undefined;
}

export interface AseListeners {
  /** URLs of any ASE in the world. Those of an ASE hosted elsewhere are computed from the definition. */
  urlsOf(ase: AseDefinition): ServerUrls;
  /** Origin of its connector. */
  endpointOf(ase: AseDefinition): string;
  /** Further base URLs of a server. */
  aliasesOf(ase: AseDefinition, server: ServerName): readonly string[];
  /** Origins of the servers of the world, in this process or another. */
  readonly origins: ReadonlySet<string>;
  /** Every origin of the world → address that outbound calls to this origin connect to. */
  readonly hosts: ReadonlyMap<string, string>;
  /**
   * Makes an ASE answer. Calls `create` for each of its listeners, with the servers behind it. `refusePlain` answers
   * requests in clear text where the listeners use TLS.
   */
  serve(
    ase: AseDefinition,
    create: (servers: readonly ServerName[]) => RequestListener,
    refusePlain?: RequestListener,
  ): void;
  /**
   * Answers requests with 503, except `/livez`. Resolves when those in progress have been answered, at the latest after
   * `graceMs`.
   */
  suspend(graceMs?: number): Promise<void>;
  resume(): void;
  /**
   * Resolves when no request is in progress, at the latest after `graceMs`. Until then all are answered, because those in
   * progress call servers of this process, and clients are asked to use another connection for the next one.
   */
  drain(graceMs?: number): Promise<void>;
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

/** 0 for any free port, which all servers of the ASE without a configured port then share. */
export const selectPort = (port: number, ase: AseDefinition, server: ServerName): number =>
  definitionOf(ase, server).port ?? ase.port ?? (port === 0 ? 0 : port + ase.portOffset);

/** Servers of one ASE behind one listener, which several ASEs can share. */
interface VirtualHost {
  readonly ase: string;
  readonly servers: readonly ServerName[];
  /** Its base URLs, whose hosts select it. */
  readonly urls: readonly string[];
  answer?: RequestListener;
  refusePlain?: RequestListener | undefined;
}

/** A port in use, with the ASEs behind it. */
interface OpenPort {
  readonly listener: Listener;
  readonly virtualHosts: VirtualHost[];
}

type OpenPorts = Map<string, OpenPort>;

/** Opens the listeners. They answer 503 until `serve`. */
export async function listenForAses(
  definition: WorldDefinition,
  hosted: readonly AseDefinition[],
  options: AseListenerOptions,
): Promise<AseListeners> {
  const open: OpenPorts = new Map();
  const gate = createGate();
  const addresses = createAddresses(hosted, options, open);
  const { urlsOf, originOf } = addresses;

  const close: AseListeners['close'] = async (graceMs) => {
    await Promise.all([...open.values()].map(({ listener }) => listener.close(graceMs)));
  };
  try {
    await openPorts(hosted, options, addresses, open, gate.pass);
    expectDistinctOrigins(options.port === 0 ? hosted : definition.ases, addresses);
  } catch (error) {
    await close(0);
    throw error;
  }
  const knownOrigins = [
    ...listPublishedOrigins(hosted, options, addresses, open),
    // Last, because servers of several processes can share an origin.
    ...listOriginsElsewhere(definition, hosted, options, addresses),
  ];
  return {
    urlsOf,
    endpointOf: (ase) => originOf(ase, 'resource'),
    aliasesOf,
    origins: new Set(knownOrigins.map(([origin]) => origin)),
    hosts: new Map([...knownOrigins, ...Object.entries(definition.hosts ?? {})]),
    serve(ase, create, refusePlain) {
      for (const { virtualHosts } of open.values()) {
        for (const virtualHost of virtualHosts) {
          if (virtualHost.ase !== ase.name) continue;
          virtualHost.answer = create(virtualHost.servers);
          virtualHost.refusePlain = refusePlain;
        }
      }
    },
    suspend: gate.close,
    resume: gate.open,
    drain: gate.drain,
    close,
  };
}

/** Each ASE needs an origin for its wallet addresses that no other ASE has. */
function expectDistinctOrigins(ases: readonly AseDefinition[], { urlsOf }: Addresses): void {
  for (const [origin, [first, second]] of Map.groupBy(ases, (ase) => urlsOf(ase).walletAddressServer)) {
    if (!first || !second) continue;
    throw new ConfigError(
      `${first.name} and ${second.name} both have the origin ${origin}: give each a port or a walletAddressServer, or change --public-url`,
    );
  }
}

const aliasesOf = (ase: AseDefinition, server: ServerName) => definitionOf(ase, server).aliases ?? [];

type Addresses = ReturnType<typeof createAddresses>;

/** Ports and URLs of the servers. A port that the system chooses is known as soon as it is open. */
function createAddresses(hosted: readonly AseDefinition[], options: AseListenerOptions, open: OpenPorts) {
  const { publicUrl } = options;
  const scheme = options.credentialsFor ? 'https' : 'http';
  const portOf = (ase: AseDefinition, server: ServerName): number => selectPort(options.port, ase, server);
  /** Key in `open`. */
  const listenerOf = (ase: AseDefinition, server: ServerName): string => {
    const port = portOf(ase, server);
    return port === 0 ? ase.name : String(port);
  };
  const localOrigin = (ase: AseDefinition, server: ServerName): string =>
    new URL(`${scheme}://localhost:${open.get(listenerOf(ase, server))?.listener.port ?? portOf(ase, server)}`).origin;
  /** Origin of a server without a configured URL. */
  const originOf = (ase: AseDefinition, server: ServerName): string =>
    publicUrl && definitionOf(ase, server).port === undefined && ase.port === undefined
      ? withPort(publicUrl, ase.portOffset)
      : localOrigin(ase, server);
  function urlsOf(ase: AseDefinition): ServerUrls {
    const urls = serverNames.map((server) => {
      const [name, path] = published[server];
      return [name, definitionOf(ase, server).url ?? originOf(ase, server) + path] as const;
    });
    const overrides = hosted.includes(ase) ? options.servers : {};
    return resolveServerUrls(
      { ...Object.fromEntries(urls), ...overrides },
      originOf(ase, 'resource'),
      `${options.controlUrl}/${ase.name}`,
    );
  }
  return { scheme, portOf, listenerOf, originOf, urlsOf };
}

async function openPorts(
  hosted: readonly AseDefinition[],
  { host, serves, credentialsFor }: AseListenerOptions,
  { portOf, listenerOf, urlsOf }: Addresses,
  open: OpenPorts,
  pass: Gate['pass'],
): Promise<void> {
  const names = hosted.flatMap((ase) => publicHosts(urlsOf(ase), serves));
  const aliases = hosted.flatMap((ase) => serves.flatMap((server) => aliasesOf(ase, server)));
  const certified = [...new Set([...names, ...aliases.map((alias) => new URL(alias).hostname)])];
  const credentials = credentialsFor?.(certified);
  for (const ase of hosted) {
    for (const [key, servers] of Map.groupBy(serves, (server) => listenerOf(ase, server))) {
      const { virtualHosts } = open.get(key) ?? (await openPort(key, portOf(ase, servers[0]!)));
      const urls = urlsOf(ase);
      const baseUrls = servers.flatMap((server) => [urls[published[server][0]], ...aliasesOf(ase, server)]);
      virtualHosts.push({ ase: ase.name, servers, urls: baseUrls });
    }
  }

  async function openPort(key: string, port: number): Promise<OpenPort> {
    const listener = await listen(host, port, credentials);
    const virtualHosts: VirtualHost[] = [];
    open.set(key, { listener, virtualHosts });
    const hostOf = (req: IncomingMessage) => selectVirtualHost(virtualHosts, requestedHost(req));
    listener.serve((req, res) => pass(hostOf(req)?.answer ?? notReady, req, res));
    listener.refusePlain((req, res) => pass(hostOf(req)?.refusePlain ?? notReady, req, res));
    return { listener, virtualHosts };
  }
}

/** Origins of the hosted ASEs with the local address that answers them, so that calls to them need no DNS or proxy. */
const listPublishedOrigins = (
  hosted: readonly AseDefinition[],
  { host, serves }: AseListenerOptions,
  { scheme, listenerOf, urlsOf }: Addresses,
  open: OpenPorts,
) =>
  hosted.flatMap((ase) =>
    serves.flatMap((server) => {
      const address = `${scheme}://${reachableHost(host)}:${open.get(listenerOf(ase, server))!.listener.port}`;
      const names = [urlsOf(ase)[published[server][0]], ...aliasesOf(ase, server)];
      return names.map((name) => [new URL(name).origin, address] as const);
    }),
  );

/** Origins of servers in other processes, which are called where their names lead. */
const listOriginsElsewhere = (
  { ases }: WorldDefinition,
  hosted: readonly AseDefinition[],
  { serves }: AseListenerOptions,
  { urlsOf }: Addresses,
) =>
  ases.flatMap((ase) => {
    const elsewhere = hosted.includes(ase) ? serverNames.filter((server) => !serves.includes(server)) : serverNames;
    return publicUrls(urlsOf(ase), elsewhere).map((url) => [new URL(url).origin, new URL(url).origin] as const);
  });

const notReady: RequestListener = (_req, res) => {
  res.writeHead(503, { 'Retry-After': '1' }).end();
};

type Gate = ReturnType<typeof createGate>;

/** Lets requests pass until it is closed. */
function createGate() {
  const inProgress = new Set<Promise<void>>();
  let isOpen = true;
  let isDraining = false;
  return {
    pass(answer: RequestListener, req: IncomingMessage, res: ServerResponse): void {
      if (!isOpen && req.url !== '/livez') return void notReady(req, res);
      if (isDraining) res.setHeader('Connection', 'close');
      const done = new Promise<void>((resolve) => void res.once('close', resolve));
      inProgress.add(done);
      done.then(() => inProgress.delete(done));
      answer(req, res);
    },
    async close(graceMs = 5000): Promise<void> {
      isOpen = false;
      const timeout = new AbortController();
      const elapsed = sleep(graceMs, undefined, { signal: timeout.signal }).catch(() => {});
      await Promise.race([Promise.all(inProgress), elapsed]);
      timeout.abort();
    },
    async drain(graceMs = 5000): Promise<void> {
      isDraining = true;
      const timeout = new AbortController();
      let isOver = false;
      const elapsed = sleep(graceMs, undefined, { signal: timeout.signal }).catch(() => {});
      void elapsed.then(() => {
        isOver = true;
      });
      while (inProgress.size > 0 && !isOver) await Promise.race([Promise.all(inProgress), elapsed]);
      timeout.abort();
    },
    open(): void {
      isOpen = true;
    },
  };
}

/** Selects by the Host header. An unknown host gets the first ASE of the listener. */
function selectVirtualHost(virtualHosts: readonly VirtualHost[], host: string): VirtualHost | undefined {
  const named =
    virtualHosts.length > 1 ? virtualHosts.find(({ urls }) => urls.some((url) => isHostOf(host, url))) : undefined;
  return named ?? virtualHosts[0];
}

/** The origin with `offset` added to its port. */
function withPort(url: URL, offset: number): string {
  const moved = new URL(url.origin);
  if (offset > 0) moved.port = String(Number(url.port || (url.protocol === 'https:' ? 443 : 80)) + offset);
  return moved.origin;
}

/** Address to connect to for a listener on this address. */
function reachableHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
