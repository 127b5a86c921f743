/** Incoming payments that the ASE opens itself, for payers that use SPSP instead of a grant (WA-25, OPI-052). */
import { toInstant } from '../database/columns.ts';
import type { ResourceDeps } from './deps.ts';

/** Time until such a payment expires. */
const LIFESPAN_MS = 60 * 60 * 1000;

/** Not the id of any client, so no client sees such a payment as its own. */
const CLIENT_ID = 'spsp';

type PaymentOpenerDeps = Pick<ResourceDeps, 'ase' | 'db' | 'clock' | 'ids' | 'credentialsFor' | 'announce'>;

/** Returns a function that opens an incoming payment of any amount at the wallet address of this id. */
export function createPaymentOpener({ ase, db, clock, ids, credentialsFor, announce }: PaymentOpenerDeps) {
  return async (walletAddressId: string): Promise<ReturnType<PaymentOpenerDeps['credentialsFor']>> => {
    const { account_id, asset_code, asset_scale } = await db.query
      .selectFrom('wallet_address as wallet')
      .innerJoin('account', (join) =>
        join.onRef('account.ase', '=', 'wallet.ase').onRef('account.id', '=', 'wallet.account_id'),
      )
      .select(['account.id as account_id', 'account.asset_code', 'account.asset_scale'])
      .where('wallet.ase', '=', ase)
      .where('wallet.id', '=', walletAddressId)
      .executeTakeFirstOrThrow();
    const id = ids.uuid();
    const now = clock.businessNow();
    await db.transaction(async (tx) => {
      await tx
        .insertInto('incoming_payment')
        .values({
          ase,
          id,
          wallet_address_id: walletAddressId,
          account_id,
          client_id: CLIENT_ID,
          asset_code,
          asset_scale,
          incoming_amount: null,
          received_amount: '0',
          completed: false,
          expires_at: toInstant(now + LIFESPAN_MS),
          metadata: null,
          created_at: toInstant(now),
        })
        .execute();
      await announce(tx, 'incoming_payment.created', id);
    });
    return credentialsFor(id);
  };
}
