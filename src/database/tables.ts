/** The tables as the query builder sees them, inferred from the entities. */
import type { InferKyselyDB } from '@mikro-orm/sql';
import type { Kysely, Transaction as KyselyTransaction } from 'kysely';
import type { entities } from './entities.ts';

export type Tables = InferKyselyDB<(typeof entities)[number]>;
export type Transaction = KyselyTransaction<Tables>;
/** Where a statement can run: inside a transaction or on a connection of the pool. */
export type Queryable = Kysely<Tables>;
