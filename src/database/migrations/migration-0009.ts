/** Interactions finish in the browser that decided; sessions and failed attempts of sign-in are shared by processes. */
export const statements: readonly string[] = [
  `alter table "gnap_grant" add column "ticket_digest" text null, add column "session_kept" boolean not null default false`,
  `create table "sign_in_session" (
     "ase" text not null,
     "digest" text not null,
     "account" text not null,
     "expires_at" timestamptz(3) not null,
     primary key ("ase", "digest")
   )`,
  `create index "sign_in_session_ase_expires_at_index" on "sign_in_session" ("ase", "expires_at")`,
  `create table "sign_in_attempt" (
     "ase" text not null,
     "key" text not null,
     "count" int not null,
     "expires_at" timestamptz(3) not null,
     primary key ("ase", "key")
   )`,
  `create index "sign_in_attempt_ase_expires_at_index" on "sign_in_attempt" ("ase", "expires_at")`,
];
