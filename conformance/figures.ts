/**
 * Measures what each check needs and creates, for the announcement of `touchstone check` and for `touchstone explain`.
 *   node conformance/figures.ts   runs all checks against fresh worlds and writes conformance/figures.json
 */
import { writeFileSync } from 'node:fs';
import { checks } from './checks/index.ts';
import { properties } from './properties/index.ts';
import type { CheckFigures } from './runner/announcement.ts';
import { type Profile, profiles, runChecks } from './runner/check.ts';
import type { Counts } from './runner/footprint.ts';
import { createRun } from './runner/run.ts';
import { startTarget } from './runner/start-target.ts';
import { parseTarget } from './runner/target.ts';
import { loadOperations } from './runner/validation.ts';

const allChecks = [...checks, ...properties];
const figures = new Map<string, CheckFigures>();

async function measure(profile: Profile): Promise<void> {
  const target = await startTarget({ profile });
  const run = await createRun(parseTarget(target.variables), await loadOperations(), { profile });
  let before = run.footprint.counts();
  const fitting = allChecks.filter((check) => (check.profile ?? profile) === profile && !figures.has(check.id));
  await runChecks(fitting, run.contextFor, ({ id, needs = new Set(), failure }) => {
    if (failure) console.error(`${id} failed: ${failure.message}`);
    const after = run.footprint.counts();
    const one = (name: Exclude<keyof Counts, 'spent'>) => after[name] - before[name];
    const all = {
      needs: [...needs].sort(),
      incomingPayments: one('incomingPayments'),
      quotes: one('quotes'),
      outgoingPayments: one('outgoingPayments'),
      spends: Number(after.spent - before.spent),
    };
    const kept = Object.entries(all).filter(([, value]) => (typeof value === 'number' ? value > 0 : value.length > 0));
    if (allChecks.some((check) => check.id === id)) figures.set(id, Object.fromEntries(kept));
    before = after;
  });
  await run.close();
  await target.stop();
}

for (const profile of profiles) await measure(profile);
const lines = allChecks.map(({ id }) => `  ${JSON.stringify(id)}: ${JSON.stringify(figures.get(id))}`);
writeFileSync(new URL('figures.json', import.meta.url), `{\n${lines.join(',\n')}\n}\n`);
