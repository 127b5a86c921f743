/**
 * The grant and its states (RFC 9635 §1.5; LIM-01): one table of transitions. A request reads the grant, decides, and
 * stores the grant in one statement, which does nothing if another request was faster (`onCurrentGrant`).
 */
import { type Insertable, sql } from 'kysely';
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
  /** Another one as soon as anything stores the grant. */
  readonly version: string;
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

export type NewGrant = Omit<Grant, 'continuedAt' | 'interaction' | 'version'> & {
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

/** PostgreSQL's number of the transaction that wrote the version of the row. */
const version = sql<string>`xmin`;

const selectGrant = (db: Queryable, ase: string) =>
  db.selectFrom('gnap_grant').select(columns).select(version.as('version')).where('ase', '=', ase);

type GrantRow = Awaited<ReturnType<ReturnType<typeof selectGrant>['executeTakeFirstOrThrow']>>;

interface OfGrant {
  readonly ase: string;
  readonly id: string;
}

const selectForUpdate = statement((db, grant: OfGrant) =>
  selectGrant(db, grant.ase).where('id', '=', grant.id).forUpdate(),
);
const selectByContinuation = statement((db, continuation: OfGrant) =>
  selectGrant(db, continuation.ase).where('continue_id', '=', continuation.id),
);
const selectByInteraction = statement((db, interaction: OfGrant) =>
  selectGrant(db, interaction.ase).where('interaction_id', '=', interaction.id),
);

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

const insertWithToken = statement((db, values: Insertable<Tables['gnap_grant']> & TokenValues) => {
  const { token_id, token_manage_id, token_value_digest, token_created_at, token_expires_at, ...grant } = values;
  return db
    .with('new_grant', (grants) => grants.insertInto('gnap_grant').values(grant))
    .insertInto('access_token')
    .values({
      ase: grant.ase,
      id: token_id,
      grant_id: grant.id,
      manage_id: token_manage_id,
      value_digest: token_value_digest,
      created_at: token_created_at,
      expires_at: token_expires_at,
    });
});

/** The columns that can change during the life of a grant. */
type Changes = ReturnType<typeof toChanges>;

/** A grant of which nothing was stored since this version was read. */
type OfVersion = OfGrant & Pick<Grant, 'version'>;

const updateUnlessChanged = (db: Pick<Queryable, 'updateTable'>, values: Changes & OfVersion) => {
  const { ase, id, version: read, ...changes } = values;
  return db
    .updateTable('gnap_grant')
    .set(changes)
    .where('ase', '=', ase)
    .where('id', '=', id)
    .where(version, '=', read);
};

const updateRow = statement(updateUnlessChanged);

const updateWithToken = statement((db, values: Changes & OfVersion & TokenValues) => {
  const { token_id, token_manage_id, token_value_digest, token_created_at, token_expires_at, ...change } = values;
  return db
    .with('changed', (grants) => updateUnlessChanged(grants, change).returning(['ase', 'id']))
    .insertInto('access_token')
    .columns(['ase', 'id', 'grant_id', 'manage_id', 'value_digest', 'created_at', 'expires_at'])
    .expression((is) =>
      is
        .selectFrom('changed')
        .select([
          'changed.ase',
          is.val(token_id).as('id'),
          'changed.id as grant_id',
          is.val(token_manage_id).as('manage_id'),
          is.val(token_value_digest).as('value_digest'),
          is.val(token_created_at).as('created_at'),
          is.val(token_expires_at).as('expires_at'),
        ]),
    );
});

const toChanges = (read: Grant, { state, access, continueDigest, continuedAt, interaction }: Grant) => ({
  ...stateColumns(state),
  ...(access !== read.access && { access: toJson(access) }),
  continue_digest: continueDigest,
  continued_at: toInstant(continuedAt),
  session_digest: interaction?.sessionDigest ?? null,
  session_kept: interaction?.sessionKept ?? false,
  ticket_digest: interaction?.ticketDigest ?? null,
  interact_ref_digest: interaction?.interactRefDigest ?? null,
});

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
    version: row.version,
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
    ...('jwk' in client ? { client_jwk: toJson(client.jwk) } : { client_wallet_address: client.walletAddress }),
    access: toJson(grant.access),
    ...(subject && { subject: toJson(subject) }),
    continue_id: grant.continueId,
    continue_digest: grant.continueDigest,
    wait: grant.wait,
    continued_at: toInstant(grant.createdAt),
    created_at: toInstant(grant.createdAt),
    ...(interaction && {
      client_name: grant.clientName,
      interaction_id: interaction.id,
      interaction_nonce: interaction.nonce,
      interaction_expires_at: toInstant(interaction.expiresAt),
      client_nonce: interaction.finish?.nonce,
      finish_uri: interaction.finish?.uri,
    }),
  };
  await (token ? insertWithToken.change(db, { ...row, ...toValues(token) }) : insertRow.change(db, row));
}

/** The grant with this id, locked until the transaction ends. It is the first lock in the order (`database.ts`). */
export async function lockGrant(tx: Transaction, ase: string, id: string): Promise<Grant | undefined> {
  const row = await selectForUpdate.first(tx, { ase, id: toLookupText(id) });
  return row && toGrant(row);
}

/** The grant with this id in its continuation URI. */
export async function findGrantOfContinuation(db: Queryable, ase: string, id: string): Promise<Grant | undefined> {
  const row = await selectByContinuation.first(db, { ase, id });
  return row && toGrant(row);
}

/** The grant with this interaction. */
export async function findGrantOfInteraction(
  db: Queryable,
  ase: string,
  id: string,
): Promise<InteractiveGrant | undefined> {
  const row = await selectByInteraction.first(db, { ase, id: toLookupText(id) });
  return row && (toGrant(row) as InteractiveGrant);
}

/** The grant in its next state. Throws an Error if that is not legal: callers check the state first. */
export function transitionGrant<G extends Grant>(grant: G, transition: Transition): G {
  const state = stateAfter(grant.state, transition);
  if (state === undefined) throw new Error(`a grant that is ${grant.state} cannot ${transition}`);
  return { ...grant, state };
}

/** The grant with this progress of its interaction. */
export const changeInteraction = (grant: InteractiveGrant, progress: Partial<Interaction>): InteractiveGrant => ({
  ...grant,
  interaction: { ...grant.interaction, ...progress },
});

/** Another request has stored the grant since it was read. */
class GrantChanged extends Error {}

/** Far more than the requests for one grant that are served at the same time. */
const MAX_ATTEMPTS = 1000;

/**
 * Runs `work` on the grant that `read` finds, and again as long as another request stores the grant before `work` does.
 * So `work` can rely on the grant without a lock, if it makes its change last, with `storeGrant`. Each repetition means
 * that another request has succeeded. `known` is what `read` has found before.
 */
export async function onCurrentGrant<G extends Grant, T>(
  read: () => Promise<G>,
  work: (grant: G) => Promise<T>,
  known?: G,
): Promise<T> {
  let grant = known ?? (await read());
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work(grant);
    } catch (error) {
      if (!(error instanceof GrantChanged) || attempt === MAX_ATTEMPTS) throw error;
    }
    grant = await read();
  }
}

/**
 * Stores what has become of a grant, and the token that it issues, in one statement. Throws for `onCurrentGrant` if the
 * grant is not as it was read any more. A grant that stays as it is can be stored, too: then no change that another
 * request has already decided can follow.
 */
export async function storeGrant(
  db: Queryable,
  ase: string,
  read: Grant,
  grant: Grant,
  token?: NewToken,
): Promise<void> {
  const change = { ...toChanges(read, grant), ase, id: read.id, version: read.version };
  const stored = await (token
    ? updateWithToken.change(db, { ...change, ...toValues(token) })
    : updateRow.change(db, change));
  if (stored === 0) throw new GrantChanged();
}
