/** The command `touchstone check`, also `node conformance/runner/main.ts`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { parseArgs } from 'node:util';
import { checks as allChecks } from '../checks/index.ts';
import { profiles as allProfiles, type Check, type CheckResult, type Profile, runChecks } from './check.ts';
import { createRedaction, type Redaction } from './redaction.ts';
import { describeFailure, describeSummary, reportAsJson, summarise } from './report.ts';
import { type Requirement, readRequirements } from './requirements.ts';
import { createRun } from './run.ts';
import { startTarget } from './start-target.ts';
import { parseTarget } from './target.ts';
import { loadOperations } from './validation.ts';
import type { Strictness } from './verdict.ts';

const usage = `usage: touchstone check [options]
  --start         start a fresh world, check it and stop it; otherwise the TOUCHSTONE_* variables name the target
  --profile NAME  compat, strict, or with --start both: the profile to start with, or to require of the target
  --only PATTERN  run the checks whose id matches this regular expression, or that name this row
  --own           the target is Touchstone: compat, policy and touchstone rows count as must; implied by --start
  --strict        warnings fail the run as well
  --json FILE     write the results as JSON as well
  --verbose       list passed checks too`;

/** Exit status: 0 passed, perhaps with warnings; 1 a check failed; 2 the run itself could not be carried out. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      start: { type: 'boolean', default: false },
      profile: { type: 'string' },
      only: { type: 'string' },
      own: { type: 'boolean', default: false },
      strict: { type: 'boolean', default: false },
      json: { type: 'string' },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const only = values.only === undefined ? undefined : new RegExp(values.only);
  const wanted = (check: Check): boolean => !only || only.test(check.id) || check.rows.includes(values.only!);
  const checks = allChecks.filter(wanted);
  if (checks.length === 0) throw new Error(`no check matches ${values.only}`);
  const redaction = createRedaction();
  const requirements = readRequirements();
  const strictness = { own: values.own || values.start, strict: values.strict };
  const results: CheckResult[] = [];
  for (const profile of readProfiles(values)) {
    const { start, verbose } = values;
    const some = await checkTarget(checks, { start, profile, redaction, verbose, requirements, strictness });
    const summary = summarise({ results: some.results, requirements, strictness });
    console.log(`profile ${some.profile}\n${describeSummary(summary)}`);
    results.push(...some.results);
  }
  const profiles = allProfiles.filter((profile) => results.some((result) => result.profile === profile));
  const report = { results, requirements, strictness };
  const summary = summarise(report);
  if (values.json) writeFileSync(values.json, reportAsJson(report, redaction, profiles));
  if (profiles.length > 1) console.log(`profiles ${profiles.join(' and ')}\n${describeSummary(summary)}`);
  return summary.checks.failed === 0 ? 0 : 1;
}

/** The profiles to run; undefined means that the target's control API says which. */
function readProfiles({ start, profile }: { start: boolean; profile?: string | undefined }): (Profile | undefined)[] {
  if (profile === undefined) return [undefined];
  if (profile === 'both' && start) return [...allProfiles];
  const named = allProfiles.filter((name) => name === profile);
  if (named.length === 0) throw new Error(`--profile is none of ${allProfiles.join(', ')}, or both with --start`);
  return named;
}

interface Options {
  readonly start: boolean;
  readonly profile: Profile | undefined;
  readonly redaction: Redaction;
  readonly verbose: boolean;
  readonly requirements: readonly Requirement[];
  readonly strictness: Strictness;
}

/** Runs the checks that hold in the profile of the target. */
async function checkTarget(
  checks: readonly Check[],
  { start, profile, redaction, verbose, requirements, strictness }: Options,
): Promise<{ profile: Profile; results: CheckResult[] }> {
  const target = start ? await startTarget(profile) : undefined;
  try {
    const variables = { ...process.env, ...target?.variables };
    acceptAuthority(variables['TOUCHSTONE_CA']);
    const run = await createRun(parseTarget(variables), await loadOperations(), {
      redaction,
      ...(profile && { profile }),
    });
    try {
      const fitting = checks.filter((check) => (check.profile ?? run.profile) === run.profile);
      const results = await runChecks(fitting, run.contextFor, (result) => {
        if (result.failure) console.log(`${describeFailure(result, redaction, { requirements, strictness })}\n`);
        else if (verbose) console.log(`pass ${result.id}   ${result.rows.join(' ')}`);
      });
      return { profile: run.profile, results: results.map((result) => ({ ...result, profile: run.profile })) };
    } finally {
      await run.close();
    }
  } finally {
    await target?.stop();
  }
}

/** Accepts certificates that this private certificate authority issued. */
function acceptAuthority(file: string | undefined): void {
  if (!file) return;
  setDefaultCACertificates([...getCACertificates('default'), readFileSync(file, 'utf8')]);
}

process.exitCode = await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  return 2;
});
