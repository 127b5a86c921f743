/** The controls of a running world, which its control API and its library interface offer. */
import specification from '../../generated/resource-server/document.json' with { type: 'json' };
import packageJson from '../../package.json' with { type: 'json' };
import type { Controls } from '../control/controls.ts';
import { toInstant } from '../database/columns.ts';
import type { RunFacts } from '../grade/conclusion.ts';
import type { Grading } from '../grade/grading.ts';
import { withoutSecrets } from '../grade/without-secrets.ts';
import { readTrialBalance } from '../payments/ledger.ts';
import { keyOf } from './naming.ts';
import { resetWorld } from './reset.ts';
import { originsOf, type WorldRuntime } from './runtime.ts';

const versions = { version: packageJson.version, spec: specification.info.version };

/** `secrets` are those of the world, which no report shows. */
export function createControls(runtime: WorldRuntime, secrets: () => readonly string[]): Controls {
  const { host, options, hosted, db, profile, switches, clock, state, faults, trace, ases, listeners, grading } =
    runtime;
  let resetting = Promise.resolve();
  const keys = hosted.map(({ name }) => keyOf(host.worldId, name));
  return {
    ...versions,
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
    traps: runtime.interceptors && { world: runtime.trapWorld, intercept: runtime.interceptors.add },
    numberOfRequest: trace.numberOf,
    listExchanges: trace.list,
    findExchange: trace.find,
    subscribeToExchanges: trace.subscribe,
    origins: () => originsOf(hosted, listeners),
    switches,
    ...(grading && {
      readRun: async (output?: string) => withoutSecrets(await readRun(runtime, grading, output), secrets()),
      judgeFor: grading.catchUp,
      verdictsOf: grading.verdictsOf,
    }),
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

/** Everything about the run so far. `output` is what the command of the client printed. */
async function readRun(
  { options, profile, clock, ases }: WorldRuntime,
  grading: Grading,
  output = '',
): Promise<RunFacts> {
  const privateKeys = [...ases.values()].flatMap(({ clientKey }) => clientKey ?? []);
  const { stopped, startedAt, ...results } = await grading.read({ at: clock.wallNow(), output, privateKeys });
  return {
    ...versions,
    profile,
    seed: options.seed ?? null,
    startedAt: toInstant(startedAt),
    milliseconds: clock.wallNow() - startedAt,
    command: null,
    probes: [],
    broken: stopped === undefined ? [] : [stopped],
    ...results,
  };
}
