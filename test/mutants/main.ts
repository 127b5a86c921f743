/**
 * `node --import ./test/mutants/register.ts test/mutants/main.ts [--only PATTERN] [--discover]`: activates one mutant
 * after the other, each in a fresh world, and runs the conformance checks that must fail then. A mutant that leaves one
 * of them passing has survived, and a check without any mutant is not proven. Runs the tests that mutants name and the
 * model of the money as well. Several processes share the work. Exit status: 0 neither happened, else 1.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { checks } from '../../conformance/checks/index.ts';
import { properties } from '../../conformance/properties/index.ts';
import { answersCheckId } from '../../conformance/runner/check.ts';
import { moneyModelMutants } from '../model/money/mutants.ts';
import { startPostgreSql } from '../support/postgresql-server.ts';
import { judgeByChecks } from './by-check.ts';
import { judgeByModel } from './by-model.ts';
import { judgeByTests } from './by-test.ts';
import { mutants as allMutants } from './index.ts';

const { values: options } = parseArgs({
  options: {
    /** Mutants whose id or test file, or one of whose checks, matches. */
    only: { type: 'string' },
    /** Runs all checks under each mutant and prints those that fail. */
    discover: { type: 'boolean', default: false },
  },
});

const only = new RegExp(options.only ?? '');
const checkIds = [...checks.map(({ id }) => id), ...properties.map(({ id }) => id), answersCheckId];

/** The checks that entries such as `resource.*-unsigned` name. */
function expand(entries: readonly string[] = []): string[] {
  return entries.flatMap((entry) => {
    const pattern = new RegExp(`^${entry.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.')}$`);
    const matching = checkIds.filter((id) => pattern.test(id));
    return matching.length > 0 ? matching : [entry];
  });
}
const wanted = allMutants.filter(({ id, fails, test = id }) =>
  [id, test, ...expand(fails)].some((name) => only.test(name)),
);

await using server = await startPostgreSql();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void Promise.resolve(server[Symbol.asyncDispose]()).then(() => process.exit(1)));
}
const byCheck = wanted
  .filter(({ fails, test }) => fails || (options.discover && !test))
  .map((mutant) => ({ mutant, fails: expand(mutant.fails) }));
const byTest = wanted.filter(({ test }) => test !== undefined);
const byModel = moneyModelMutants.filter((mutant) => wanted.includes(mutant));
// A process waits half of its time, for the database or for a deadline.
const processes = availableParallelism() + 1;
const judgements = await Promise.all([
  judgeByChecks(byCheck, { processes, discover: options.discover ? checkIds : undefined }),
  judgeByTests(byTest, { processes, discover: options.discover }),
  judgeByModel(byModel, options),
]);
const killed = judgements.reduce((sum, judgement) => sum + judgement.killed, 0);
const survived = judgements.reduce((sum, judgement) => sum + judgement.survived, 0);
const late = judgements.flatMap((judgement) => judgement.late);
if (late.length > 0) console.log(`noticed by a time-out: ${late.join(', ')}`);
const proven = new Set(allMutants.flatMap(({ fails }) => expand(fails)));
const unproven = checkIds.filter((id) => only.test(id) && !proven.has(id));
if (!options.discover) for (const id of unproven) console.log(`UNPROVEN ${id}: no mutant makes it fail`);
console.log(`mutants killed ${killed} · survived ${survived} · checks without one ${unproven.length}`);
process.exitCode = survived + unproven.length > 0 ? 1 : 0;
