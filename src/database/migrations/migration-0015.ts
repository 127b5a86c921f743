/**
 * Changes of payments and of what grants have spent leave the columns of indexes alone where they can, and find room on
 * the page of their row: then PostgreSQL renews no index entry (HOT). An incoming payment is in the index of expiries
 * only while it is partly paid.
 */
const changedTables = ['incoming_payment', 'outgoing_payment', 'grant_spending'];

export const statements: readonly string[] = [
  `alter table "incoming_payment" add column "partly_paid" boolean not null default false`,
  `update "incoming_payment" set "partly_paid" = true
     where not "completed" and not "expiry_announced" and "received_amount" > 0`,
  `drop index "incoming_payment_unannounced_index"`,
  `create index "incoming_payment_partly_paid_index" on "incoming_payment" ("ase", "expires_at") where "partly_paid"`,
  ...changedTables.map((table) => `alter table "${table}" set (fillfactor = 80)`),
  // A payment has the wallet address and the account of its quote, which refers to both.
  `alter table "outgoing_payment" drop constraint "outgoing_payment_wallet_address_id_foreign"`,
  `alter table "outgoing_payment" drop constraint "outgoing_payment_account_id_foreign"`,
];
