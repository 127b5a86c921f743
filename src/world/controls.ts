/** The controls of a running world, which its control API and its library interface offer. */
import specification from '../../generated/resource-server/document.json' with { type: 'json' };
import packageJson from '../../package.json' with { type: 'json' };
import type { Controls } from '../control/controls.ts';
import { readTrialBalance } from '../payments/ledger.ts';
import { keyOf } from './naming.ts';
import { resetWorld } from './reset.ts';
import type { WorldRuntime } from './runtime.ts';

export function createControls(runtime: WorldRuntime): Controls {
  const { host, options, hosted, db, profile, switches, clock, state, faults, trace, ases, listeners } = runtime;
  let resetting = Promise.resolve();
  const keys = hosted.map(({ name }) => keyOf(host.worldId, name));
  return {
    version: packageJson.version,
    spec: specification.info.version,
    seed: options.seed,
    profile,
    clock: () => ({ mode: clock.setting.mode, now: clock.businessNow() }),
    async changeClock(change) {
      await state.changeClock(change);
      for (const { ase } of ases.values()) ase.wakeEvents();
    },
    consent: state.consent,
    setConsent: state.setConsent,
    faults,
    listExchanges: trace.list,
    findExchange: trace.find,
    subscribeToExchanges: trace.subscribe,
    origins() {
      const urls = hosted.flatMap((definition) => Object.values(listeners.urlsOf(definition)));
      return [...new Set(urls.filter((url) => URL.canParse(url)).map((url) => new URL(url).origin))];
    },
    switches,
    // One at a time: a second one that stopped what the first is starting would leave ASEs that do not work.
    reset() {
      const reset = resetting.then(() => resetWorld(runtime, keys));
      resetting = reset.catch(() => {});
      return reset;
    },
    describeAses: () => Promise.all([...ases.values()].map(({ ase }) => ase.describe())),
    worlds: host.worlds,
    ledgers({ ase, ...page } = {}) {
      const names = hosted.map(({ name }) => name).filter((name) => ase === undefined || name === ase);
      const read = async (name: string) => {
        const books = await readTrialBalance(db.query, keyOf(host.worldId, name), page);
        return { name, books };
      };
      return Promise.all(names.map(read));
    },
  };
}
