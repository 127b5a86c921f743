/** The clock and the consent policy of a world, as all its processes share them (CT-02, CT-03). */
import { type ClockChange, liveClock, type WorldClock } from '../clock.ts';
import type { ConsentMode } from '../control/controls.ts';
import { toJson } from '../database/columns.ts';
import type { Database } from '../database/database.ts';

export interface SharedState {
  readonly consent: () => ConsentMode;
  /** Stores the world if it is new, with these; else takes up what is stored. */
  open(consent: ConsentMode): Promise<void>;
  /** Takes up what another process changed. */
  refresh(): Promise<void>;
  setConsent(mode: ConsentMode): Promise<void>;
  changeClock(change: ClockChange): Promise<void>;
}

export function createSharedState(db: Database, worldId: string, clock: WorldClock): SharedState {
  let consent: ConsentMode = 'manual';
  /** Made here: what was read before one of them is not taken up after it. */
  let changes = 0;

  const setting: SharedState = {
    consent: () => consent,
    async open(mode) {
      await db.query
        .insertInto('world')
        .values({ id: worldId, clock: toJson(liveClock), consent: mode })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      await setting.refresh();
    },
    async refresh() {
      const before = changes;
      const row = await db.query.selectFrom('world').selectAll().where('id', '=', worldId).executeTakeFirst();
      if (!row || changes !== before) return;
      clock.setting = row.clock;
      consent = row.consent;
    },
    async setConsent(mode) {
      await db.query.updateTable('world').set({ consent: mode }).where('id', '=', worldId).execute();
      consent = mode;
      changes += 1;
    },
    // From what is stored, under lock: of two changes at once, in whichever process, both count.
    changeClock: (change) =>
      db.transaction(async (tx) => {
        const world = tx.selectFrom('world').select('clock').where('id', '=', worldId).forUpdate();
        clock.setting = (await world.executeTakeFirstOrThrow()).clock;
        const changed = clock.after(change);
        await tx
          .updateTable('world')
          .set({ clock: toJson(changed) })
          .where('id', '=', worldId)
          .execute();
        clock.setting = changed;
        changes += 1;
      }),
  };
  return setting;
}
