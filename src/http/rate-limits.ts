/**
 * Rate limits and quotas, as a table. Counters are in the database, so that they hold for all processes together and
 * survive a restart; they use wall time. They are off on loopback by default (`--rate-limits`).
 */
import type { IncomingMessage } from 'node:http';
import { CompiledQuery } from 'kysely';
import type { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import type { Database } from '../database/database.ts';
import { RetryLater } from '../errors.ts';
import { networkOf } from '../net/network-of.ts';

export interface RateLimit {
  /** Begins the keys of its counters. */
  readonly name: string;
  readonly operations: readonly string[];
  /** Requests, or bytes of content, which bound the storage that strangers can fill. */
  readonly unit: 'requests' | 'bytes';
  readonly seconds: number;
  /** An IPv4 address, or a /64 network of IPv6. */
  readonly perAddress: number;
  /** The key that signed; undefined for operations without a signature. */
  readonly perKey?: number;
}

const creating = ['create-incoming-payment', 'create-quote', 'create-outgoing-payment'];

export const rateLimits: readonly RateLimit[] = [
  { name: 'grants', operations: ['post-request'], unit: 'requests', seconds: 60, perAddress: 240, perKey: 120 },
  {
    name: 'continuations',
    operations: ['post-continue', 'delete-continue', 'post-token', 'delete-token'],
    unit: 'requests',
    seconds: 60,
    perAddress: 600,
    perKey: 300,
  },
  { name: 'payments', operations: creating, unit: 'requests', seconds: 60, perAddress: 1200, perKey: 600 },
  { name: 'spsp', operations: ['get-spsp'], unit: 'requests', seconds: 60, perAddress: 60 },
  { name: 'sign-in', operations: ['post-sign-in'], unit: 'requests', seconds: 900, perAddress: 60 },
  {
    name: 'storage',
    operations: ['post-request', ...creating],
    unit: 'bytes',
    seconds: 86_400,
    perAddress: 32 * 1024 * 1024,
    perKey: 8 * 1024 * 1024,
  },
];

/** Fetches of key sets from one host, so that the ASE cannot be used to flood it. */
const keySetLimit = { name: 'key-sets', seconds: 60, perHost: 120 } as const;

export interface RateLimiter {
  /** Counts a request by its network address. Throws RetryLater `rate_limited`. */
  checkAddress(req: IncomingMessage, operationId: string, bytes: number): Promise<void>;
  /** Counts a request by the thumbprint of the key that signed it. Throws RetryLater `rate_limited`. */
  checkKey(thumbprint: string, operationId: string, bytes: number): Promise<void>;
  /** Counts the fetch of a key set. Throws RetryLater `rate_limited`. */
  checkKeySet(url: string): Promise<void>;
}

export interface RateLimiterOptions {
  readonly ase: string;
  readonly db: Pick<Database, 'query'>;
  /** Reverse proxies in front, each of which appends the address of its client to X-Forwarded-For. */
  readonly trustedProxies: number;
  readonly limits?: readonly RateLimit[];
}

export function createRateLimiter(options: RateLimiterOptions): RateLimiter {
  const { ase, trustedProxies, limits = rateLimits } = options;
  const counters = createCounters(options.db);

  async function count(name: string, subject: string, points: number, bound: number, seconds: number): Promise<void> {
    const { consume } = await counters(name, bound, seconds);
    try {
      await consume(`${ase} ${subject}`, points);
    } catch (rejection) {
      if (rejection instanceof Error) throw rejection;
      const seconds = Math.max(1, Math.ceil((rejection as RateLimiterRes).msBeforeNext / 1000));
      throw new RetryLater('rate_limited', seconds, { detail: name });
    }
  }

  async function check(operationId: string, bytes: number, kind: 'perAddress' | 'perKey', subject: string) {
    for (const limit of limits) {
      const bound = limit[kind];
      const points = limit.unit === 'bytes' ? bytes : 1;
      if (bound === undefined || points === 0 || !limit.operations.includes(operationId)) continue;
      await count(limit.name, `${kind === 'perKey' ? 'key' : 'address'} ${subject}`, points, bound, limit.seconds);
    }
  }

  return {
    checkAddress: (req, operationId, bytes) =>
      check(operationId, bytes, 'perAddress', networkOf(clientAddress(req, trustedProxies))),
    checkKey: (thumbprint, operationId, bytes) => check(operationId, bytes, 'perKey', thumbprint),
    checkKeySet: (url) =>
      count(keySetLimit.name, `host ${URL.parse(url)?.host ?? ''}`, 1, keySetLimit.perHost, keySetLimit.seconds),
  };
}

/** Characters. The column has 255, with the name of the limit. */
const MAX_SUBJECT_LENGTH = 200;

/** The address of the client: that of the connection, or the one that the outermost trusted proxy saw. */
function clientAddress(req: IncomingMessage, trustedProxies: number): string {
  const connected = req.socket.remoteAddress ?? '';
  if (trustedProxies === 0) return connected;
  const forwarded = [req.headers['x-forwarded-for'] ?? []].flat().join(',').split(',');
  return forwarded.at(-trustedProxies)?.trim() || connected;
}

/** Counters in the table `rate_limit`, through the statements of the library. */
function createCounters(db: Pick<Database, 'query'>) {
  const storeClient = {
    async query({ text, values = [] }: { text: string; values?: readonly unknown[] }) {
      const { rows, numAffectedRows } = await db.query.executeQuery(CompiledQuery.raw(text, [...values]));
      return { rows, rowCount: Number(numAffectedRows ?? rows.length) };
    },
  };
  const counters = new Map<string, RateLimiterPostgres>();
  return async (name: string, points: number, duration: number) => {
    const key = `${name} ${points}`;
    let counter = counters.get(key);
    if (!counter) {
      // Loaded with the first limited request, so that a start does not wait for it. In a bundle it has no named exports.
      const { default: limiters } = await import('rate-limiter-flexible');
      counter = new limiters.RateLimiterPostgres({
        storeClient,
        storeType: 'client',
        tableName: 'rate_limit',
        tableCreated: true,
        // The retention worker deletes what has expired.
        clearExpiredByTimeout: false,
        keyPrefix: name,
        points,
        duration,
        // A subject beyond its bound costs no more statements until its time is over.
        inMemoryBlockOnConsumed: points + 1,
      });
      counters.set(key, counter);
    }
    const limiter = counter;
    return {
      consume: (subject: string, consumed: number) => limiter.consume(subject.slice(0, MAX_SUBJECT_LENGTH), consumed),
    };
  };
}
