/** Open Payments wallet address server: the document, its keys and its DID document. Public; a bad token changes nothing (WA-42). */
import type { Handlers } from '../../generated/wallet-address-server/routes.ts';
import type { Queryable } from '../database/database.ts';
import type { ClientJwk } from '../http/client-keys.ts';
import { combinedHeader } from '../http/exchange.ts';
import type { Call } from '../http/pipeline.ts';
import { Problem } from '../http/problem.ts';
import { createDidDocument } from './did-document.ts';
import { instancePath, parseWalletAddressTarget } from './path.ts';

export interface WalletAddressDeps {
  readonly ase: string;
  readonly db: { readonly query: Queryable };
  readonly origin: string;
  /** Grant endpoint, with trailing slash (WA-09). */
  readonly authServer: string;
  /** Without trailing slash (WA-08). */
  readonly resourceServer: string;
  /** Public key of the ASE as a client of others (WA-36). */
  readonly instanceKey: ClientJwk;
}

/** Slow-changing (WA-18); which form is answered depends on Accept. */
const documentHeaders = { 'Cache-Control': 'max-age=300', Vary: 'Accept' };
/** A removed key must soon be gone everywhere (WA-45). */
const keyHeaders = { 'Cache-Control': 'no-cache' };

export function createWalletAddressHandlers(deps: WalletAddressDeps) {
  const { ase, db, authServer, resourceServer } = deps;

  /** Unknown and disabled look alike (WA-12, WA-13, WA-39). */
  async function findWalletAddress(path: string) {
    const row = await db.query
      .selectFrom('wallet_address as w')
      .innerJoin('account as a', (join) => join.onRef('a.ase', '=', 'w.ase').onRef('a.id', '=', 'w.account_id'))
      .select(['w.id', 'w.url', 'w.public_name', 'a.asset_code', 'a.asset_scale'])
      .where('w.ase', '=', ase)
      .where('w.path', '=', path)
      .where('w.active', '=', true)
      .executeTakeFirst();
    if (!row) throw new Problem('not_found');
    return row;
  }

  /** URL and current keys of a wallet address; one without keys has an empty set (WA-32). */
  async function findKeys(path: string): Promise<{ url: string; keys: ClientJwk[] }> {
    if (path === instancePath) return { url: deps.origin + instancePath, keys: [deps.instanceKey] };
    const rows = await db.query
      .selectFrom('wallet_address as w')
      .leftJoin('wallet_address_key as k', (join) =>
        join.onRef('k.ase', '=', 'w.ase').onRef('k.wallet_address_id', '=', 'w.id'),
      )
      .select(['w.url', 'k.jwk'])
      .where('w.ase', '=', ase)
      .where('w.path', '=', path)
      .where('w.active', '=', true)
      .orderBy('k.created_at')
      .orderBy('k.kid')
      .execute();
    const [first] = rows;
    if (!first) throw new Problem('not_found');
    return { url: first.url, keys: rows.flatMap(({ jwk }) => (jwk ? [jwk] : [])) };
  }

  return {
    'get-wallet-address': async ({ exchange }) => {
      const row = await findWalletAddress(parseWalletAddressTarget(exchange.rawTarget).path);
      if (!acceptsJson(combinedHeader(exchange, 'accept'))) throw new Problem('not_acceptable');
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
}

/** Whether Accept lets JSON through (RFC 9110 §12.5.1): absent, or a matching range whose weight is not zero (WA-17). */
export function acceptsJson(accept: string | undefined): boolean {
  if (accept === undefined || accept.trim() === '') return true;
  return accept.split(',').some((range) => {
    const [type, ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const refused = parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
    return !refused && ['*/*', 'application/*', 'application/json'].includes(type!);
  });
}
