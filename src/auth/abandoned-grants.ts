/**
 * Grants that nobody can use any more. Whoever has a key may ask for consent as often as it likes and never come back
 * (RFC 9635 §11), so what never led to a token is removed a day after its interaction expired.
 */
import { toInstant } from '../database/columns.ts';
import type { AuthDeps } from './deps.ts';

/** A client that asks late is still told why (AS-N10). Business time. */
const KEPT_MS = 24 * 60 * 60 * 1000;
/** Wall time between two looks of a process. */
const PAUSE_MS = 10 * 60 * 1000;
/** Most rows at once, so that a look stays short. */
const MOST = 1000;

/** Removes a bounded number of them now and then; call it whenever a grant is made. */
export function createAbandonedGrantCleanup({
  ase,
  db,
  clock,
}: Pick<AuthDeps, 'ase' | 'db' | 'clock'>): () => Promise<void> {
  let lookedAt = Number.NEGATIVE_INFINITY;
  return async () => {
    const now = clock.wallNow();
    if (now - lookedAt < PAUSE_MS) return;
    lookedAt = now;
    await db.query
      .deleteFrom('gnap_grant')
      .where('ase', '=', ase)
      .where('id', 'in', (select) =>
        select
          .selectFrom('gnap_grant as g')
          .select('g.id')
          .where('g.ase', '=', ase)
          .where('g.interaction_expires_at', '<', toInstant(clock.businessNow() - KEPT_MS))
          // Seen again once the row is locked: a token that is being issued makes it `issued`.
          .where((grant) => grant.or([grant('g.finalization', 'is', null), grant('g.finalization', '<>', 'issued')]))
          .where(({ not, exists, selectFrom }) =>
            not(
              exists(
                selectFrom('access_token as t')
                  .select('t.id')
                  .whereRef('t.ase', '=', 'g.ase')
                  .whereRef('t.grant_id', '=', 'g.id'),
              ),
            ),
          )
          .limit(MOST)
          .forUpdate()
          .skipLocked(),
      )
      .execute();
  };
}
