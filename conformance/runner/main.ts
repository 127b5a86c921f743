/**
 * Command line of the check runner: node conformance/runner/main.ts [--only PATTERN] [--start] [--profile NAME] [--json FILE]
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { parseArgs } from 'node:util';
import { checks as allChecks } from '../checks/index.ts';
import { profiles as allProfiles, type Check, type CheckResult, judgeRows, type Profile, runChecks } from './check.ts';
import { createRedaction, type Redaction } from './redaction.ts';
import { describeFailure, describeSummary, reportAsJson, summarise } from './report.ts';
import { readRequirements } from './requirements.ts';
import { createRun } from './run.ts';
import { startTarget } from './start-target.ts';
import { parseTarget } from './target.ts';
import { loadResponseBodies } from './validation.ts';

const usage = `usage: node conformance/runner/main.ts [options]
  --start         start a world of our own, check it, stop it; else the TOUCHSTONE_* variables say where to look
  --profile NAME  compat, strict, or with --start both: what the world starts by, or what the target must go by
  --only PATTERN  run checks whose id matches this regular expression, or that name this row
  --json FILE     write the results as JSON as well
  --verbose       name passed checks too`;

/** Exit status: 0 all passed, 1 a check failed, 2 the run itself could not be carried out. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      start: { type: 'boolean', default: false },
      profile: { type: 'string' },
      only: { type: 'string' },
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
  const catalogue = readRequirements();
  const results: CheckResult[] = [];
  for (const profile of readProfiles(values)) {
    const some = await checkTarget(checks, { start: values.start, profile, redaction, verbose: values.verbose });
    console.log(
      `profile ${some.profile}\n${describeSummary(summarise(some.results, judgeRows(catalogue, some.results)))}`,
    );
    results.push(...some.results);
  }
  const asked = allProfiles.filter((profile) => results.some((result) => result.profile === profile));
  const states = judgeRows(catalogue, results);
  const summary = summarise(results, states);
  if (values.json) writeFileSync(values.json, reportAsJson(results, states, redaction, asked));
  if (asked.length > 1) console.log(`profiles ${asked.join(' and ')}\n${describeSummary(summary)}`);
  return summary.checks.failed === 0 ? 0 : 1;
}

/** Undefined where the target itself says by which it goes. */
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
}

/** One run, with those checks that hold in the profile of its target. */
async function checkTarget(
  checks: readonly Check[],
  { start, profile, redaction, verbose }: Options,
): Promise<{ profile: Profile; results: CheckResult[] }> {
  const target = start ? await startTarget(profile) : undefined;
  try {
    const variables = { ...process.env, ...target?.variables };
    acceptAuthority(variables['TOUCHSTONE_CA']);
    const run = await createRun(parseTarget(variables), await loadResponseBodies(), {
      redaction,
      ...(profile && { profile }),
    });
    try {
      const fitting = checks.filter((check) => (check.profile ?? run.profile) === run.profile);
      const results = await runChecks(fitting, run.contextFor, (result) => {
        if (result.failure) console.log(`${describeFailure(result, redaction)}\n`);
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

/** Accepts the certificates of a target whose authority nobody else knows. */
function acceptAuthority(file: string | undefined): void {
  if (!file) return;
  setDefaultCACertificates([...getCACertificates('default'), readFileSync(file, 'utf8')]);
}

process.exitCode = await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  return 2;
});
