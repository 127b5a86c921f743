/** The world file: what `--world` reads, in YAML or JSON, into a world's definition. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { exportPublicJwk } from '../../crypto/derived-keys.ts';
import { ConfigError, Problem } from '../../errors.ts';
import { type Asset, MAX_AMOUNT } from '../../open-payments/amount.ts';
import { parsePrice } from '../../payments/rates.ts';
import type { AdditionalProperty } from '../../wallet-address/extensions.ts';
import { expandWebPage } from '../../wallet-address/extensions.ts';
import { parseNewWalletAddress } from '../../wallet-address/new-wallet-address.ts';
import { grants, switches } from './choices.ts';
import {
  type AseDefinition,
  defaultWorld,
  type KeyDefinition,
  type PeerDefinition,
  type WorldDefinition,
} from './definition.ts';
import {
  amount,
  boolean,
  integer,
  list,
  mistaken,
  object,
  optional,
  type Place,
  type Reader,
  record,
  text,
} from './document-reader.ts';

/** Loads a world file. Throws ConfigError with one line for each mistake. */
export async function readWorldFile(file: string): Promise<WorldDefinition> {
  const content = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError(`cannot read ${file} (${error.code})`);
  });
  const { load, YAMLException } = await import('js-yaml');
  try {
    return parseWorld(load(content), dirname(resolve(file)));
  } catch (error) {
    if (error instanceof YAMLException) {
      throw new ConfigError(`${file}: line ${error.mark.line + 1}: ${error.reason}`);
    }
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(error.message.replaceAll(/^/gm, `${file}: `));
  }
}

/** Parses a document. Key files are resolved in `directory`; without it, they are rejected. Throws ConfigError. */
export function parseWorld(document: unknown, directory?: string): WorldDefinition {
  const mistakes: string[] = [];
  const place: Place = { at: '', mistakes };
  const world = createWorldReader(directory)(document, place);
  const definition = mistakes.length === 0 ? toDefinition(world, mistakes) : undefined;
  if (!definition || mistakes.length > 0) throw new ConfigError(mistakes.join('\n'));
  return definition;
}

// ── Shape ───────────────────────────────────────────────────────────────────────────────────────────────────────────

const port = integer(1, 65_535);
const line = text('a line of text', (given) => (/^[^\p{C}]{1,200}$/u.test(given) ? given : undefined));
/** Never quoted in messages. */
const secret = text('a token', (given) => {
  if (/^[\x21-\x7e]{16,500}$/.test(given)) return given;
  throw new Error('expected a token of 16 to 500 printable characters');
});
/** Never quoted in messages. */
const passphrase = text('a passphrase', (given) => {
  if (/^[^\p{C}]{8,200}$/u.test(given)) return given;
  throw new Error('expected a passphrase of 8 to 200 characters');
});
const positive = amount(1n, MAX_AMOUNT);
const price = text('a price', (given) => parsePrice(given) && given);
const prices = record(price);

const asset = text('an asset as USD/2, code and scale', (given): Asset | undefined => {
  const [, code, scale] = /^([A-Za-z0-9._~-]{1,32})\/(\d{1,3})$/.exec(given) ?? [];
  return code !== undefined && Number(scale) <= 255 ? { code, scale: Number(scale) } : undefined;
});

const feeMembers = { basisPoints: optional(integer(0, 9999)), fixed: optional(amount(0n, MAX_AMOUNT)) };

const baseUrl = (expected: string, accept: (url: URL) => boolean): Reader<string> =>
  text(expected, (given) => {
    const url = URL.parse(given);
    const isPlain = url && /^https?:$/.test(url.protocol) && !url.username && !url.password && !/[?#]/.test(given);
    // Only characters that a router matches literally.
    return isPlain && /^[\w./~-]+$/.test(url.pathname) && accept(url) ? url.href.replace(/\/+$/, '') : undefined;
  });
const url = baseUrl('an http or https URL without query', () => true);
const serviceUrl = text('an http or https URL', (given) => {
  const found = URL.parse(given);
  return found && /^https?:$/.test(found.protocol) && !found.username && !found.password && !found.hash
    ? found.href
    : undefined;
});
const origin = baseUrl('an origin as http://localhost:4000', ({ pathname }) => pathname === '/');

/** A URL once its placeholders are filled in, which this parser tries. */
const webPage = text('a URL with %wa, %ewa, %wp or %ewp for the wallet address', (given) =>
  /^https?:$/.test(URL.parse(expandWebPage(given, 'https://wallet.example/alice'))?.protocol ?? '') ? given : undefined,
);

/** Text, or an object whose `visible: false` hides the value in documents. */
const additionalProperty: Reader<AdditionalProperty> = (value, place) => {
  if (typeof value === 'string') return { value: line(value, place), visible: true };
  const { visible = true, ...property } = object({ value: line, visible: optional(boolean) })(value, place) ?? {};
  return { ...property, visible } as AdditionalProperty;
};

const server = (published: Reader<string>) =>
  optional(object({ url: optional(published), port: optional(port), aliases: optional(list(published)) }));

const aseName = text('a name of lower case letters, digits and hyphens', (given) =>
  /^[a-z0-9][a-z0-9-]{0,62}$/.test(given) ? given : undefined,
);

const walletPath = text('a path as /alice', (given) => {
  const anywhere = 'http://localhost';
  try {
    return parseNewWalletAddress(anywhere + given, { origin: anywhere, local: true }).path;
  } catch (error) {
    throw error instanceof Problem ? new Error(error.description) : error;
  }
});

/** `granite/alice`: the ASE's name and the path. */
const walletReference = text("an ASE's name and a wallet's path as granite/alice", (given) => {
  const at = given.indexOf('/');
  return at > 0 ? { ase: given.slice(0, at), path: given.slice(at) } : undefined;
});

/** The id of a key and its material, public or private. */
const createKeyReader =
  (directory?: string): Reader<KeyDefinition> =>
  (value, place) => {
    const { id, key } = object({ id: line, key: keyMaterial(directory) })(value, place);
    if (id === undefined || key === undefined) return undefined as never;
    return { jwk: exportPublicJwk(key, id), ...(key.type === 'private' && { privateKey: key }) };
  };

function createWorldReader(directory?: string) {
  return object({
    ases: list(
      object({
        name: aseName,
        port: optional(port),
        servers: optional(
          object({
            walletAddressServer: server(origin),
            authServer: server(url),
            resourceServer: server(url),
            identityProvider: server(url),
          }),
        ),
        wallets: list(
          object({
            path: walletPath,
            publicName: optional(line),
            asset,
            balance: optional(amount(0n, MAX_AMOUNT)),
            passphrase: optional(passphrase),
            additionalProperties: optional(record(additionalProperty)),
            keys: optional(list(createKeyReader(directory))),
          }),
          1,
        ),
        grants: optional(grants),
        extensions: optional(
          object({
            webPage: optional(webPage),
            cardService: optional(url),
            spsp: optional(boolean),
            lookupHook: optional(url),
          }),
        ),
        prices: optional(prices),
        rateSource: optional(serviceUrl),
        webhook: optional(object({ url: serviceUrl, secret })),
        fees: optional(list(object({ asset, ...feeMembers }))),
        peers: optional(
          list(
            object({
              name: aseName,
              maxPacketAmount: optional(positive),
              balanceLimit: optional(amount(0n, MAX_AMOUNT)),
              answersRepeats: optional(boolean),
              routes: optional(list(line)),
              prefix: optional(line),
              endpoint: optional(origin),
              incomingToken: optional(secret),
              outgoingToken: optional(secret),
            }),
          ),
        ),
      }),
      1,
    ),
    prices: optional(prices),
    fee: optional(object(feeMembers)),
    maxPacketAmount: optional(positive),
    sender: walletReference,
    receiver: walletReference,
    client: object({ wallet: walletReference, keyId: line }),
    hosts: optional(record(origin)),
    switches: optional(switches),
    signIn: optional(boolean),
    pages: optional(
      object({ accept: optional(line), deny: optional(line), close: optional(line), accepted: optional(line) }),
    ),
  });
}

/** PEM, base64 of PEM, JWK, or `{ file: … }` that holds one of them; an Ed25519 key. Never quoted in a message. */
function keyMaterial(directory?: string): Reader<KeyObject> {
  const expected = 'expected an Ed25519 key: PEM, base64 of PEM, a JWK, or { file: … }';
  return (value, place) => {
    try {
      const key = importKey(value, directory);
      return key?.asymmetricKeyType === 'ed25519' ? key : mistaken(place, expected);
    } catch (error) {
      const { code, syscall } = error as NodeJS.ErrnoException;
      return mistaken(place, syscall === 'open' || syscall === 'read' ? `cannot read the file (${code})` : expected);
    }
  };
}

function importKey(value: unknown, directory?: string): KeyObject | undefined {
  if (typeof value === 'string') {
    const trimmed = value.trim();
    if (trimmed.startsWith('{')) return importKey(JSON.parse(trimmed), directory);
    const pem = trimmed.startsWith('-----') ? trimmed : Buffer.from(trimmed, 'base64').toString('latin1');
    return pem.includes('PRIVATE KEY') ? createPrivateKey(pem) : createPublicKey(pem);
  }
  const given = (value ?? {}) as { readonly file?: unknown; readonly d?: unknown };
  if (directory !== undefined && typeof given.file === 'string')
    return importKey(readFileSync(resolve(directory, given.file), 'utf8'), directory);
  const input = { key: given as Record<string, unknown>, format: 'jwk' } as const;
  return given.d === undefined ? createPublicKey(input) : createPrivateKey(input);
}

// ── Consistency between members ──────────────────────────────────────────────────────────────────────────────────────

type WorldDocument = ReturnType<ReturnType<typeof createWorldReader>>;
type AseDocument = WorldDocument['ases'][number];

function toDefinition(world: WorldDocument, mistakes: string[]): WorldDefinition {
  const addMistake = (at: string, sentence: string) => mistakes.push(`${at}: ${sentence}`);
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
  mistakes.push(...findMissingPrices(world), ...findHiddenServers(world));
  const wallets = new Set(world.ases.flatMap(({ name, wallets }) => wallets.map(({ path }) => name + path)));
  const references = { sender: world.sender, receiver: world.receiver, 'client.wallet': world.client.wallet };
  for (const [at, { ase, path }] of Object.entries(references)) {
    if (!wallets.has(ase + path)) addMistake(at, `unknown wallet ${ase}${path}`);
  }
  const { wallet, keyId } = world.client;
  return {
    ...defaultWorld,
    ...world,
    ases: world.ases.map(toAse),
    fee: toFee(world.fee ?? {}),
    client: { ...wallet, keyId },
  };
}

/** With more than one currency, every ASE needs the prices of all, or a rate source. */
function findMissingPrices({ ases, prices: worldPrices = defaultWorld.prices }: WorldDocument): string[] {
  const codes = [...new Set(ases.flatMap(({ wallets }) => wallets.map(({ asset: { code } }) => code)))];
  if (codes.length === 1) return [];
  const mistakes = ases.flatMap(({ prices, rateSource }, index) =>
    codes
      .filter((code) => rateSource === undefined && !Object.hasOwn(prices ?? worldPrices, code))
      .map((code) => `${prices ? `ases[${index}].prices` : 'prices'}: no price for ${code}`),
  );
  return [...new Set(mistakes)];
}

/** Consent pages and the grant endpoint answer everything below their paths, so no other server may be there. */
function findHiddenServers({ ases }: WorldDocument): string[] {
  const usual = { authServer: '/auth', identityProvider: '/idp', resourceServer: '', walletAddressServer: '' };
  const names = Object.keys(usual) as (keyof typeof usual)[];
  return ases.flatMap(({ servers = {} }, index) => {
    const placesOf = (name: keyof typeof usual): string[] => {
      const { url, port, aliases = [] } = servers[name] ?? {};
      const paths = [...(url === undefined ? [] : [url]), ...aliases].map((base) => new URL(base).pathname);
      if (url === undefined) paths.push(usual[name]);
      return paths.map((path) => `${port ?? ases[index]!.port ?? ''}${path.replace(/\/$/, '')}`);
    };
    return names.slice(0, 2).flatMap((hiding) => {
      const taken = new Set(placesOf(hiding));
      const hidden = names.find((name) => name !== hiding && placesOf(name).some((place) => taken.has(place)));
      return hidden ? [`ases[${index}].servers.${hiding}: ${hidden} has the same port and path`] : [];
    });
  });
}

type PeerDocument = NonNullable<AseDocument['peers']>[number];

const remoteFields = ['prefix', 'endpoint', 'incomingToken', 'outgoingToken'] as const;

function findPeerMistake(peer: PeerDocument, ase: string, names: readonly string[]): string | undefined {
  if (peer.name === ase) return 'an ASE cannot peer with itself';
  const configured = ([...remoteFields, 'routes'] as const).filter((member) => peer[member] !== undefined);
  if (names.includes(peer.name))
    return configured.length > 0 ? `${configured.join(', ')}: not allowed for a peer in this world` : undefined;
  const missing = remoteFields.filter((member) => !configured.includes(member));
  return missing.length > 0 ? `unknown in this world; a remote peer also needs ${missing.join(', ')}` : undefined;
}

function toAse({ wallets, fees, peers, ...ase }: AseDocument, index: number): AseDefinition {
  return {
    ...ase,
    portOffset: index * 100,
    wallets: wallets.map(({ balance = 0n, ...wallet }) => ({ ...wallet, balance })),
    ...(fees && { fees: fees.map(({ asset, ...terms }) => ({ asset, fee: toFee(terms) })) }),
    ...(peers && { peers: peers.map(toPeer) }),
  };
}

function toPeer({
  name,
  maxPacketAmount,
  balanceLimit,
  answersRepeats,
  routes,
  ...remote
}: PeerDocument): PeerDefinition {
  const terms = { name, maxPacketAmount, balanceLimit, answersRepeats, routes };
  return remote.endpoint === undefined ? terms : { ...terms, elsewhere: remote as PeerDefinition['elsewhere'] };
}

const toFee = ({ basisPoints = 0, fixed = 0n }: { readonly basisPoints?: number; readonly fixed?: bigint }) => ({
  basisPoints,
  fixed,
});
