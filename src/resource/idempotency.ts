/**
 * Repeated creations: a client that lost the answer asks again and gets the same answer instead of a second resource.
 * Requests are the same if they have the same `Idempotency-Key` or, for payments, the same signature (OPI-071).
 */
import { hash } from 'node:crypto';
import { type Insertable, sql } from 'kysely';
import { toInstant, toJson } from '../database/columns.ts';
import type { Queryable, Tables, Transaction } from '../database/database.ts';
import { commitTogether } from '../database/guarded-dialect.ts';
import { statement } from '../database/statement.ts';
import { isViolation } from '../database/violation.ts';
import { headerLines } from '../http/received-request.ts';
import type { Reply } from '../http/reply.ts';
import { type ResourceCall, tokenCaller } from './caller.ts';
import type { ResourceDeps } from './deps.ts';
import { resourceProblem } from './problem.ts';

/** Time for which an answer is kept, by wall time. */
const RETENTION_MS = 24 * 60 * 60 * 1000;

type IdempotencyDeps = Pick<ResourceDeps, 'ase' | 'db' | 'clock'>;

interface RepeatableRequest {
  readonly clientId: string;
  readonly operation: string;
  /** At most two. Sorted, so that two requests never wait for each other in a circle. */
  readonly keys: readonly string[];
  readonly digest: string;
}

/**
 * The keys under which the answer to a request is kept. Throws `invalid_request` for a key that is not 1 to 255
 * printable ASCII characters in one field.
 */
function keysOf(call: ResourceCall, operation: string): string[] {
  const lines = headerLines(call.exchange, 'idempotency-key');
  const [given] = lines;
  if (lines.length > 1 || (given !== undefined && !/^[\x21-\x7e]{1,255}$/.test(given))) {
    const description = 'Idempotency-Key is not 1 to 255 printable characters';
    throw resourceProblem('invalid_request', { description });
  }
  const { signature } = call;
  return [
    ...(given === undefined ? [] : [`key ${given}`]),
    // Only where a repetition costs money: two equal requests of one second can have the same signature.
    ...(signature && operation === 'create-outgoing-payment' ? [`signature ${signature.toString('base64')}`] : []),
  ].toSorted();
}

interface KeysOfClient {
  readonly ase: string;
  readonly clientId: string;
  readonly operation: string;
  readonly key: string;
  readonly otherKey: string | undefined;
}

const selectReplies = statement(
  (db, { ase, clientId, operation, key, otherKey, now }: KeysOfClient & { now: string }) =>
    db
      .selectFrom('idempotency_key')
      .select(['request_digest', 'reply'])
      .where('ase', '=', ase)
      .where('client_id', '=', clientId)
      .where('operation', '=', operation)
      .where('key', 'in', otherKey === undefined ? [key] : [key, otherKey])
      .where('expires_at', '>', now),
);

/** The answer to an earlier request with one of the keys. Throws `idempotency_key_reused` if that was another request. */
async function findStoredReply(
  db: Queryable,
  { ase, clock }: IdempotencyDeps,
  { clientId, operation, keys, digest }: RepeatableRequest,
): Promise<Reply | undefined> {
  const [key, otherKey] = keys;
  if (key === undefined) return undefined;
  const now = toInstant(clock.wallNow());
  const rows = await selectReplies.all(db, { ase, clientId, operation, key, otherKey, now });
  if (rows.some((row) => row.request_digest !== digest)) throw resourceProblem('idempotency_key_reused');
  return rows[0]?.reply;
}

const insertReply = statement((db, { now, ...row }: Insertable<Tables['idempotency_key']> & { readonly now: string }) =>
  db
    .insertInto('idempotency_key')
    .values(row)
    .onConflict((conflict) =>
      conflict.columns(['ase', 'client_id', 'operation', 'key']).doUpdateSet(({ ref }) => ({
        // A key that has expired is as good as new. For others it is null, which fails the statement.
        request_digest: sql<string>`case when idempotency_key.expires_at <= ${now} then excluded.request_digest end`,
        reply: ref('excluded.reply'),
        expires_at: ref('excluded.expires_at'),
      })),
    ),
);

/** Rolls a transaction back because another request has stored its reply under one of the keys. */
class AlreadyAnswered extends Error {}

/**
 * Stores the reply under each key, and so waits for a transaction that is storing one of them. Throws AlreadyAnswered
 * if one is stored already.
 */
async function storeReply(
  tx: Transaction,
  { ase, clock }: IdempotencyDeps,
  { clientId, operation, keys, digest }: RepeatableRequest,
  { status, body }: Reply,
): Promise<void> {
  const now = clock.wallNow();
  const row = {
    ase,
    client_id: clientId,
    operation,
    request_digest: digest,
    reply: toJson({ status, body }),
    expires_at: toInstant(now + RETENTION_MS),
  };
  try {
    await Promise.all(keys.map((key) => insertReply.change(tx, { ...row, key, now: toInstant(now) })));
  } catch (error) {
    throw isViolation(error, 'not null', 'idempotency_key') ? new AlreadyAnswered() : error;
  }
}

/**
 * Ends a creation: stores the reply with the keys of the request, and commits. It can be sent together with the last
 * statements of the transaction, if each of them fails when it does not do its part.
 */
export type EndCreation = (reply: Reply) => Promise<void>;

/** Runs `work` in one transaction, and ends it unless `work` has done so. */
type CreateInTransaction<R> = (work: (tx: Transaction, end: EndCreation) => Promise<R>) => Promise<R>;

/** The functions of a call that store the reply with the keys of the request, too. */
interface CreatingCall<R> {
  readonly transaction: CreateInTransaction<R>;
  readonly change: ResourceCall['change'];
}

/**
 * Answers a repeated request as before. `create` makes the resource with the functions that it is given in place of
 * those of the call: they store the reply with the keys at the end of the same transaction. A repetition finds the keys
 * there, or fails before, and only then looks for the stored reply, because repetitions are rare.
 * Only status and body are stored, so headers are added to the result of this function, not inside `create`.
 */
export async function createOnce<R extends Reply>(
  deps: IdempotencyDeps,
  call: ResourceCall,
  operation: string,
  create: (call: CreatingCall<R>) => Promise<R>,
): Promise<R> {
  const keys = keysOf(call, operation);
  if (keys.length === 0) {
    return create({
      transaction: (work) =>
        call.transaction((tx, toValidReply) => work(tx, (reply) => commitTogether(tx, () => toValidReply(reply)))),
      change: call.change,
    });
  }
  const digest = hash('sha256', call.exchange.body, 'base64url');
  const request = { clientId: tokenCaller(call).clientId, operation, keys, digest };
  try {
    return await create({
      transaction: (work) =>
        call.transaction(async (tx, toValidReply) => {
          let hasEnded = false;
          const end = async (reply: Reply): Promise<void> => {
            hasEnded = true;
            await Promise.all([storeReply(tx, deps, request, reply), commitTogether(tx, () => toValidReply(reply))]);
          };
          const reply = await work(tx, end);
          if (!hasEnded) await end(reply);
          return reply;
        }),
      change: (reply, ...changes) => call.change(reply, ...changes, (tx) => storeReply(tx, deps, request, reply)),
    });
  } catch (error) {
    // The earlier request may have made this one fail, by paying the quote or filling the receiver.
    const answered = await findStoredReply(deps.db.query, deps, request);
    if (answered) return answered as R;
    throw error;
  }
}
