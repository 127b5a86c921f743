/** The resource owner (RFC 9635 §1.2): the holder of all wallet addresses of a grant (AS-40, AS-N05). */
import { sql } from 'kysely';
import { customerAccountId } from '../database/customer-account.ts';
import type { Queryable } from '../database/database.ts';
import { statement } from '../database/statement.ts';
import type { Access, Subject } from '../open-payments/access.ts';
import { canonicalWalletAddress } from '../open-payments/wallet-address-url.ts';
import { authProblem } from './problem.ts';

interface Requested {
  readonly access: readonly Access[];
  readonly subject: Subject | undefined;
}

/** The request with canonical wallet addresses. Throws `invalid_request` if this ASE does not host one of them. */
export async function resolveWalletAddresses(
  db: Queryable,
  ase: string,
  { access, subject }: Requested,
): Promise<{ access: Access[]; subject: Subject | undefined }> {
  const canonical = {
    access: access.map((item) =>
      item.identifier === undefined ? item : { ...item, identifier: canonicalWalletAddress(item.identifier) },
    ),
    subject: subject && {
      sub_ids: subject.sub_ids.map(({ id, format }) => ({ id: canonicalWalletAddress(id), format })),
    },
  };
  const named = walletAddressesOf(canonical);
  if (named.length > 0 && (await findAccounts(db, ase, named)).length < named.length) {
    throw authProblem('invalid_request', { description: 'a wallet address is not hosted here' });
  }
  return canonical;
}

/** True if the account holds every wallet address of the grant. */
export async function holdsAll(db: Queryable, ase: string, requested: Requested, holder: string): Promise<boolean> {
  const named = walletAddressesOf(requested);
  const accounts = await findAccounts(db, ase, named);
  const held = customerAccountId(holder);
  return accounts.length === named.length && accounts.every((accountId) => accountId === held);
}

/** The distinct wallet addresses of the grant. */
const walletAddressesOf = ({ access, subject }: Requested): string[] => [
  ...new Set([
    ...access.flatMap(({ identifier }) => identifier ?? []),
    ...(subject ? subject.sub_ids.map(({ id }) => id) : []),
  ]),
];

const selectAccounts = statement((db, { ase, urls }: { ase: string; urls: readonly string[] }) =>
  db
    .selectFrom('wallet_address')
    .select('account_id')
    .where('ase', '=', ase)
    .where(sql<boolean>`url = any(${urls}::text[])`)
    .where('active', '=', true),
);

/** The account of each active wallet address. */
async function findAccounts(db: Queryable, ase: string, urls: readonly string[]): Promise<string[]> {
  // A request for quotes only has none.
  if (urls.length === 0) return [];
  const rows = await selectAccounts.all(db, { ase, urls });
  return rows.map((row) => row.account_id);
}
