/** The answer to a packet is kept until no copy of it can arrive any more. */
import { Migration } from '@mikro-orm/migrations';

export const statements: readonly string[] = [
  `alter table "incoming_packet" add column "expires_at" timestamptz(3) null`,
];

export class Migration0013 extends Migration {
  override up(): void {
    for (const statement of statements) this.addSql(statement);
  }
}
