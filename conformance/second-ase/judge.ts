/** Runs checks against a second ASE in this process. */
import { checks as allChecks } from '../checks/index.ts';
import { type Check, type CheckResult, runChecks } from '../runner/check.ts';
import { readRequirements } from '../runner/requirements.ts';
import { createRun, newIdentity } from '../runner/run.ts';
import { loadOperations } from '../runner/validation.ts';
import { wordFor } from '../runner/verdict.ts';
import { startSecondAse } from './ase.ts';
import type { FaultName } from './faults.ts';

export interface Verdict {
  /** Ids of the checks that failed or warned, sorted. */
  readonly found: readonly string[];
  readonly passed: number;
  readonly noted: number;
  /** Numbers of checks that are not applicable, by the capability that the second ASE lacks. */
  readonly lacking: Readonly<Record<string, number>>;
}

const strictness = { own: false, strict: false };

const requirements = readRequirements();
const operations = await loadOperations();

/** @param areas areas of the checks to run; all of them where absent */
export async function judge(faults: readonly FaultName[], areas?: readonly string[]): Promise<Verdict> {
  const { jwk, ...identity } = newIdentity('key-1');
  const { close, ...parties } = await startSecondAse({ clientKey: jwk, faults });
  const target = { ...parties, identity, consent: { kind: 'automatic' }, reachesLocalServers: true } as const;
  const run = await createRun(target, operations);
  try {
    const isWanted = ({ id, profile }: Check): boolean =>
      (profile ?? run.profile) === run.profile && (areas?.includes(areaOf(id)) ?? true);
    return conclude(await runChecks(allChecks.filter(isWanted), run.contextFor));
  } finally {
    await run.close();
    await close();
  }
}

export const areaOf = (id: string): string => id.slice(0, id.indexOf('.'));

function conclude(results: readonly CheckResult[]): Verdict {
  const failed = results.filter(({ failure }) => failure);
  const found = failed.filter((result) => wordFor(result, requirements, strictness) !== 'NOTE').map(({ id }) => id);
  const inapplicable = results.filter(({ lacks }) => lacks);
  return {
    found: found.sort(),
    passed: results.length - failed.length - inapplicable.length,
    noted: failed.length - found.length,
    lacking: Object.fromEntries(
      [...Map.groupBy(inapplicable, ({ lacks }) => lacks!)].map(([capability, all]) => [capability, all.length]),
    ),
  };
}
