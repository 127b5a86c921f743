/**
 * Look-ups that cost the same however many wallet addresses there are: the id and the URL of a wallet address are
 * unique on their own, so a hash index finds them. Only grants with an interaction are in the index of interactions.
 */
export const statements: readonly string[] = [
  `create index "wallet_address_id_index" on "wallet_address" using hash ("id")`,
  `create index "wallet_address_url_index" on "wallet_address" using hash ("url")`,
  `alter table "gnap_grant" drop constraint "gnap_grant_ase_interaction_id_unique"`,
  `create unique index "gnap_grant_interaction_id_index" on "gnap_grant" ("ase", "interaction_id")
     where "interaction_id" is not null`,
];
