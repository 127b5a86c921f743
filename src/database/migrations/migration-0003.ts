/** Webhooks: where they go, and the events; and where exchange rates come from (EVT-01…06, SET-06). */
export const statements: readonly string[] = [
  `alter table "ase"
     add column "webhook_url" text null,
     add column "webhook_secret" text null,
     add column "rate_source" text null`,
  `alter table "incoming_payment" add column "expiry_announced" boolean not null default false`,
  `create index "incoming_payment_unannounced_index" on "incoming_payment" ("ase", "expires_at")
     where not "completed" and not "expiry_announced" and "received_amount" > 0`,
  `create table "webhook_event" (
     "ase" text not null,
     "subject" text not null,
     "sequence" int not null,
     "id" text not null,
     "type" text not null,
     "body" text not null,
     "state" text not null,
     "attempts" int not null,
     "created_at" timestamptz(3) not null,
     "due_at" timestamptz(3) not null,
     "failure" text null,
     "lease" text null,
     "lease_until" timestamptz(3) null,
     primary key ("ase", "subject", "sequence")
   )`,
  `alter table "webhook_event" add constraint "webhook_event_ase_id_unique" unique ("ase", "id")`,
  `alter table "webhook_event" add constraint "webhook_event_state_check"
     check ("state" in ('pending', 'delivered', 'undelivered'))`,
  `create index "webhook_event_due_index" on "webhook_event" ("ase", "due_at") where "state" = 'pending'`,
  `create index "webhook_event_ase_state_created_at_index" on "webhook_event" ("ase", "state", "created_at")`,
];
