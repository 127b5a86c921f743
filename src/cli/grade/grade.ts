/** `touchstone grade`: judges what a client sent, in a fresh world or in a running one, and writes reports. */
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { ConfigError } from '../../errors.ts';
import { type ConclusionOptions, concludeRun, type RunFacts } from '../../grade/conclusion.ts';
import type { Report } from '../../grade/report.ts';
import { renderFiles, renderTerminal } from '../../grade/reports/files.ts';
import { findRequirementSet, selectRequirements } from '../../grade/requirement-sets.ts';
import type { ControlExchange } from '../../grade/traps/trap.ts';
import { withoutSecrets } from '../../grade/without-secrets.ts';
import { writePrivateFile } from '../../net/private-files.ts';
import { parseBaseline, readBaseline } from '../../report/baseline.ts';
import { prepareReportDirectory, writeReportFiles } from '../../report/directory.ts';
import { terminalOptions } from '../../report/terminal.ts';
import { openFiles, withAuthority } from '../client-files.ts';
import { openControlApi } from '../control-client.ts';
import { createLogger } from '../deployment-options.ts';
import type { Config } from '../options.ts';
import { baselineReader, printBaseline } from './baseline-file.ts';
import { type EndedCommand, runCommand, type Signals, watchForSignal } from './command.ts';
import { type GradedWorlds, openGradedWorlds } from './graded-world.ts';
import { readOutcomes } from './outcome-file.ts';
import { runProbes, selectProbes, toControlExchanges } from './probe-runs.ts';

type Stream = Writable & { readonly isTTY?: boolean; readonly columns?: number };

export interface GradeContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `process`, or a substitute in tests. */
  readonly signals: Signals;
  readonly stdout: Stream;
  readonly stderr: Stream;
  /** Milliseconds between SIGTERM and SIGKILL. Default: 5 s. */
  readonly graceMs?: number;
}

/** Returns the report, whose exit code is that of the program. Throws ConfigError. */
export async function grade(config: Config, context: GradeContext): Promise<Report> {
  checkOptions(config);
  const options = await readConclusionOptions(config);
  if (config.probes !== undefined) selectProbes(config.probes);
  await prepareReportDirectory(config.report);
  const facts = config.attach ? await readRunningWorld(config, context) : await gradeCommand(config, context);
  const report = concludeRun(facts, options);
  const concluded =
    config.writeBaseline === undefined
      ? report
      : concludeRun(facts, { ...options, baseline: await writeBaseline(config.writeBaseline, report, options) });
  const failure = await writeReportFiles(config.report, renderFiles(concluded)).catch((error: Error) => error);
  const { stdout, env } = context;
  stdout.write(renderTerminal(concluded, { ...terminalOptions(stdout, env), location: join(config.report, '/') }));
  if (failure) throw failure;
  return concluded;
}

function checkOptions({ attach, operands, seed, world, databaseUrl, probes, consent, insecure }: Config): void {
  if (!attach && operands.length === 0) {
    throw new ConfigError('touchstone grade needs the command of a client after a --: touchstone grade -- npm test');
  }
  if (!attach) return;
  if (operands.length > 0) throw new ConfigError('--attach runs no command: leave out either of them');
  const forFreshWorlds = { seed, world, 'database-url': databaseUrl, probes, consent, insecure: insecure || undefined };
  const [given] = Object.entries(forFreshWorlds).filter(([, value]) => value !== undefined);
  if (given) throw new ConfigError(`--attach judges a world that runs already, so leave out --${given[0]}`);
}

/** Throws ConfigError. */
async function readConclusionOptions(config: Config): Promise<ConclusionOptions> {
  return {
    set: findRequirementSet(config.requirements),
    only: config.only === undefined ? undefined : selectRequirements(config.only),
    should: config.should,
    minCoverage: config.minCoverage,
    baseline: config.baseline === undefined ? [] : await readBaseline(config.baseline, baselineReader),
  };
}

async function writeBaseline(file: string, report: Report, { baseline = [] }: ConclusionOptions) {
  const text = printBaseline(report, baseline);
  await writePrivateFile(file, text).catch(({ code }: NodeJS.ErrnoException) => {
    throw new ConfigError(`--write-baseline cannot write ${file} (${code}): name a file`);
  });
  return parseBaseline(text, file, baselineReader);
}

async function readRunningWorld(config: Config, { env }: GradeContext): Promise<RunFacts> {
  const api = openControlApi(config, 'grade --attach', env['TOUCHSTONE_CONTROL']);
  const report = (await api.read('/report')) as (Report & Pick<RunFacts, 'profile'>) | undefined;
  if (report === undefined) {
    throw new ConfigError(`the world at ${api.origin} records no exchanges: start it with --record-exchanges`);
  }
  return { ...report, broken: report.result === 'broken' ? report.reasons : [] };
}

async function gradeCommand(config: Config, context: GradeContext): Promise<RunFacts> {
  const early = watchForSignal(context.signals);
  const files = await openFiles(undefined);
  try {
    const worlds = await openGradedWorlds(config, files, createLogger(config.logLevel));
    try {
      const plain = await runPlainly(config, context, worlds, early.received());
      if (config.probes === undefined || plain.facts.broken.length > 0) return plain.facts;
      const probes = await runProbes({
        selection: selectProbes(config.probes),
        worlds,
        ...plain,
        command: config.operands,
        env: context.env,
        jobs: config.jobs,
        interrupted: early.aborted,
        announce: (sentence) => void context.stderr.write(`touchstone: ${sentence}\n`),
        progress: (sentence) => showProgress(context, sentence),
      });
      const signal = early.received();
      const broken = signal === undefined ? [] : [`the probes were interrupted by ${signal}`];
      return { ...plain.facts, probes, broken };
    } finally {
      await worlds.close();
    }
  } finally {
    early.stop();
    files.remove();
  }
}

function showProgress({ stderr, env }: GradeContext, sentence: string): void {
  if (stderr.isTTY && !env['CI']) stderr.write(`touchstone: ${sentence}\n`);
}

/** The run without probes, which is also the control run of the probes. */
async function runPlainly(
  config: Config,
  context: GradeContext,
  worlds: GradedWorlds,
  interruptedBy: EndedCommand['interruptedBy'],
) {
  const { env, signals, stdout, stderr, graceMs } = context;
  const world = await worlds.startPlain();
  const control: ControlExchange[] = [];
  if (config.probes !== undefined) world.subscribe((exchange) => control.push(...toControlExchanges(exchange)));
  showProgress(context, `the world is ready; running ${config.operands.join(' ')}`);
  const started = performance.now();
  const ended = await runCommand({
    command: config.operands,
    env: withAuthority(env, world.variables),
    timeoutMs: config.timeout === 0 ? undefined : config.timeout * 1000,
    graceMs,
    interruptedBy,
    signals,
    stdout,
    stderr,
  });
  const milliseconds = performance.now() - started;
  const { outcomes, problem } = await readOutcomes(world.variables);
  if (problem !== undefined) stderr.write(`touchstone: ${problem}\n`);
  await world.close();
  const { exitCode, signal, timedOut, output } = ended;
  const facts = await world.readRun(output);
  const command = withoutSecrets(config.operands, world.secrets);
  const broken = [...describeEnd(ended, config.timeout), ...facts.broken];
  return {
    facts: { ...facts, command: { command, exitCode, signal, timedOut }, broken },
    control,
    controlOutcomes: outcomes,
    milliseconds,
  };
}

/** Why an end of the command says nothing about the client. */
function describeEnd(
  { startFailure, timedOut, interruptedBy, signal, exitCode }: EndedCommand,
  timeout: number,
): string[] {
  if (startFailure !== undefined) return [startFailure];
  if (interruptedBy !== undefined) return [`the run was interrupted by ${interruptedBy}`];
  if (timedOut) return [`the command was ended after ${timeout} seconds (--timeout)`];
  if (signal !== null) return [`the command was ended by ${signal}`];
  return exitCode === 0 ? [] : [`the command ended with exit code ${exitCode}`];
}
