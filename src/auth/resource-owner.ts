/** The resource owner (RFC 9635 §1.2): the holder of all wallet addresses of a grant (AS-40, AS-N05). */
import { sql } from 'kysely';
import { customerAccountId } from '../database/customer-account.ts';
import type { Queryable } from '../database/database.ts';
import { statement } from '../database/statement.ts';
import type { Access, Subject } from '../open-payments/access.ts';
import { canonicalWalletAddress } from '../open-payments/wallet-address-url.ts';

interface Requested {
  readonly access: readonly Access[];
  readonly subject: Subject | undefined;
}

/** The request with canonical wallet addresses. */
export const canonicalRequest = ({
  access,
  subject,
}: Requested): { access: Access[]; subject: Subject | undefined } => ({
  access: access.map((item) =>
    item.identifier === undefined ? item : { ...item, identifier: canonicalWalletAddress(item.identifier) },
  ),
  subject: subject && {
    sub_ids: subject.sub_ids.map(({ id, format }) => ({ id: canonicalWalletAddress(id), format })),
  },
});

/** The distinct wallet addresses of the grant. */
export const walletAddressesOf = ({ access, subject }: Requested): string[] => [
  ...new Set([
    ...access.flatMap(({ identifier }) => identifier ?? []),
    ...(subject ? subject.sub_ids.map(({ id }) => id) : []),
  ]),
];

const selectHosted = statement(
  (_db, { ase, urls }: { ase: string; urls: readonly string[] }) => sql<{
    url: string;
    account_id: string;
    public_name: string | null;
  }>`
    select wallet.url, account_id, public_name from unnest(${urls}::text[]) as named (url)
    join wallet_address as wallet on wallet.url = named.url
    where wallet.ase = ${ase} and wallet.active`,
);

export interface Hosted {
  readonly accountId: string;
  readonly publicName: string | null;
}

/** Those of the wallet addresses that this ASE hosts and that are active. */
export async function findHosted(
  db: Queryable,
  ase: string,
  urls: readonly string[],
): Promise<ReadonlyMap<string, Hosted>> {
  // A request for quotes only has none.
  const rows = urls.length === 0 ? [] : await selectHosted.all(db, { ase, urls });
  return new Map(rows.map((row) => [row.url, { accountId: row.account_id, publicName: row.public_name }]));
}

/** True if the account holds every wallet address of the grant. */
export async function holdsAll(db: Queryable, ase: string, requested: Requested, holder: string): Promise<boolean> {
  const named = walletAddressesOf(requested);
  const hosted = await findHosted(db, ase, named);
  const held = customerAccountId(holder);
  return named.every((url) => hosted.get(url)?.accountId === held);
}
