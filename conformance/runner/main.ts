// Command line of the check runner: node conformance/runner/main.ts [--only PATTERN] [--start] [--json FILE]
import { readFileSync, writeFileSync } from 'node:fs';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { parseArgs } from 'node:util';
import { checks as allChecks } from '../checks/index.ts';
import { readCatalogue } from './catalogue.ts';
import { judgeRows, runChecks } from './check.ts';
import { createRun } from './context.ts';
import { createControl } from './control.ts';
import { type Environment, readEnvironment } from './environment.ts';
import { describeFailure, describeSummary, reportAsJson, summarise } from './report.ts';
import { startTarget } from './target.ts';
import { loadResponseBodies } from './validation.ts';

const usage = `usage: node conformance/runner/main.ts [options]
  --start         start a world of our own, check it, stop it; else the TOUCHSTONE_* variables say where to look
  --only PATTERN  run checks whose id matches this regular expression, or that name this row
  --json FILE     write the results as JSON as well
  --verbose       name passed checks too`;

/** Exit status: 0 all passed, 1 a check failed, 2 the run itself could not be carried out. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      start: { type: 'boolean', default: false },
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
  const checks = allChecks.filter((check) => !only || only.test(check.id) || check.rows.includes(values.only!));
  if (checks.length === 0) throw new Error(`no check matches ${values.only}`);
  const target = values.start ? await startTarget() : undefined;
  try {
    const variables = { ...process.env, ...target?.variables };
    acceptAuthority(variables['TOUCHSTONE_CA']);
    const environment = readEnvironment(variables);
    const run = await createRun(environment, await loadResponseBodies());
    try {
      const results = await runChecks(checks, run.contextFor, (result) => {
        if (result.failure) console.log(`${describeFailure(result, run.redaction)}\n`);
        else if (values.verbose) console.log(`pass ${result.id}   ${result.rows.join(' ')}`);
      });
      const states = judgeRows(readCatalogue(), results);
      const profile = await readProfile(environment);
      if (values.json) writeFileSync(values.json, reportAsJson(results, states, run.redaction, profile));
      console.log(`profile ${profile ?? 'unknown'}`);
      const summary = summarise(results, states);
      console.log(describeSummary(summary));
      return summary.checks.failed === 0 ? 0 : 1;
    } finally {
      await run.close();
    }
  } finally {
    await target?.stop();
  }
}

/** By which the target goes (CT-04), if it has a control API that says so. */
async function readProfile(environment: Environment): Promise<string | undefined> {
  if (!environment.control) return undefined;
  const { body } = await createControl(environment, () => {}).request('GET', '/');
  return body?.profile;
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
