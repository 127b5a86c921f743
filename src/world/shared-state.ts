/** The clock and the consent policy of a world, shared by all its processes (CT-02, CT-03). */
import { type ClockChange, liveClock, type WorldClock } from '../clock.ts';
import type { ConsentMode } from '../control/controls.ts';
import { toInstant, toJson } from '../database/columns.ts';
import type { Database } from '../database/database.ts';
import { Problem } from '../errors.ts';
import { mainWorldId } from './naming.ts';
import { WORLD_LEASE_MS } from './retention.ts';

export interface SharedState {
  readonly consent: () => ConsentMode;
  /** Stores a new world with this policy, or applies the stored state. */
  open(consent: ConsentMode): Promise<void>;
  /** Applies changes that another process made. */
  refresh(): Promise<void>;
  setConsent(mode: ConsentMode): Promise<void>;
  changeClock(change: ClockChange): Promise<void>;
}

/** Without `allowsAutomatic`, consent is manual, even if another process has stored another policy. */
export function createSharedState(
  db: Database,
  worldId: string,
  clock: WorldClock,
  allowsAutomatic: boolean,
): SharedState {
  let consent: ConsentMode = 'manual';
  /** Counts local changes. `refresh` drops a row that was read before the latest one. */
  let changes = 0;

  const state: SharedState = {
    consent: () => (allowsAutomatic ? consent : 'manual'),
    async open(mode) {
      await db.query
        .insertInto('world')
        .values({
          id: worldId,
          clock: toJson(liveClock),
          consent: mode,
          alive_until: worldId === mainWorldId ? null : toInstant(clock.wallNow() + WORLD_LEASE_MS),
        })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      await state.refresh();
    },
    async refresh() {
      const before = changes;
      const row = await db.query.selectFrom('world').selectAll().where('id', '=', worldId).executeTakeFirst();
      if (!row || changes !== before) return;
      clock.setting = row.clock;
      consent = row.consent;
    },
    async setConsent(mode) {
      if (mode !== 'manual' && !allowsAutomatic) {
        throw new Problem('forbidden', {
          description: 'automatic consent needs a world that only this machine can reach, or --insecure',
        });
      }
      await db.query.updateTable('world').set({ consent: mode }).where('id', '=', worldId).execute();
      consent = mode;
      changes += 1;
    },
    // Changes the stored clock under a row lock, so that two concurrent changes both count. It counts here once it is
    // committed, or a refresh that reads the row meanwhile would bring the earlier one back.
    async changeClock(change) {
      clock.setting = await db.transaction(async (tx) => {
        const world = tx.selectFrom('world').select('clock').where('id', '=', worldId).forUpdate();
        clock.setting = (await world.executeTakeFirstOrThrow()).clock;
        const changed = clock.after(change);
        await tx
          .updateTable('world')
          .set({ clock: toJson(changed) })
          .where('id', '=', worldId)
          .execute();
        return changed;
      });
      changes += 1;
    },
  };
  return state;
}
