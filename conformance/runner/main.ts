/** The command `touchstone check`, also `node conformance/runner/main.ts`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { checks as allChecks } from '../checks/index.ts';
import { profiles as allProfiles, type Check, type CheckResult, type Profile, runChecks } from './check.ts';
import { type Options, parseOptions, targetVariables, usage } from './options.ts';
import { createRedaction, type Redaction } from './redaction.ts';
import { describeFailure, describeSummary, reportAsJson, summarise } from './report.ts';
import { type Requirement, readRequirements } from './requirements.ts';
import { createRun } from './run.ts';
import { startTarget } from './start-target.ts';
import { parseTarget, type Target } from './target.ts';
import { loadOperations } from './validation.ts';
import type { Strictness } from './verdict.ts';

/** Exit status: 0 passed, perhaps with warnings; 1 a check failed; 2 the run itself could not be carried out. */
async function main(): Promise<number> {
  const values = parseOptions(process.argv.slice(2));
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
    const some = await checkTarget(checks, values, { profile, redaction, requirements, strictness });
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

interface Judging {
  readonly profile: Profile | undefined;
  readonly redaction: Redaction;
  readonly requirements: readonly Requirement[];
  readonly strictness: Strictness;
}

/** Runs the checks that hold in the profile of the target. */
async function checkTarget(
  checks: readonly Check[],
  options: Options,
  { profile, redaction, requirements, strictness }: Judging,
): Promise<{ profile: Profile; results: CheckResult[] }> {
  const started = options.start ? await startTarget(profile) : undefined;
  try {
    const variables = { ...targetVariables(options, process.env), ...started?.variables };
    acceptAuthority(variables['TOUCHSTONE_CA']);
    const target = parseTarget(variables);
    if (!started) announce(target, options.yes);
    const run = await createRun(target, await loadOperations(), {
      redaction,
      rate: options.rate === undefined ? undefined : Number(options.rate),
      ...(profile && { profile }),
    });
    try {
      const fitting = checks.filter((check) => (check.profile ?? run.profile) === run.profile);
      const results = await runChecks(fitting, run.contextFor, (result) => {
        if (result.failure) console.log(`${describeFailure(result, redaction, { requirements, strictness })}\n`);
        else if (options.verbose && result.lacks) console.log(`n/a  ${result.id}   ${result.lacks}`);
        else if (options.verbose) console.log(`pass ${result.id}   ${result.rows.join(' ')}`);
      });
      return { profile: run.profile, results: results.map((result) => ({ ...result, profile: run.profile })) };
    } finally {
      await run.close();
    }
  } finally {
    await started?.stop();
  }
}

/** Says what the run will do to a target that somebody else may own. Throws unless that is allowed. */
function announce(target: Target, isAllowed: boolean): void {
  console.log(
    `The checks create grants, incoming payments and quotes at ${new URL(target.walletAddress).host} and ` +
      `${new URL(target.receiver).host}, and send a few hundred small payments, some units of money each, from ` +
      `${target.walletAddress} to ${target.receiver}. What they create stays there.\n`,
  );
  if (!isAllowed && !target.reachesLocalServers) throw new Error('allow this with --yes');
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
