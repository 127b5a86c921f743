/**
 * Abandoned grants. Any client can request consent without limit and never come back (RFC 9635 §11), so a grant that
 * never led to a token is deleted a day after its interaction has expired.
 */
import { toInstant } from '../database/columns.ts';
import type { AuthDeps } from './deps.ts';

/** Until then a client that polls late still gets the reason (AS-N10). Business time. */
const RETENTION_MS = 24 * 60 * 60 * 1000;
/** Minimum interval between clean-ups in one process. Wall time. */
const MIN_INTERVAL_MS = 10 * 60 * 1000;
/** Maximum rows per clean-up. */
const MAX_ROWS = 1000;

/** Deletes a bounded number of abandoned grants now and then; call it before each new grant. */
export function createAbandonedGrantCleanup({
  ase,
  db,
  clock,
}: Pick<AuthDeps, 'ase' | 'db' | 'clock'>): () => Promise<void> {
  let lastRunAt = Number.NEGATIVE_INFINITY;
  return async () => {
    const now = clock.wallNow();
    if (now - lastRunAt < MIN_INTERVAL_MS) return;
    lastRunAt = now;
    await db.query
      .deleteFrom('gnap_grant')
      .where('ase', '=', ase)
      .where('id', 'in', (select) =>
        select
          .selectFrom('gnap_grant as g')
          .select('g.id')
          .where('g.ase', '=', ase)
          .where('g.interaction_expires_at', '<', toInstant(clock.businessNow() - RETENTION_MS))
          // Evaluated again once the row is locked: a transaction that issues the token makes it `issued`.
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
          .limit(MAX_ROWS)
          .forUpdate()
          .skipLocked(),
      )
      .execute();
  };
}
