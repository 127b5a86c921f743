/** The options that say where the program keeps its data. */
import type { Option } from './option.ts';

export const storageOptions = {
  data: {
    flag: 'data',
    kind: 'string',
    value: 'DIR',
    sentence: 'Keep the embedded database in this directory. Default: in memory.',
  },
  databaseUrl: {
    flag: 'database-url',
    kind: 'string',
    value: 'URL',
    commands: ['start', 'grade'],
    sentence: 'Use this PostgreSQL database instead of the embedded one (may contain a secret).',
  },
  databaseConnections: {
    flag: 'database-connections',
    kind: 'integer',
    value: 'N',
    maximum: 1000,
    commands: ['start', 'grade'],
    sentence:
      'Open at most N connections to the PostgreSQL database, and as many to its replica. Default: 2 for each core that the process may use and 1 more, at most 10.',
  },
  databaseReplicaUrl: {
    flag: 'database-replica-url',
    kind: 'string',
    value: 'URL',
    sentence:
      'Read lists and public documents from this streaming replica of the PostgreSQL database while it is at most three seconds behind (may contain a secret).',
  },
} as const satisfies Record<string, Option>;
