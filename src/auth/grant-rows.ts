/** Grants and their new tokens in the database. Requests store them by `grant-store.ts`. */
import { type Insertable, sql } from 'kysely';
import { toInstant, toJson, toLookupText, toMillis } from '../database/columns.ts';
import type { Queryable, Tables, Transaction } from '../database/database.ts';
import { insertRows, rowsOf } from '../database/insert-rows.ts';
import { statement } from '../database/statement.ts';
import type { ClientInstance, ClientJwk } from '../open-payments/client.ts';
import type { Grant, GrantState, InteractiveGrant, NewGrant } from './grant.ts';

/** The columns that a grant has from its request on, most of which never change. */
const requestColumns = [
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
] as const;

const columns = [...requestColumns, 'session_digest', 'session_kept', 'ticket_digest', 'interact_ref_digest'] as const;

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

const newGrantColumns = [...requestColumns, 'created_at'] as const;
const newTokenColumns = ['id', 'grant_id', 'manage_id', 'value_digest', 'created_at', 'expires_at'] as const;

/** A new access token as it is stored, apart from its grant. */
export type NewToken = Pick<Insertable<Tables['access_token']>, Exclude<(typeof newTokenColumns)[number], 'grant_id'>>;

/** Grants, and the tokens that some of them issue at once: JSON arrays of rows. */
const insertNewGrants = statement((_db, { ase, grants, tokens }: { ase: string; grants: string; tokens: string }) => {
  const newGrants = insertRows('gnap_grant', newGrantColumns, { ase, rows: grants });
  return sql`with new_grant as (${newGrants}) ${insertRows('access_token', newTokenColumns, { ase, rows: tokens })}`;
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

/** Issues the token, a JSON array of its row, only if the grant is changed. */
const updateWithToken = statement((db, { token, ...values }: Changes & OfVersion & { readonly token: string }) =>
  db
    .with('changed', (grants) => updateUnlessChanged(grants, values).returning('ase'))
    .insertInto('access_token')
    .columns(['ase', ...newTokenColumns])
    .expression((is) =>
      is
        .selectFrom(['changed', rowsOf('access_token', token).as('token')])
        .select(['changed.ase', ...newTokenColumns.map((column) => `token.${column}` as const)]),
    ),
);

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

/** A new grant; without interaction, with the token that it issues at once. */
export interface RequestedGrant {
  readonly grant: NewGrant;
  readonly token?: NewToken;
}

const toNewRow = ({ client, interaction, ...grant }: NewGrant) => ({
  id: grant.id,
  ...stateColumns(grant.state),
  client_id: grant.clientId,
  ...('jwk' in client ? { client_jwk: client.jwk } : { client_wallet_address: client.walletAddress }),
  client_name: grant.clientName,
  access: grant.access,
  subject: grant.subject,
  continue_id: grant.continueId,
  continue_digest: grant.continueDigest,
  wait: grant.wait,
  continued_at: toInstant(grant.createdAt),
  created_at: toInstant(grant.createdAt),
  ...(interaction && {
    interaction_id: interaction.id,
    interaction_nonce: interaction.nonce,
    interaction_expires_at: toInstant(interaction.expiresAt),
    client_nonce: interaction.finish?.nonce,
    finish_uri: interaction.finish?.uri,
  }),
});

/** Stores any number of new grants in one statement. */
export async function insertGrants(db: Queryable, ase: string, requested: readonly RequestedGrant[]): Promise<void> {
  const tokens = requested.flatMap(({ grant, token }) => (token ? [{ ...token, grant_id: grant.id }] : []));
  const grants = requested.map(({ grant }) => toNewRow(grant));
  await insertNewGrants.change(db, { ase, grants: JSON.stringify(grants), tokens: JSON.stringify(tokens) });
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

/** A grant as it was read, what has become of it, and the token that it issues. */
export interface GrantChange {
  readonly read: Grant;
  readonly grant: Grant;
  readonly token?: NewToken | undefined;
}

/** Stores a change in one statement. False if the grant is not as it was read any more: then nothing is stored. */
export async function updateGrant(db: Queryable, ase: string, { read, grant, token }: GrantChange): Promise<boolean> {
  const change = { ...toChanges(read, grant), ase, id: read.id, version: read.version };
  const stored = await (token
    ? updateWithToken.change(db, { ...change, token: JSON.stringify([{ ...token, grant_id: read.id }]) })
    : updateRow.change(db, change));
  return stored > 0;
}
