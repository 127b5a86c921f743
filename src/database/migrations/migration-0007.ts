/** The next hop of an outgoing payment, and further address prefixes of a peer. */
export const statements: readonly string[] = [
  `alter table "outgoing_payment" add column "peer" text null`,
  `alter table "peer" add column "routes" jsonb not null default '[]'`,
];
