/** Outgoing payments as an operator lists them: by state and age, with the reason of the last attempt that did not succeed. */
export const statements: readonly string[] = [
  `alter table "outgoing_payment" add column "accepted_at" timestamptz(3) not null default now(), add column "last_error" text null`,
  `update "outgoing_payment" set "accepted_at" = "created_at"`,
  `create index "outgoing_payment_ase_state_accepted_at_id_index" on "outgoing_payment" ("ase", "state", "accepted_at", "id")`,
  // For the metric of money on hold.
  `create index "account_hold_index" on "account" ("ase") where "kind" = 'hold'`,
];
