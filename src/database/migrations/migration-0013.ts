/** The answer to a packet is kept until no copy of it can arrive any more. */
export const statements: readonly string[] = [
  `alter table "incoming_packet" add column "expires_at" timestamptz(3) null`,
];
