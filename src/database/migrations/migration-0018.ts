/**
 * More look-ups that cost the same among any number of rows: the id of an incoming payment is random and so unique by
 * itself, and the triggers find the account of a peer by the hash index of accounts.
 */
export const statements: readonly string[] = [
  `create index "incoming_payment_id_index" on "incoming_payment" using hash ("id")`,
  `create or replace function "lock_peer"() returns trigger language plpgsql as $$
   begin
     perform from "account" where "ase" || ':' || "id" = new."ase" || ':' || new."account_id"
       and "ase" = new."ase" and "id" = new."account_id" for key share;
     return null;
   end $$`,
  `create or replace function "keep_peer_balance"() returns trigger language plpgsql as $$
   begin
     update "account" set "balance" = "balance" + new."amount"
     where "ase" || ':' || "id" = new."ase" || ':' || new."account_id"
       and "ase" = new."ase" and "id" = new."account_id" and "kind" = 'peer' and "balance" is not null;
     return null;
   end $$`,
];
