/**
 * Costs that do not grow with history: the balance of a peer that has a limit is kept, and the intervals of a grant are
 * found by index. Reservations of incoming payments by the payments that have begun to pay them.
 */
export const statements: readonly string[] = [
  `alter table "account" drop constraint "account_customer_balance_check"`,
  `alter table "account" add constraint "account_customer_balance_check" check (
     case "kind"
       when 'customer' then "balance" is not null and "balance" >= 0
       when 'peer' then true
       else "balance" is null
     end
   )`,
  // At the commit, so that transactions hold the row of a peer for as short as possible.
  `create or replace function "check_transfer_balances"() returns trigger language plpgsql as $$
   begin
     if exists (
       select from "ledger_entry" e join "account" a on a."ase" = e."ase" and a."id" = e."account_id"
       where e."ase" = new."ase" and e."transfer_id" = new."transfer_id"
       group by a."asset_code", a."asset_scale" having sum(e."amount") <> 0
     ) then
       raise exception 'transfer % does not balance', new."transfer_id";
     end if;
     if starts_with(new."account_id", 'peer:') then
       update "account" set "balance" = "balance" + new."amount"
       where "ase" = new."ase" and "id" = new."account_id" and "kind" = 'peer' and "balance" is not null;
     end if;
     return null;
   end $$`,
  `create index "grant_spending_ase_grant_id_identifier_interval_start_index"
     on "grant_spending" ("ase", "grant_id", "identifier", "interval_start")`,
  `create index "grant_spending_ase_grant_id_identifier_updated_at_index"
     on "grant_spending" ("ase", "grant_id", "identifier", "updated_at")`,
  `drop index "grant_spending_ase_grant_id_index"`,
  `alter table "incoming_payment" add column "reservations" jsonb not null default '[]'`,
];
