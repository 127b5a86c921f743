/** The resource owner (RFC 9635 §1.2): whose wallet addresses a grant names, and whether one holder has them all (AS-40, AS-N05). */
import { customerAccountId } from '../database/customer-account.ts';
import type { Queryable } from '../database/database.ts';
import type { Access, Subject } from '../open-payments/access.ts';
import { canonicalWalletAddress } from '../open-payments/wallet-address-url.ts';
import { authProblem } from './problem.ts';

interface Requested {
  readonly access: readonly Access[];
  readonly subject: Subject | undefined;
}

/**
 * The request with its wallet addresses in canonical form. Throws `invalid_request` if one is not hosted here. One
 * query, none where no wallet address is named.
 */
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

/** Whether the holder of an account holds every wallet address of the grant. */
export async function holdsAll(db: Queryable, ase: string, requested: Requested, holder: string): Promise<boolean> {
  const named = walletAddressesOf(requested);
  const accounts = await findAccounts(db, ase, named);
  const held = customerAccountId(holder);
  return accounts.length === named.length && accounts.every((accountId) => accountId === held);
}

/** Wallet addresses that the grant names, each once. */
const walletAddressesOf = ({ access, subject }: Requested): string[] => [
  ...new Set([
    ...access.flatMap(({ identifier }) => identifier ?? []),
    ...(subject ? subject.sub_ids.map(({ id }) => id) : []),
  ]),
];

/** Account of each active wallet address. */
async function findAccounts(db: Queryable, ase: string, urls: readonly string[]): Promise<string[]> {
  // A request for quotes alone names none; SQL has no empty list.
  if (urls.length === 0) return [];
  const rows = await db
    .selectFrom('wallet_address')
    .select('account_id')
    .where('ase', '=', ase)
    .where('url', 'in', urls)
    .where('active', '=', true)
    .execute();
  return rows.map((row) => row.account_id);
}
