/** The members of a world file and the form of their values. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { exportPublicJwk } from '../../crypto/derived-keys.ts';
import { Problem } from '../../errors.ts';
import { withoutLastSlashes } from '../../net/slashes.ts';
import { type Asset, MAX_AMOUNT } from '../../open-payments/amount.ts';
import { parsePrice } from '../../payments/rates.ts';
import type { AdditionalProperty } from '../../wallet-address/extensions.ts';
import { expandWebPage } from '../../wallet-address/extensions.ts';
import { parseNewWalletAddress } from '../../wallet-address/new-wallet-address.ts';
import { grants, switches } from './choices.ts';
import type { KeyDefinition } from './definition.ts';
import {
  amount,
  boolean,
  integer,
  list,
  mistaken,
  object,
  optional,
  type Reader,
  record,
  text,
} from './document-reader.ts';

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
const minorUnits = (least: bigint) => amount(least, MAX_AMOUNT);
const positive = minorUnits(1n);
const price = text('a price', (given) => parsePrice(given) && given);
const prices = record(price);

const asset = text('an asset as USD/2, code and scale', (given): Asset | undefined => {
  const [, code, scale] = /^([A-Za-z0-9._~-]{1,32})\/(\d{1,3})$/.exec(given) ?? [];
  return code !== undefined && Number(scale) <= 255 ? { code, scale: Number(scale) } : undefined;
});

const feeMembers = { basisPoints: optional(integer(0, 9999)), fixed: optional(minorUnits(0n)) };

const baseUrl = (expected: string, accept: (url: URL) => boolean): Reader<string> =>
  text(expected, (given) => {
    const url = URL.parse(given);
    const isPlain = url && /^https?:$/.test(url.protocol) && !url.username && !url.password && !/[?#]/.test(given);
    // Only characters that a router matches literally.
    return isPlain && /^[\w./~-]+$/.test(url.pathname) && accept(url) ? withoutLastSlashes(url.href) : undefined;
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
  if (!given.startsWith('/'))
    throw new Error(`a path begins with "/", such as /${/^[\w/.-]{1,50}$/.test(given) ? given : 'alice'}`);
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

const peer = object({
  name: aseName,
  maxPacketAmount: optional(positive),
  balanceLimit: optional(minorUnits(0n)),
  answersRepeats: optional(boolean),
  routes: optional(list(line)),
  prefix: optional(line),
  endpoint: optional(origin),
  incomingToken: optional(secret),
  outgoingToken: optional(secret),
});

/** Key files are resolved in `directory`; without it, they are rejected. */
export function createWorldReader(directory?: string) {
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
            balance: optional(minorUnits(0n)),
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
        peers: optional(list(peer)),
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

export type WorldDocument = ReturnType<ReturnType<typeof createWorldReader>>;
export type AseDocument = WorldDocument['ases'][number];
export type PeerDocument = NonNullable<AseDocument['peers']>[number];
