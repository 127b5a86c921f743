/** Passphrases with which customers sign in before they consent (AS-N05). */
import { Migration } from '@mikro-orm/migrations';

export const statements: readonly string[] = [`alter table "account" add column "passphrase_digest" text null`];

export class Migration0004 extends Migration {
  override up(): void {
    for (const statement of statements) this.addSql(statement);
  }
}
