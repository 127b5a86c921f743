/** Consistency between the members of a world file: unique names, references, prices, and URLs that answer. */
import { didYouMean } from '../../errors.ts';
import { defaultWorld } from './definition.ts';
import type { Mistake } from './document-reader.ts';
import type { PeerDocument, WorldDocument } from './shape.ts';

/** The public URLs with their paths below the ASE's origin. */
const usualPaths = { authServer: '/auth', identityProvider: '/idp', resourceServer: '', walletAddressServer: '' };
const serverNames = Object.keys(usualPaths) as (keyof typeof usualPaths)[];

/** With more than one currency, every ASE needs the prices of all, or a rate source. */
function findMissingPrices({ ases, prices: worldPrices = defaultWorld.prices }: WorldDocument): Mistake[] {
  const codes = [...new Set(ases.flatMap(({ wallets }) => wallets.map(({ asset: { code } }) => code)))];
  if (codes.length === 1) return [];
  const missing = ases.flatMap(({ prices, rateSource }, index) =>
    codes
      .filter((code) => rateSource === undefined && !Object.hasOwn(prices ?? worldPrices, code))
      .map((code) => ({ at: prices ? `ases[${index}].prices` : 'prices', sentence: `no price for ${code}` })),
  );
  return missing.filter(
    ({ at, sentence }, index) => missing.findIndex((other) => other.at === at && other.sentence === sentence) === index,
  );
}

/** Consent pages and the grant endpoint answer everything below their paths, so no other server may be there. */
function findHiddenServers({ ases }: WorldDocument): Mistake[] {
  return ases.flatMap(({ servers = {} }, index) => {
    const placesOf = (name: keyof typeof usualPaths): string[] => {
      const { url, port, aliases = [] } = servers[name] ?? {};
      const paths = [...(url === undefined ? [] : [url]), ...aliases].map((base) => new URL(base).pathname);
      if (url === undefined) paths.push(usualPaths[name]);
      return paths.map((path) => `${port ?? ases[index]!.port ?? ''}${path.replace(/\/$/, '')}`);
    };
    return serverNames.slice(0, 2).flatMap((hiding) => {
      const taken = new Set(placesOf(hiding));
      const hidden = serverNames.find((name) => name !== hiding && placesOf(name).some((place) => taken.has(place)));
      return hidden
        ? [{ at: `ases[${index}].servers.${hiding}`, sentence: `${hidden} has the same port and path` }]
        : [];
    });
  });
}

const remoteFields = ['prefix', 'endpoint', 'incomingToken', 'outgoingToken'] as const;

function findPeerMistake(peer: PeerDocument, ase: string, names: readonly string[]): string | undefined {
  if (peer.name === ase) return 'an ASE cannot peer with itself';
  const configured = ([...remoteFields, 'routes'] as const).filter((member) => peer[member] !== undefined);
  if (names.includes(peer.name))
    return configured.length > 0 ? `${configured.join(', ')}: not allowed for a peer in this world` : undefined;
  const missing = remoteFields.filter((member) => !configured.includes(member));
  return missing.length > 0 ? `unknown in this world; a remote peer also needs ${missing.join(', ')}` : undefined;
}

/** The Host header alone selects the ASE, so two ASEs that share an origin would hide each other. */
function findSharedOrigins({ ases }: WorldDocument): Mistake[] {
  const owners = new Map<string, string>();
  const mistakes: Mistake[] = [];
  const claim = (at: string, name: string, origin: string) => {
    const owner = owners.get(origin) ?? name;
    if (owner !== name) {
      mistakes.push({
        at,
        sentence: `the ASE ${owner} already has the origin ${origin}: give each ASE its own port or URL`,
      });
    }
    owners.set(origin, owner);
  };
  for (const [index, { name, port: asePort, servers = {} }] of ases.entries()) {
    const mine = new Map<string, string>();
    for (const server of serverNames) {
      const { url, port = asePort, aliases = [] } = servers[server] ?? {};
      const at = `ases[${index}].servers.${server}`;
      if (url !== undefined) mine.set(new URL(url).origin, `${at}.url`);
      else if (port !== undefined) {
        mine.set(`http://localhost:${port}`, port === asePort ? `ases[${index}].port` : `${at}.port`);
      }
      for (const alias of aliases) mine.set(new URL(alias).origin, `${at}.aliases`);
    }
    for (const [origin, at] of mine) claim(at, name, origin);
  }
  return mistakes;
}

/** All mistakes in a document whose single members are valid. */
export function findInconsistencies(world: WorldDocument): Mistake[] {
  const mistakes: Mistake[] = [];
  const addMistake = (at: string, sentence: string) => mistakes.push({ at, sentence });
  const names = world.ases.map(({ name }) => name);
  for (const [index, { name, wallets, peers = [] }] of world.ases.entries()) {
    const at = `ases[${index}]`;
    if (names.indexOf(name) !== index) addMistake(`${at}.name`, `there is another ASE named ${name}`);
    const paths = wallets.map(({ path }) => path);
    for (const [number, { path, keys = [] }] of wallets.entries()) {
      const wallet = `${at}.wallets[${number}]`;
      if (paths.indexOf(path) !== number) addMistake(`${wallet}.path`, `there is another wallet at ${path}`);
      const kids = keys.map(({ jwk }) => jwk.kid);
      for (const kid of kids)
        if (kids.indexOf(kid) !== kids.lastIndexOf(kid)) addMistake(wallet, `two keys have the id ${kid}`);
    }
    for (const [number, peer] of peers.entries()) {
      const problem = findPeerMistake(peer, name, names);
      if (problem !== undefined) addMistake(`${at}.peers[${number}]`, problem);
    }
  }
  mistakes.push(...findMissingPrices(world), ...findHiddenServers(world), ...findSharedOrigins(world));
  const wallets = new Set(world.ases.flatMap(({ name, wallets }) => wallets.map(({ path }) => name + path)));
  const references = { sender: world.sender, receiver: world.receiver, 'client.wallet': world.client.wallet };
  for (const [at, { ase, path }] of Object.entries(references)) {
    if (!wallets.has(ase + path)) addMistake(at, `unknown wallet ${ase}${path}${didYouMean(ase + path, [...wallets])}`);
  }
  return mistakes;
}
