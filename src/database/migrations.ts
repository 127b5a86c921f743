/** All migrations in their order. The database records their names, so these never change. */
import { statements as migration0001 } from './migrations/migration-0001.ts';
import { statements as migration0002 } from './migrations/migration-0002.ts';
import { statements as migration0003 } from './migrations/migration-0003.ts';
import { statements as migration0004 } from './migrations/migration-0004.ts';
import { statements as migration0005 } from './migrations/migration-0005.ts';
import { statements as migration0006 } from './migrations/migration-0006.ts';
import { statements as migration0007 } from './migrations/migration-0007.ts';
import { statements as migration0009 } from './migrations/migration-0009.ts';
import { statements as migration0010 } from './migrations/migration-0010.ts';
import { statements as migration0011 } from './migrations/migration-0011.ts';
import { statements as migration0012 } from './migrations/migration-0012.ts';
import { statements as migration0013 } from './migrations/migration-0013.ts';
import { statements as migration0014 } from './migrations/migration-0014.ts';
import { statements as migration0015 } from './migrations/migration-0015.ts';
import { statements as migration0016 } from './migrations/migration-0016.ts';
import { statements as migration0017 } from './migrations/migration-0017.ts';
import { statements as migration0018 } from './migrations/migration-0018.ts';

export const statementsOf: Readonly<Record<string, readonly string[]>> = {
  'migration-0001': migration0001,
  'migration-0002': migration0002,
  'migration-0003': migration0003,
  'migration-0004': migration0004,
  'migration-0005': migration0005,
  'migration-0006': migration0006,
  'migration-0007': migration0007,
  'migration-0009': migration0009,
  'migration-0010': migration0010,
  'migration-0011': migration0011,
  'migration-0012': migration0012,
  'migration-0013': migration0013,
  'migration-0014': migration0014,
  'migration-0015': migration0015,
  'migration-0016': migration0016,
  'migration-0017': migration0017,
  'migration-0018': migration0018,
};

export const allStatements: readonly string[] = Object.values(statementsOf).flat();
