/** The tables of `entities.ts`, and what an entity cannot say: references, the rules of the ledger, partial indexes. */
const tables = `
create table "access_token" (
  "ase" text not null,
  "id" text not null,
  "grant_id" text not null,
  "manage_id" text not null,
  "value_digest" text not null,
  "created_at" timestamptz(3) not null,
  "expires_at" timestamptz(3) not null,
  "revoked_at" timestamptz(3) null,
  primary key ("ase", "id")
);
create index "access_token_ase_grant_id_index" on "access_token" ("ase", "grant_id");
alter table "access_token" add constraint "access_token_ase_manage_id_unique" unique ("ase", "manage_id");
alter table "access_token" add constraint "access_token_ase_value_digest_unique" unique ("ase", "value_digest");
create table "account" (
  "ase" text not null,
  "id" text not null,
  "kind" text not null,
  "asset_code" text not null,
  "asset_scale" smallint not null,
  "balance" numeric(39,0) null,
  primary key ("ase", "id")
);
alter table "account" add constraint "account_kind_check" check ("kind" in ('customer', 'deposit', 'hold', 'fee', 'exchange', 'peer'));
create table "ase" (
  "ase" text not null,
  "secrets" jsonb not null,
  primary key ("ase")
);
create table "gnap_grant" (
  "ase" text not null,
  "id" text not null,
  "state" text not null,
  "finalization" text null,
  "client_id" text not null,
  "client_wallet_address" text null,
  "client_jwk" jsonb null,
  "client_name" text null,
  "access" jsonb not null,
  "subject" jsonb null,
  "continue_id" text not null,
  "continue_digest" text not null,
  "wait" int not null,
  "continued_at" timestamptz(3) not null,
  "created_at" timestamptz(3) not null,
  "interaction_id" text null,
  "interaction_nonce" text null,
  "interaction_expires_at" timestamptz(3) null,
  "client_nonce" text null,
  "finish_uri" text null,
  "session_digest" text null,
  "interact_ref_digest" text null,
  primary key ("ase", "id")
);
alter table "gnap_grant" add constraint "gnap_grant_ase_continue_id_unique" unique ("ase", "continue_id");
alter table "gnap_grant" add constraint "gnap_grant_ase_interaction_id_unique" unique ("ase", "interaction_id");
alter table "gnap_grant" add constraint "gnap_grant_state_check" check ("state" in ('pending', 'approved', 'finalized'));
alter table "gnap_grant" add constraint "gnap_grant_finalization_check" check ("finalization" in ('issued', 'rejected', 'revoked'));
create table "grant_spending" (
  "ase" text not null,
  "id" text not null,
  "grant_id" text not null,
  "identifier" text not null,
  "interval_start" timestamptz(3) null,
  "debit_asset_code" text not null,
  "debit_asset_scale" smallint not null,
  "receive_asset_code" text not null,
  "receive_asset_scale" smallint not null,
  "spent_debit" numeric(20,0) not null,
  "spent_receive" numeric(20,0) not null,
  "updated_at" timestamptz(3) not null,
  primary key ("ase", "id")
);
create index "grant_spending_ase_grant_id_index" on "grant_spending" ("ase", "grant_id");
create table "incoming_packet" (
  "ase" text not null,
  "peer" text not null,
  "condition" text not null,
  "incoming_payment_id" text not null,
  "amount" numeric(20,0) not null,
  "reply" bytea not null,
  "booked_at" timestamptz(3) not null,
  primary key ("ase", "peer", "condition")
);
create table "incoming_payment" (
  "ase" text not null,
  "id" text not null,
  "wallet_address_id" text not null,
  "client_id" text not null,
  "asset_code" text not null,
  "asset_scale" smallint not null,
  "incoming_amount" numeric(20,0) null,
  "received_amount" numeric(20,0) not null,
  "completed" boolean not null,
  "expires_at" timestamptz(3) not null,
  "metadata" json null,
  "created_at" timestamptz(3) not null,
  primary key ("ase", "id")
);
create index "incoming_payment_ase_wallet_address_id_created_at_id_index" on "incoming_payment" ("ase", "wallet_address_id", "created_at", "id");
create index "incoming_payment_ase_wallet_address_id_client_id_c_573e5_index" on "incoming_payment" ("ase", "wallet_address_id", "client_id", "created_at", "id");
create table "ledger_entry" (
  "ase" text not null,
  "transfer_id" text not null,
  "account_id" text not null,
  "amount" numeric(39,0) not null,
  primary key ("ase", "transfer_id", "account_id")
);
create index "ledger_entry_ase_account_id_index" on "ledger_entry" ("ase", "account_id");
create table "ledger_transfer" (
  "ase" text not null,
  "id" text not null,
  "created_at" timestamptz(3) not null,
  primary key ("ase", "id")
);
create table "outgoing_packet" (
  "ase" text not null,
  "payment_id" text not null,
  "condition" text not null,
  "sequence" int not null,
  "peer" text not null,
  "prepare" bytea not null,
  "source_amount" numeric(20,0) not null,
  "amount" numeric(20,0) not null,
  "state" text not null,
  "prepared_at" timestamptz(3) not null,
  primary key ("ase", "payment_id", "condition")
);
alter table "outgoing_packet" add constraint "outgoing_packet_state_check" check ("state" in ('prepared', 'fulfilled', 'rejected'));
create table "outgoing_payment" (
  "ase" text not null,
  "id" text not null,
  "quote_id" text not null,
  "wallet_address_id" text not null,
  "client_id" text not null,
  "grant_id" text not null,
  "spending_id" text not null,
  "state" text not null,
  "failure" text null,
  "funded" boolean not null,
  "sent_amount" numeric(20,0) not null,
  "delivered_amount" numeric(20,0) not null,
  "metadata" json null,
  "created_at" timestamptz(3) not null,
  "attempts" int not null,
  "next_attempt_at" timestamptz(3) null,
  "lease_owner" text null,
  primary key ("ase", "id")
);
create index "outgoing_payment_ase_wallet_address_id_created_at_id_index" on "outgoing_payment" ("ase", "wallet_address_id", "created_at", "id");
create index "outgoing_payment_ase_wallet_address_id_client_id_c_aad0c_index" on "outgoing_payment" ("ase", "wallet_address_id", "client_id", "created_at", "id");
alter table "outgoing_payment" add constraint "outgoing_payment_ase_quote_id_unique" unique ("ase", "quote_id");
alter table "outgoing_payment" add constraint "outgoing_payment_state_check" check ("state" in ('pending', 'completed', 'failed'));
create table "outgoing_payment_grant" (
  "ase" text not null,
  "grant_id" text not null,
  primary key ("ase", "grant_id")
);
create table "quote" (
  "ase" text not null,
  "id" text not null,
  "wallet_address_id" text not null,
  "client_id" text not null,
  "receiver" text not null,
  "debit_amount" numeric(20,0) not null,
  "debit_asset_code" text not null,
  "debit_asset_scale" smallint not null,
  "fee" numeric(20,0) not null,
  "receive_amount" numeric(20,0) not null,
  "receive_asset_code" text not null,
  "receive_asset_scale" smallint not null,
  "created_at" timestamptz(3) not null,
  "expires_at" timestamptz(3) not null,
  primary key ("ase", "id")
);
create table "signature_nonce" (
  "ase" text not null,
  "key_thumbprint" text not null,
  "nonce" text not null,
  "expires_at" timestamptz(3) not null,
  primary key ("ase", "key_thumbprint", "nonce")
);
create table "wallet_address" (
  "ase" text not null,
  "id" text not null,
  "path" text not null,
  "url" text not null,
  "public_name" text null,
  "account_id" text not null,
  "active" boolean not null,
  "created_at" timestamptz(3) not null,
  primary key ("ase", "id")
);
alter table "wallet_address" add constraint "wallet_address_ase_path_unique" unique ("ase", "path");
alter table "wallet_address" add constraint "wallet_address_ase_url_unique" unique ("ase", "url");
create table "wallet_address_key" (
  "ase" text not null,
  "wallet_address_id" text not null,
  "kid" text not null,
  "jwk" jsonb not null,
  "created_at" timestamptz(3) not null,
  primary key ("ase", "wallet_address_id", "kid")
);
create table "world" (
  "id" text not null,
  "clock" jsonb not null,
  "consent" text not null,
  primary key ("id")
);
alter table "world" add constraint "world_consent_check" check ("consent" in ('auto', 'deny', 'manual'));
alter table "account" add constraint "account_customer_balance_check"
  check (("kind" = 'customer') = ("balance" is not null) and "balance" >= 0);
create index "outgoing_payment_due_index" on "outgoing_payment" ("next_attempt_at") where "next_attempt_at" is not null;
create index "outgoing_packet_unresolved_index" on "outgoing_packet" ("ase", "payment_id") where "state" = 'prepared'`;

/** Child, column, parent: each reference starts with the ASE. */
const references = [
  ['ledger_entry', 'transfer_id', 'ledger_transfer'],
  ['ledger_entry', 'account_id', 'account'],
  ['wallet_address', 'account_id', 'account'],
  ['wallet_address_key', 'wallet_address_id', 'wallet_address'],
  ['access_token', 'grant_id', 'gnap_grant'],
  ['incoming_payment', 'wallet_address_id', 'wallet_address'],
  ['quote', 'wallet_address_id', 'wallet_address'],
  ['outgoing_payment', 'quote_id', 'quote'],
  ['outgoing_payment', 'wallet_address_id', 'wallet_address'],
  ['outgoing_payment', 'spending_id', 'grant_spending'],
  ['outgoing_packet', 'payment_id', 'outgoing_payment'],
  ['incoming_packet', 'incoming_payment_id', 'incoming_payment'],
  ['grant_spending', 'grant_id', 'outgoing_payment_grant'],
] as const;

/** Double entry, append-only: rows never change, and every transfer sums to zero in each asset when it commits. */
const ledgerRules = [
  `create function "refuse_change"() returns trigger language plpgsql as $$
   begin
     if tg_op = 'DELETE' and current_setting('touchstone.clearing', true) = 'on' then
       return old;
     end if;
     raise exception 'the ledger is append-only';
   end $$`,
  `create trigger "ledger_transfer_append_only" before update or delete on "ledger_transfer"
   for each row execute function "refuse_change"()`,
  `create trigger "ledger_entry_append_only" before update or delete on "ledger_entry"
   for each row execute function "refuse_change"()`,
  `create function "check_transfer_balances"() returns trigger language plpgsql as $$
   begin
     if exists (
       select from "ledger_entry" e join "account" a on a."ase" = e."ase" and a."id" = e."account_id"
       where e."ase" = new."ase" and e."transfer_id" = new."transfer_id"
       group by a."asset_code", a."asset_scale" having sum(e."amount") <> 0
     ) then
       raise exception 'transfer % does not balance', new."transfer_id";
     end if;
     return null;
   end $$`,
  `create constraint trigger "ledger_entry_balances" after insert on "ledger_entry"
   deferrable initially deferred for each row execute function "check_transfer_balances"()`,
];

/** All statements in order; their digest names the template of an embedded database. */
export const statements: readonly string[] = [
  ...tables.split(';\n').map((statement) => statement.trim()),
  ...references.map(
    ([child, column, parent]) =>
      `alter table "${child}" add constraint "${child}_${column}_foreign" foreign key ("ase", "${column}")
       references "${parent}" ("ase", "${parent === 'outgoing_payment_grant' ? 'grant_id' : 'id'}")`,
  ),
  ...ledgerRules,
];
