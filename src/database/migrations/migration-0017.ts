/**
 * One pass over the entries of a statement checks that they balance and that their accounts and transfers are there.
 * References would look up both again for each entry, and lock the rows of all accounts, of which that of the hold
 * account is in each payment. They are not needed for the other side: transfers never go, and now accounts never do.
 */
export const statements: readonly string[] = [
  `alter table "ledger_entry" drop constraint "ledger_entry_transfer_id_foreign"`,
  `alter table "ledger_entry" drop constraint "ledger_entry_account_id_foreign"`,
  // Names of accounts are unique with their ASE only, and a hash index has one column.
  `create index "account_key_index" on "account" using hash (("ase" || ':' || "id"))`,
  // A balance that changes renews no index entry if its page has room.
  `alter table "account" set (fillfactor = 80)`,
  `create or replace function "check_transfer_balances"() returns trigger language plpgsql as $$
   declare "wrong" record;
   begin
     select e."transfer_id", count(a."id") < count(*) as "lacks_account", sum(e."amount") <> 0 as "is_unbalanced"
     into "wrong"
     from "inserted" e left join "account" a
       on a."ase" || ':' || a."id" = e."ase" || ':' || e."account_id" and a."ase" = e."ase" and a."id" = e."account_id"
     group by e."ase", e."transfer_id", a."asset_code", a."asset_scale"
     having count(a."id") < count(*) or sum(e."amount") <> 0
     order by "lacks_account" desc limit 1;
     if "wrong"."lacks_account" then
       raise exception 'an account of transfer % is missing', "wrong"."transfer_id"
         using errcode = 'foreign_key_violation', table = 'ledger_entry';
     elsif "wrong"."is_unbalanced" then
       raise exception 'transfer % does not balance', "wrong"."transfer_id";
     end if;
     select e."transfer_id" into "wrong" from (select distinct "ase", "transfer_id" from "inserted") e
     where not exists (select from "ledger_transfer" t where t."ase" = e."ase" and t."id" = e."transfer_id")
     limit 1;
     if found then
       raise exception 'transfer % is missing', "wrong"."transfer_id"
         using errcode = 'foreign_key_violation', table = 'ledger_entry';
     end if;
     return null;
   end $$`,
  // So that the first count of a peer's balance waits for transactions with entries of its account.
  `create function "lock_peer"() returns trigger language plpgsql as $$
   begin
     perform from "account" where "ase" = new."ase" and "id" = new."account_id" for key share;
     return null;
   end $$`,
  `create trigger "ledger_entry_peer_lock" after insert on "ledger_entry" for each row
   when (starts_with(new."account_id", 'peer:')) execute function "lock_peer"()`,
  `create trigger "account_kept" before delete or update of "ase", "id" on "account"
   for each row execute function "refuse_change"()`,
  `create trigger "account_not_truncated" before truncate on "account"
   for each statement execute function "refuse_change"()`,
  // They have the account of their wallet address, which refers to it.
  `alter table "incoming_payment" drop constraint "incoming_payment_account_id_foreign"`,
  `alter table "quote" drop constraint "quote_account_id_foreign"`,
];
