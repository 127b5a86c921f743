/** The tables that each query of outgoing payments joins. */
import type { Queryable } from '../../database/database.ts';

/** Outgoing payments of an ASE as `payment`, each with its `quote`. */
export const fromQuotedPayments = (db: Queryable, ase: string) =>
  db
    .selectFrom('outgoing_payment as payment')
    .innerJoin('quote', (join) =>
      join.onRef('quote.ase', '=', 'payment.ase').onRef('quote.id', '=', 'payment.quote_id'),
    )
    .where('payment.ase', '=', ase);

/** The same, each with the `wallet` address that pays. */
export const fromOutgoingPayments = (db: Queryable, ase: string) =>
  fromQuotedPayments(db, ase).innerJoin('wallet_address as wallet', (join) =>
    join.onRef('wallet.ase', '=', 'payment.ase').onRef('wallet.id', '=', 'payment.wallet_address_id'),
  );
