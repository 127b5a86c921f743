/** The next hop of an outgoing payment, and further address prefixes of a peer. */
import { Migration } from '@mikro-orm/migrations';

export const statements: readonly string[] = [
  `alter table "outgoing_payment" add column "peer" text null`,
  `alter table "peer" add column "routes" jsonb not null default '[]'`,
];

export class Migration0007 extends Migration {
  override up(): void {
    for (const statement of statements) this.addSql(statement);
  }
}
