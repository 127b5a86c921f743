/**
 * The account of each payment and quote, which stays when its wallet address moves to another one; one answer to a
 * packet, whichever peer sends it; and idempotency keys.
 */
const tablesWithAccount = ['incoming_payment', 'quote', 'outgoing_payment'];

export const statements: readonly string[] = [
  ...tablesWithAccount.flatMap((table) => [
    `alter table "${table}" add column "account_id" text null`,
    `update "${table}" t set "account_id" = w."account_id"
       from "wallet_address" w where w."ase" = t."ase" and w."id" = t."wallet_address_id"`,
    `alter table "${table}" alter column "account_id" set not null`,
    `alter table "${table}" add constraint "${table}_account_id_foreign" foreign key ("ase", "account_id")
       references "account" ("ase", "id")`,
  ]),
  // Earlier versions could book a packet once for each name of its peer.
  `delete from "incoming_packet" a using "incoming_packet" b
     where a."ase" = b."ase" and a."condition" = b."condition" and (a."booked_at", a."peer") > (b."booked_at", b."peer")`,
  `alter table "incoming_packet" drop constraint "incoming_packet_pkey"`,
  `alter table "incoming_packet" add primary key ("ase", "condition")`,
  `alter table "peer" add column "answers_repeats" boolean not null default true`,
  `create table "idempotency_key" (
     "ase" text not null,
     "client_id" text not null,
     "operation" text not null,
     "key" text not null,
     "request_digest" text not null,
     "reply" json not null,
     "expires_at" timestamptz(3) not null,
     primary key ("ase", "client_id", "operation", "key")
   )`,
  `create index "idempotency_key_ase_expires_at_index" on "idempotency_key" ("ase", "expires_at")`,
];
