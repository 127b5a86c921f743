/** The wallet address server: document, keys and DID document, all public; Authorization is ignored (WA-42). */
import type { Logger } from 'pino';
import type { Handlers } from '../../generated/wallet-address-server/routes.ts';
import type { Database, Queryable } from '../database/database.ts';
import { Problem } from '../errors.ts';
import { preferredType } from '../http/content-negotiation.ts';
import { combinedHeader } from '../http/received-request.ts';
import type { Call } from '../http/server.ts';
import type { Outbound } from '../net/outbound.ts';
import type { ClientJwk } from '../open-payments/client.ts';
import { createDidDocument } from './did-document.ts';
import { additionalMembers, type Extensions, expandWebPage } from './extensions.ts';
import { createLookupHook } from './lookup-hook.ts';
import { isInstancePath, parseWalletAddressTarget } from './path.ts';
import { selectKeys, selectWalletAddress } from './stored-wallet-address.ts';

export interface WalletAddressDeps {
  readonly ase: string;
  readonly db: Pick<Database, 'query' | 'replica'>;
  readonly origin: string;
  /** Grant endpoint, with trailing slash (WA-09). */
  readonly authServer: string;
  /** Without trailing slash (WA-08). */
  readonly resourceServer: string;
  /** Public key with which the ASE signs requests to other ASEs as the client at this path (WA-36). */
  readonly instanceKeyAt: (path: string) => ClientJwk;
  readonly extensions: Extensions;
  /** Sends requests to the operator's lookup hook. */
  readonly outbound: Pick<Outbound, 'request'>;
  readonly log: Pick<Logger, 'warn'>;
}

const jsonOnly = ['application/json'] as const;
/** Documents rarely change (WA-18). The representation depends on Accept. */
const documentHeaders = { 'Cache-Control': 'max-age=300', Vary: 'Accept' };
/** A removed key must not stay in caches (WA-45). */
const keyHeaders = { 'Cache-Control': 'no-cache' };

export function createWalletAddressHandlers(deps: WalletAddressDeps) {
  const { ase, db, authServer, resourceServer, extensions } = deps;
  /** The first is the default. */
  const forms = extensions.webPage === undefined ? jsonOnly : ([...jsonOnly, 'text/html'] as const);

  const exists = async (path: string) => (await selectWalletAddress(db.query, ase, path)) !== undefined;
  const awaitCreation =
    extensions.lookupHook === undefined ? undefined : createLookupHook({ ...deps, url: extensions.lookupHook, exists });

  /** Throws `not_found` if the wallet address is missing even after the lookup hook has run. */
  async function expectRow<Row>(path: string, select: (path: string) => Promise<Row>) {
    let row = await select(path);
    if (!row && awaitCreation) {
      await awaitCreation(path);
      row = await select(path);
    }
    if (!row) throw new Problem('not_found');
    return row;
  }
  /** Changes of wallet addresses and keys are noted under their ASE. */
  const readPublicly =
    <Row>(select: (db: Queryable, ase: string, path: string) => Promise<Row>) =>
    (path: string) =>
      db.replica.read(ase, (db) => select(db, ase, path));
  const findKeys = async (path: string) =>
    isInstancePath(path)
      ? { url: deps.origin + path, keys: [deps.instanceKeyAt(path)] }
      : expectRow(path, readPublicly(selectKeys));

  const handlers = {
    'get-wallet-address': async ({ exchange }) => {
      const row = await expectRow(parseWalletAddressTarget(exchange.rawTarget).path, readPublicly(selectWalletAddress));
      const preferred = preferredType(combinedHeader(exchange, 'accept'), forms);
      if (preferred === undefined) throw new Problem('not_acceptable');
      if (preferred === 'text/html') {
        return { status: 302, headers: { ...documentHeaders, Location: expandWebPage(extensions.webPage!, row.url) } };
      }
      return {
        status: 200,
        headers: documentHeaders,
        body: {
          id: row.url,
          ...(row.public_name !== null && { publicName: row.public_name }),
          assetCode: row.asset_code,
          assetScale: row.asset_scale,
          authServer,
          resourceServer,
          ...additionalMembers(extensions, row.path),
        },
      };
    },

    'get-wallet-address-keys': async ({ exchange }) => {
      const { keys } = await findKeys(parseWalletAddressTarget(exchange.rawTarget).path);
      return { status: 200, headers: keyHeaders, body: { keys } };
    },

    'get-wallet-address-did-document': async ({ exchange }) => {
      const { url, keys } = await findKeys(parseWalletAddressTarget(exchange.rawTarget).path);
      return { status: 200, headers: keyHeaders, body: createDidDocument(url, keys) };
    },
  } satisfies Handlers<Call<undefined>>;
  /** For what opens a payment at once. */
  const findWalletAddress = (path: string) => expectRow(path, (path) => selectWalletAddress(db.query, ase, path));
  return { handlers, findWalletAddress };
}
