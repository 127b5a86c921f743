/**
 * The entries that a statement inserts balance by themselves, in each transfer and asset. They are checked once for all
 * of them, instead of at the commit, once for each entry and with all entries of its transfer.
 */
export const statements: readonly string[] = [
  `drop trigger "ledger_entry_balances" on "ledger_entry"`,
  `create or replace function "check_transfer_balances"() returns trigger language plpgsql as $$
   declare "unbalanced" text;
   begin
     select e."transfer_id" into "unbalanced"
     from "inserted" e join "account" a on a."ase" = e."ase" and a."id" = e."account_id"
     group by e."ase", e."transfer_id", a."asset_code", a."asset_scale" having sum(e."amount") <> 0
     limit 1;
     if found then
       raise exception 'transfer % does not balance', "unbalanced";
     end if;
     return null;
   end $$`,
  `create trigger "ledger_entry_balances" after insert on "ledger_entry" referencing new table as "inserted"
   for each statement execute function "check_transfer_balances"()`,
  `create function "keep_peer_balance"() returns trigger language plpgsql as $$
   begin
     update "account" set "balance" = "balance" + new."amount"
     where "ase" = new."ase" and "id" = new."account_id" and "kind" = 'peer' and "balance" is not null;
     return null;
   end $$`,
  // At the commit, so that transactions hold the row of a peer for as short as possible.
  `create constraint trigger "ledger_entry_peer_balance" after insert on "ledger_entry"
   deferrable initially deferred for each row when (starts_with(new."account_id", 'peer:'))
   execute function "keep_peer_balance"()`,
];
