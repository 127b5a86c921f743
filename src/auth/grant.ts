/** The grant and its states (RFC 9635 §1.5): one table of transitions, each applied to a locked row (LIM-01). */
import type { Insertable, Updateable } from 'kysely';
import { toInstant, toJson, toLookupText, toMillis } from '../database/columns.ts';
import type { Queryable, Tables, Transaction } from '../database/database.ts';
import { statement } from '../database/statement.ts';
import type { Access, Subject } from '../open-payments/access.ts';
import type { ClientInstance, ClientJwk } from '../open-payments/client.ts';

/** `pending` waits for consent, `approved` for the client to fetch it. The others are final (`finalized` in the row). */
export type GrantState = 'pending' | 'approved' | 'issued' | 'rejected' | 'revoked';
export type Transition = 'approve' | 'reject' | 'issue' | 'revoke';

/** All legal transitions. A final state can only be revoked. */
export const transitions: Readonly<
  Record<Transition, { readonly from: readonly GrantState[]; readonly to: GrantState }>
> = {
  approve: { from: ['pending'], to: 'approved' },
  reject: { from: ['pending'], to: 'rejected' },
  issue: { from: ['approved'], to: 'issued' },
  revoke: { from: ['pending', 'approved', 'issued', 'rejected'], to: 'revoked' },
};

/** The state after a transition; undefined if the transition is not legal in that state. */
export const stateAfter = (state: GrantState, transition: Transition): GrantState | undefined =>
  transitions[transition].from.includes(state) ? transitions[transition].to : undefined;

export interface Grant {
  readonly id: string;
  readonly state: GrantState;
  readonly clientId: string;
  readonly client: ClientInstance;
  readonly clientName: string | undefined;
  readonly access: Access[];
  readonly subject: Subject | undefined;
  readonly continueId: string;
  /** Digest of the current continuation token. */
  readonly continueDigest: string;
  /** Seconds between two continuation calls. */
  readonly wait: number;
  /** Time of the last continuation answer, in milliseconds since the epoch. */
  readonly continuedAt: number;
  /** Absent for a grant without interaction. */
  readonly interaction: Interaction | undefined;
}

/** The interaction of a grant (RFC 9635 §4). */
export interface Interaction {
  readonly id: string;
  /** The authorization server's nonce, `interact.finish`. */
  readonly nonce: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  /** The client's finish redirect; absent if it polls. */
  readonly finish: { readonly uri: string; readonly nonce: string } | undefined;
  readonly sessionDigest: string | null;
  /** True once the holder is known: another browser cannot take over the session. */
  readonly sessionKept: boolean;
  /** Digest of the ticket of the browser that decided; null for decisions that came without one. */
  readonly ticketDigest: string | null;
  readonly interactRefDigest: string | null;
}

/** A grant whose `interaction` is present. */
export type InteractiveGrant = Grant & { readonly interaction: Interaction };

export type NewGrant = Omit<Grant, 'continuedAt' | 'interaction'> & {
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly interaction:
    | Omit<Interaction, 'sessionDigest' | 'sessionKept' | 'ticketDigest' | 'interactRefDigest'>
    | undefined;
};

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
  'session_kept',
  'ticket_digest',
  'interact_ref_digest',
] as const;

/** The columns that represent a state. */
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

const selectGrant = (db: Queryable, ase: string) => db.selectFrom('gnap_grant').select(columns).where('ase', '=', ase);

type GrantRow = Awaited<ReturnType<ReturnType<typeof selectGrant>['executeTakeFirstOrThrow']>>;

interface OfGrant {
  readonly ase: string;
  readonly id: string;
}

const selectGrantForUpdate = statement((db, grant: OfGrant) =>
  selectGrant(db, grant.ase).where('id', '=', grant.id).forUpdate(),
);

interface OfInteraction {
  readonly ase: string;
  readonly interactionId: string;
}

const selectOfInteraction = (db: Queryable, { ase, interactionId }: OfInteraction) =>
  selectGrant(db, ase).where('interaction_id', '=', interactionId);

const readOfInteraction = statement(selectOfInteraction);
const lockOfInteraction = statement((db, grant: OfInteraction) => selectOfInteraction(db, grant).forUpdate());

const insertRow = statement((db, grant: Insertable<Tables['gnap_grant']>) => db.insertInto('gnap_grant').values(grant));

/** The columns of a new access token; its grant says the others. */
export type NewToken = Pick<
  Insertable<Tables['access_token']>,
  'id' | 'manage_id' | 'value_digest' | 'created_at' | 'expires_at'
>;

/** A token among the values of a statement about its grant, which has columns of the same names. */
type TokenValues = { readonly [Name in keyof NewToken as `token_${Name}`]: NewToken[Name] };

const toValues = (token: NewToken): TokenValues => ({
  token_id: token.id,
  token_manage_id: token.manage_id,
  token_value_digest: token.value_digest,
  token_created_at: token.created_at,
  token_expires_at: token.expires_at,
});

const tokenRow = (token: TokenValues & OfGrant): Insertable<Tables['access_token']> => ({
  ase: token.ase,
  id: token.token_id,
  grant_id: token.id,
  manage_id: token.token_manage_id,
  value_digest: token.token_value_digest,
  created_at: token.token_created_at,
  expires_at: token.token_expires_at,
  revoked_at: null,
});

const insertWithToken = statement((db, values: Insertable<Tables['gnap_grant']> & TokenValues) => {
  const { token_id, token_manage_id, token_value_digest, token_created_at, token_expires_at, ...grant } = values;
  return db
    .with('new_grant', (grants) => grants.insertInto('gnap_grant').values(grant))
    .insertInto('access_token')
    .values(tokenRow(values));
});

const updateWithToken = statement((db, values: Updateable<Tables['gnap_grant']> & OfGrant & TokenValues) => {
  const {
    ase,
    id,
    token_id,
    token_manage_id,
    token_value_digest,
    token_created_at,
    token_expires_at,
    ...columnsToSet
  } = values;
  return db
    .with('changed_grant', (grants) =>
      grants.updateTable('gnap_grant').set(columnsToSet).where('ase', '=', ase).where('id', '=', id),
    )
    .insertInto('access_token')
    .values(tokenRow(values));
});

const updateRow = statement((db, { ase, id, ...columnsToSet }: Updateable<Tables['gnap_grant']> & OfGrant) =>
  db.updateTable('gnap_grant').set(columnsToSet).where('ase', '=', ase).where('id', '=', id),
);

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
            sessionKept: row.session_kept,
            ticketDigest: row.ticket_digest,
            interactRefDigest: row.interact_ref_digest,
          },
  };
}

/** Stores a new grant in one statement; without interaction, with the token that it issues at once. */
export async function insertGrant(db: Queryable, ase: string, grant: NewGrant, token?: NewToken): Promise<void> {
  const { client, subject, interaction } = grant;
  const row = {
    ase,
    id: grant.id,
    ...stateColumns(grant.state),
    client_id: grant.clientId,
    client_wallet_address: 'walletAddress' in client ? client.walletAddress : null,
    client_jwk: 'jwk' in client ? toJson(client.jwk) : null,
    client_name: grant.clientName ?? null,
    access: toJson(grant.access),
    subject: subject ? toJson(subject) : null,
    continue_id: grant.continueId,
    continue_digest: grant.continueDigest,
    wait: grant.wait,
    continued_at: toInstant(grant.createdAt),
    created_at: toInstant(grant.createdAt),
    interaction_id: interaction?.id ?? null,
    interaction_nonce: interaction?.nonce ?? null,
    interaction_expires_at: interaction ? toInstant(interaction.expiresAt) : null,
    client_nonce: interaction?.finish?.nonce ?? null,
    finish_uri: interaction?.finish?.uri ?? null,
    session_digest: null,
    session_kept: false,
    ticket_digest: null,
    interact_ref_digest: null,
  };
  await (token ? insertWithToken.change(db, { ...row, ...toValues(token) }) : insertRow.change(db, row));
}

/** The grant with this id, locked until the transaction ends. It is the first lock in the order (`database.ts`). */
export async function lockGrant(tx: Transaction, ase: string, id: string): Promise<Grant | undefined> {
  const row = await selectGrantForUpdate.first(tx, { ase, id: toLookupText(id) });
  return row && toGrant(row);
}

/** The grant with this interaction, locked until the transaction ends if `lock` says so. */
export async function findGrantOfInteraction(
  db: Queryable,
  ase: string,
  interactionId: string,
  lock?: 'for update',
): Promise<InteractiveGrant | undefined> {
  const select = lock === undefined ? readOfInteraction : lockOfInteraction;
  const row = await select.first(db, { ase, interactionId: toLookupText(interactionId) });
  return row && (toGrant(row) as InteractiveGrant);
}

function expectState(grant: Grant, transition: Transition): GrantState {
  const state = stateAfter(grant.state, transition);
  if (state === undefined) throw new Error(`a grant that is ${grant.state} cannot ${transition}`);
  return state;
}

/** Moves a locked grant to another state. Throws an Error if that is not legal: callers check the state first. */
export async function transitionGrant<G extends Grant>(
  tx: Transaction,
  ase: string,
  grant: G,
  transition: Transition,
): Promise<G> {
  const state = expectState(grant, transition);
  await updateGrant(tx, ase, grant, stateColumns(state));
  return { ...grant, state };
}

/** Issues what a locked grant was approved for, in one statement. */
export async function issueGrant(
  tx: Transaction,
  ase: string,
  grant: Grant,
  token: NewToken | undefined,
): Promise<void> {
  if (!token) return void (await transitionGrant(tx, ase, grant, 'issue'));
  const change = { ...stateColumns(expectState(grant, 'issue')), ase, id: grant.id };
  await updateWithToken.change(tx, { ...change, ...toValues(token) });
}

/** Updates columns of a locked grant other than its state. */
export async function updateGrant(
  tx: Transaction,
  ase: string,
  grant: Grant,
  columnsToSet: Updateable<Tables['gnap_grant']>,
): Promise<void> {
  await updateRow.change(tx, { ...columnsToSet, ase, id: grant.id });
}
