/** Settings of an ASE: peers, fees, prices, and a version that changes with them. */
export const statements: readonly string[] = [
  `alter table "ase" add column "settings_version" int not null default 0`,
  `create table "fee" (
     "ase" text not null,
     "asset_code" text not null,
     "asset_scale" smallint not null,
     "basis_points" int not null,
     "fixed" numeric(20,0) not null,
     primary key ("ase", "asset_code", "asset_scale")
   )`,
  `create table "peer" (
     "ase" text not null,
     "name" text not null,
     "prefix" text not null,
     "endpoint" text not null,
     "incoming_token_digest" text not null,
     "outgoing_token" text not null,
     "max_packet_amount" numeric(20,0) not null,
     "balance_limit" numeric(20,0) null,
     primary key ("ase", "name")
   )`,
  `alter table "peer" add constraint "peer_ase_prefix_unique" unique ("ase", "prefix")`,
  `alter table "peer" add constraint "peer_ase_incoming_token_digest_unique" unique ("ase", "incoming_token_digest")`,
  `create table "price" (
     "ase" text not null,
     "currency" text not null,
     "price" text not null,
     primary key ("ase", "currency")
   )`,
  `create index "gnap_grant_ase_created_at_id_index" on "gnap_grant" ("ase", "created_at", "id")`,
];
