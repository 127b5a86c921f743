/**
 * Repeated creations: a client that lost the answer asks again and gets the same answer instead of a second resource.
 * Requests are the same if they have the same `Idempotency-Key` or, for payments, the same signature (OPI-071).
 */
import { hash } from 'node:crypto';
import { sql } from 'kysely';
import { toInstant } from '../database/columns.ts';
import type { Transaction } from '../database/database.ts';
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

export interface RepeatableRequest {
  readonly clientId: string;
  readonly operation: string;
  /** At most two. */
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
  ];
}

/** True for an Idempotency-Key, false for a signature. */
const isGiven = (key: string): boolean => key.startsWith('key ');

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
      .select(['key', 'request_digest', 'reply'])
      .where('ase', '=', ase)
      .where('client_id', '=', clientId)
      .where('operation', '=', operation)
      .where('key', 'in', otherKey === undefined ? [key] : [key, otherKey])
      .where('expires_at', '>', now),
);

/**
 * Stores the reply to a request that changes nothing else, like `storeReplies`. If the database cannot, only a client's
 * Idempotency-Key makes that an error: an answer that is known is not refused because of a signature.
 */
export async function keepReply(deps: IdempotencyDeps, answered: Answered): Promise<void> {
  try {
    await deps.db.transaction((tx) => storeReplies(tx, deps, [answered]));
  } catch (error) {
    if (error instanceof AlreadyAnswered || answered.request.keys.some(isGiven)) throw error;
  }
}

/** The keys that have an answer, in the order of the request. Throws `idempotency_key_reused` if it is that to another one. */
async function findStoredReplies(
  { ase, db, clock }: IdempotencyDeps,
  { clientId, operation, keys, digest }: RepeatableRequest,
) {
  const [key, otherKey] = keys;
  if (key === undefined) return [];
  const now = toInstant(clock.wallNow());
  const rows = await selectReplies.all(db.query, { ase, clientId, operation, key, otherKey, now });
  if (rows.some((row) => row.request_digest !== digest)) throw resourceProblem('idempotency_key_reused');
  return keys.flatMap((key) => rows.find((row) => row.key === key) ?? []);
}

/**
 * The answer to an earlier request with one of the keys. It is kept under the other one, too: a request that had only
 * the signature in common can be repeated with its Idempotency-Key, and the signature of a repetition without that key
 * pays nothing.
 */
async function repeatReply(deps: IdempotencyDeps, request: RepeatableRequest): Promise<Reply | undefined> {
  const found = await findStoredReplies(deps, request);
  const [first] = found;
  const keys = request.keys.filter((key) => found.every((row) => row.key !== key));
  if (!first || keys.length === 0) return first?.reply;
  try {
    await keepReply(deps, { request: { ...request, keys }, reply: first.reply });
    return first.reply;
  } catch (error) {
    if (!(error instanceof AlreadyAnswered)) throw error;
    // Another request with that key was answered meanwhile.
    return (await findStoredReplies(deps, request))[0]?.reply;
  }
}

interface Answers {
  readonly ase: string;
  readonly now: string;
  readonly expiresAt: string;
  /** One element of each list is a key, with the reply to its request. */
  readonly clientIds: readonly string[];
  readonly operations: readonly string[];
  readonly keys: readonly string[];
  readonly digests: readonly string[];
  /** JSON. */
  readonly replies: readonly string[];
}

/** A key that has expired is as good as new. For others this is null, which fails the statement. */
const digestOfNewKey = ({ now }: Answers) =>
  sql`case when idempotency_key.expires_at <= ${now} then excluded.request_digest end`;

/** Sorted, so that two transactions never wait for each other in a circle. */
const insertReplies = statement((_db, answers: Answers) => {
  const { ase, expiresAt, clientIds, operations, keys, digests, replies } = answers;
  return sql`
    insert into idempotency_key (ase, client_id, operation, key, request_digest, reply, expires_at)
    select ${ase}, client_id, operation, key, digest, reply::json, ${expiresAt}::timestamptz
    from unnest(${clientIds}::text[], ${operations}::text[], ${keys}::text[], ${digests}::text[], ${replies}::text[])
      as answer (client_id, operation, key, digest, reply)
    order by client_id, operation, key
    on conflict (ase, client_id, operation, key) do update set
      request_digest = ${digestOfNewKey(answers)}, reply = excluded.reply, expires_at = excluded.expires_at`;
});

/** Rolls a transaction back because another request has stored its reply under one of the keys. */
class AlreadyAnswered extends Error {}

/** A request and its reply. */
export interface Answered {
  readonly request: RepeatableRequest;
  readonly reply: Reply;
}

/**
 * Stores replies under the keys of their requests, and so waits for a transaction that is storing one of them. Throws
 * AlreadyAnswered if one is stored already.
 */
export async function storeReplies(
  tx: Transaction,
  { ase, clock }: IdempotencyDeps,
  answered: readonly Answered[],
): Promise<void> {
  const rows = answered.flatMap(({ request, reply: { status, body } }) =>
    request.keys.map((key) => ({ ...request, key, reply: JSON.stringify({ status, body }) })),
  );
  if (rows.length === 0) return;
  const now = clock.wallNow();
  try {
    await insertReplies.change(tx, {
      ase,
      now: toInstant(now),
      expiresAt: toInstant(now + RETENTION_MS),
      clientIds: rows.map(({ clientId }) => clientId),
      operations: rows.map(({ operation }) => operation),
      keys: rows.map(({ key }) => key),
      digests: rows.map(({ digest }) => digest),
      replies: rows.map(({ reply }) => reply),
    });
  } catch (error) {
    throw isViolation(error, 'not null', 'idempotency_key') ? new AlreadyAnswered() : error;
  }
}

interface Creation {
  readonly request: RepeatableRequest;
  /** In place of that of the call: stores the reply with the keys of the request, too. */
  readonly change: ResourceCall['change'];
}

/**
 * Answers a repeated request as before. `create` makes the resource, and stores the reply with the keys of the request
 * in the same transaction: with `change`, or with `storeReplies`. A repetition finds the keys there, or fails before,
 * and only then looks for the stored reply, because repetitions are rare.
 * Only status and body are stored, so headers are added to the result of this function, not inside `create`.
 */
export async function createOnce<R extends Reply>(
  deps: IdempotencyDeps,
  call: ResourceCall,
  operation: string,
  create: (creation: Creation) => Promise<R>,
): Promise<R> {
  const { clientId } = tokenCaller(call);
  const keys = keysOf(call, operation);
  if (keys.length === 0) {
    return create({ request: { clientId, operation, keys, digest: '' }, change: call.change });
  }
  const digest = hash('sha256', call.exchange.body, 'base64url');
  const request = { clientId, operation, keys, digest };
  try {
    return await create({
      request,
      change: (reply, ...changes) =>
        call.change(reply, ...changes, (tx) => storeReplies(tx, deps, [{ request, reply }])),
    });
  } catch (error) {
    // The earlier request may have made this one fail, by paying the quote or filling the receiver.
    const answered = await repeatReply(deps, request);
    if (answered) return answered as R;
    throw error;
  }
}
