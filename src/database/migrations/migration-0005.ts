/** Bookkeeping for operators: reversals, payments by grant, and the audit log. */
export const statements: readonly string[] = [
  `alter table "ledger_transfer" add column "reverses" text null, add column "reason" text null`,
  `alter table "ledger_transfer" add constraint "ledger_transfer_reversal_check"
     check (("reverses" is null) = ("reason" is null))`,
  `create index "ledger_transfer_ase_created_at_id_index" on "ledger_transfer" ("ase", "created_at", "id")`,
  `create index "ledger_transfer_reversals_index" on "ledger_transfer" ("ase", "created_at", "id")
     where "reverses" is not null`,
  `alter table "incoming_payment" add column "grant_id" text null`,
  `create index "incoming_payment_ase_grant_id_created_at_id_index" on "incoming_payment" ("ase", "grant_id", "created_at", "id")`,
  `create index "outgoing_payment_ase_grant_id_created_at_id_index" on "outgoing_payment" ("ase", "grant_id", "created_at", "id")`,
  `create table "administrative_action" (
     "ase" text not null,
     "id" text not null,
     "at" timestamptz(3) not null,
     "operation" text not null,
     "status" smallint not null,
     "detail" jsonb not null,
     primary key ("ase", "id")
   )`,
  `create index "administrative_action_ase_at_id_index" on "administrative_action" ("ase", "at", "id")`,
  `create function "refuse_change_of_record"() returns trigger language plpgsql as $$
   begin
     if tg_op = 'DELETE' and current_setting('touchstone.clearing', true) = 'on' then
       return old;
     end if;
     raise exception 'the record of administrative actions is append-only';
   end $$`,
  `create trigger "administrative_action_append_only" before update or delete on "administrative_action"
   for each row execute function "refuse_change_of_record"()`,
  // A trigger for each row does not see a table being emptied at once.
  ...['ledger_transfer', 'ledger_entry', 'administrative_action'].map(
    (table) => `create trigger "${table}_not_truncated" before truncate on "${table}"
   for each statement execute function "${table === 'administrative_action' ? 'refuse_change_of_record' : 'refuse_change'}"()`,
  ),
];
