/** Passphrases with which customers sign in before they consent (AS-N05). */
export const statements: readonly string[] = [`alter table "account" add column "passphrase_digest" text null`];
