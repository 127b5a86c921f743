/** The grant and its states (RFC 9635 §1.5; LIM-01): one table of moves, each made on a row that is locked. */

import type { Updateable } from 'kysely';
import { toMillis } from '../database/columns.ts';
import type { Queryable, Tables, Transaction } from '../database/database.ts';
import type { Access, Subject } from '../open-payments/access.ts';
import type { ClientInstance, ClientJwk } from '../open-payments/client.ts';

/** `pending` waits for consent, `approved` for the client to fetch it; the others are final (`finalized` in the row). */
export type GrantState = 'pending' | 'approved' | 'issued' | 'rejected' | 'revoked';
export type Transition = 'approve' | 'reject' | 'issue' | 'revoke';

/** The only moves there are. What is final stays so, but for being taken back. */
export const transitions: Readonly<
  Record<Transition, { readonly from: readonly GrantState[]; readonly to: GrantState }>
> = {
  approve: { from: ['pending'], to: 'approved' },
  reject: { from: ['pending'], to: 'rejected' },
  issue: { from: ['approved'], to: 'issued' },
  revoke: { from: ['pending', 'approved', 'issued', 'rejected'], to: 'revoked' },
};

/** The state after a move; undefined if the move is not legal there. */
export const stateAfter = (state: GrantState, move: Transition): GrantState | undefined =>
  transitions[move].from.includes(state) ? transitions[move].to : undefined;

export interface Grant {
  readonly id: string;
  readonly state: GrantState;
  readonly clientId: string;
  readonly client: ClientInstance;
  readonly clientName: string | undefined;
  readonly access: Access[];
  readonly subject: Subject | undefined;
  readonly continueId: string;
  /** Of the continuation token that is good now. */
  readonly continueDigest: string;
  /** Seconds. */
  readonly wait: number;
  readonly continuedAt: number;
  /** Absent for a grant without interaction. */
  readonly interaction: Interaction | undefined;
}

/** RFC 9635 §4. */
export interface Interaction {
  readonly id: string;
  /** The authorization server's nonce, `interact.finish`. */
  readonly nonce: string;
  readonly expiresAt: number;
  /** How the client wants to hear of the end; absent if it polls. */
  readonly finish: { readonly uri: string; readonly nonce: string } | undefined;
  readonly sessionDigest: string | null;
  readonly interactRefDigest: string | null;
}

const columns = [
  'id',
  'state',
  'finalization',
  'client_id',
  'client_wallet_address',
  'client_jwk',
  'client_name',
  'access',
  'subject',
  'continue_id',
  'continue_digest',
  'wait',
  'continued_at',
  'interaction_id',
  'interaction_nonce',
  'interaction_expires_at',
  'client_nonce',
  'finish_uri',
  'session_digest',
  'interact_ref_digest',
] as const;

/** How a state stands in the row. */
export const stateColumns = (state: GrantState) =>
  state === 'pending' || state === 'approved'
    ? ({ state, finalization: null } as const)
    : ({ state: 'finalized', finalization: state } as const);

export function clientOfRow(row: {
  client_wallet_address: string | null;
  client_jwk: ClientJwk | null;
}): ClientInstance {
  return row.client_jwk ? { jwk: row.client_jwk } : { walletAddress: row.client_wallet_address! };
}

const selectGrant = (db: Queryable | Transaction, ase: string) =>
  db.selectFrom('gnap_grant').select(columns).where('ase', '=', ase);

type GrantRow = Awaited<ReturnType<ReturnType<typeof selectGrant>['executeTakeFirstOrThrow']>>;

function toGrant(row: GrantRow): Grant {
  const finish = row.finish_uri === null ? undefined : { uri: row.finish_uri, nonce: row.client_nonce! };
  return {
    id: row.id,
    state: row.state === 'finalized' ? row.finalization! : row.state,
    clientId: row.client_id,
    client: clientOfRow(row),
    clientName: row.client_name ?? undefined,
    access: row.access,
    subject: row.subject ?? undefined,
    continueId: row.continue_id,
    continueDigest: row.continue_digest,
    wait: row.wait,
    continuedAt: toMillis(row.continued_at),
    interaction:
      row.interaction_id === null
        ? undefined
        : {
            id: row.interaction_id,
            nonce: row.interaction_nonce!,
            expiresAt: toMillis(row.interaction_expires_at!),
            finish,
            sessionDigest: row.session_digest,
            interactRefDigest: row.interact_ref_digest,
          },
  };
}

/** An id out of a URL, to look up: PostgreSQL's text has no NUL, not even to compare with. */
export const asStoredId = (id: string | undefined): string => (id === undefined || id.includes('\0') ? '' : id);

/** The grant of that id, if there is one, locked until the transaction ends; the first lock in the order (`database.ts`). */
export async function lockGrant(tx: Transaction, ase: string, id: string): Promise<Grant | undefined> {
  const row = await selectGrant(tx, ase).where('id', '=', asStoredId(id)).forUpdate().executeTakeFirst();
  return row && toGrant(row);
}

/** A grant with its interaction, by the interaction's id. */
export type InteractiveGrant = Grant & { readonly interaction: Interaction };

export async function findGrantOfInteraction(
  db: Queryable,
  ase: string,
  interactionId: string,
  lock?: 'for update',
): Promise<InteractiveGrant | undefined> {
  const row = await selectGrant(db, ase)
    .where('interaction_id', '=', asStoredId(interactionId))
    .$if(lock !== undefined, (query) => query.forUpdate())
    .executeTakeFirst();
  return row && (toGrant(row) as InteractiveGrant);
}

/**
 * Moves a locked grant. Throws an Error if the move is not legal: the caller has looked at the state and refused the
 * request otherwise.
 */
export async function transitionGrant<G extends Grant>(
  tx: Transaction,
  ase: string,
  grant: G,
  move: Transition,
): Promise<G> {
  const state = stateAfter(grant.state, move);
  if (state === undefined) throw new Error(`a grant that is ${grant.state} cannot be moved by ${move}`);
  await updateGrant(tx, ase, grant, stateColumns(state));
  return { ...grant, state };
}

/** Stores columns of a locked grant that are not its state. */
export async function updateGrant(
  tx: Transaction,
  ase: string,
  grant: Grant,
  columnsToSet: Updateable<Tables['gnap_grant']>,
): Promise<void> {
  await tx.updateTable('gnap_grant').set(columnsToSet).where('ase', '=', ase).where('id', '=', grant.id).execute();
}
