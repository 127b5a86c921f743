/** Migrations, by MikroORM. A start on a database whose tables are up to date does not load it. */
import type { PGlite } from '@electric-sql/pglite';
import { Migration, Migrator } from '@mikro-orm/migrations';
import { entities } from './entities.ts';
import { statementsOf } from './migrations.ts';

const toMigration = (
  statements: readonly string[],
): (new (
  ...args: ConstructorParameters<typeof Migration>
) => Migration) =>
  class extends Migration {
    override up(): void {
      for (const statement of statements) this.addSql(statement);
    }
  };

const options = {
  entities: [...entities],
  extensions: [Migrator],
  migrations: {
    migrationsList: Object.entries(statementsOf).map(([name, statements]) => ({
      name,
      class: toMigration(statements),
    })),
    snapshot: false,
    silent: true,
  },
  // The migrations create the foreign keys: in them the ASE is part of both keys, which entities cannot express.
  schemaGenerator: { createForeignKeyConstraints: false },
};

/** Migrates the database, which need not exist yet. Statements may take as long as they need. */
export async function migratePostgreSql(url: string): Promise<void> {
  const { MikroORM, defineConfig } = await import('@mikro-orm/postgresql');
  // The migrator needs one connection while the lock below holds another.
  const orm = await MikroORM.init(defineConfig({ ...options, clientUrl: url, pool: { min: 0, max: 2 } }));
  await orm.schema.ensureDatabase();
  // Several processes may start at once: one migrates, the others wait for it.
  await orm.em.fork().transactional(async (tx) => {
    await tx.execute('select pg_advisory_xact_lock(7465)');
    await orm.migrator.up();
  });
  await orm.close();
}

export async function migrateEmbedded(pglite: PGlite): Promise<void> {
  const { MikroORM, defineConfig } = await import('@mikro-orm/pglite');
  const orm = await MikroORM.init(defineConfig({ ...options, dbName: 'postgres', driverOptions: { pglite } }));
  await orm.migrator.up();
  await orm.close();
}
