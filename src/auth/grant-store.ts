/**
 * How requests store grants: without locks, and together with others. A request reads the grant, decides, and stores it
 * in one statement, which does nothing if another request was faster (`onCurrentGrant`). New grants that are stored at
 * the same time share a statement, changed ones a transaction.
 */
import type { Database, Transaction } from '../database/database.ts';
import { commitTogether } from '../database/guarded-dialect.ts';
import { shareTransactions } from '../database/shared-transactions.ts';
import { isRolledBack } from '../database/violation.ts';
import type { Grant } from './grant.ts';
import { type GrantChange, insertGrants, type NewToken, type RequestedGrant, updateGrant } from './grant-rows.ts';

export interface GrantStore {
  insert(requested: RequestedGrant): Promise<unknown>;
  /**
   * Stores what has become of a grant, and the token that it issues. Throws for `onCurrentGrant` if the grant is not as it
   * was read any more. A grant that stays as it is can be stored, too: then no change that another request has already
   * decided can follow.
   */
  update(read: Grant, grant: Grant, token?: NewToken): Promise<void>;
}

/** Another request has stored the grant since it was read. */
class GrantChanged extends Error {}

export function createGrantStore({ db, ase }: { readonly db: Database; readonly ase: string }): GrantStore {
  const insert = shareTransactions<RequestedGrant, unknown>({
    async together(requested) {
      await insertGrants(db.query, ase, requested);
      return requested;
    },
    alone: (requested) => insertGrants(db.query, ase, [requested]),
  });
  const update = shareTransactions<GrantChange, boolean>({
    together: (changes) => db.transaction((tx) => updateGrants(tx, ase, changes)),
    alone: (change) => updateGrant(db.query, ase, change),
    // A change that is stored already would look like that of another request.
    mayRepeat: isRolledBack,
  });
  return {
    insert,
    async update(read, grant, token) {
      if (!(await update({ read, grant, token }))) throw new GrantChanged();
    },
  };
}

/** Stores changes, each as if it were alone, and commits. Says which of them are stored. */
async function updateGrants(tx: Transaction, ase: string, changes: readonly GrantChange[]): Promise<boolean[]> {
  // In the order of the ids, so that two processes that change the same grants never wait for each other in a circle.
  const ordered = changes.toSorted((a, b) => (a.read.id < b.read.id ? -1 : 1));
  const [isStored] = await Promise.all([
    Promise.all(ordered.map((change) => updateGrant(tx, ase, change))),
    // The changes do not depend on each other.
    commitTogether(tx),
  ]);
  return changes.map((change) => isStored[ordered.indexOf(change)]!);
}

/** Far more than the requests for one grant that are served at the same time. */
const MAX_ATTEMPTS = 1000;

/**
 * Runs `work` on the grant that `read` finds, and again as long as another request stores the grant before `work` does.
 * So `work` can rely on the grant without a lock, if it makes its change last, by `GrantStore.update`. Each repetition
 * means that another request has succeeded. `known` is what `read` has found before.
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
