/** The command `touchstone check`, also `node conformance/runner/main.ts`. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import authServer from '../../generated/auth-server/document.json' with { type: 'json' };
import packageJson from '../../package.json' with { type: 'json' };
import { parseBaseline, readBaseline } from '../../src/report/baseline.ts';
import { prepareReportDirectory, writeReportFiles } from '../../src/report/directory.ts';
import { renderTerminal, terminalOptions } from '../../src/report/terminal.ts';
import { shorten, visible, visibleLines } from '../../src/report/visible-text.ts';
import { checks as allChecks } from '../checks/index.ts';
import { announce, readFigures } from './announcement.ts';
import { baselineReader, printFailures } from './baseline.ts';
import { type Capability, findLack, NotApplicable } from './capability.ts';
import {
  profiles as allProfiles,
  type Check,
  type CheckResult,
  type Profile,
  type RandomCases,
  runChecks,
} from './check.ts';
import { renderFiles, renderJson, viewOf } from './check-view.ts';
import { impossibleBranches, judgeCompleteness } from './completeness.ts';
import { type CheckReport, concludeRun, type RunFacts, seenIn } from './conclusion.ts';
import { type Dredd, loadDredd, type Transaction } from './dredd.ts';
import { describeLeftovers, type Leftover } from './footprint.ts';
import { watchInterrupts } from './interrupts.ts';
import { type Options, parseOptions, parseRandom, targetVariables, usage } from './options.ts';
import { checkSetUp, describeLoss } from './preflight.ts';
import { createRedaction, type Redaction } from './redaction.ts';
import type { Referee, RefereeReport } from './referee.ts';
import { describeReach, describeSummary, type Report, summarise } from './report.ts';
import { readRequirements } from './requirements.ts';
import { createRun, type Run } from './run.ts';
import { selectChecks } from './selection.ts';
import { startTarget } from './start-target.ts';
import { parseTarget, type Target } from './target.ts';
import { countCoverage, loadOperations, type Operations } from './validation.ts';

/** Exit status: 0 passed, perhaps with warnings; 1 a check failed; 2 the run itself could not be carried out. */
async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) {
    console.log(usage);
    return 0;
  }
  const random = parseRandom(options);
  // fast-check is loaded only where it is used.
  const properties = options.properties ? (await import('../properties/index.ts')).properties : [];
  const dredd = options.dredd ? await loadDredd() : undefined;
  const selected = selectChecks([...allChecks, ...properties, ...(dredd?.transactions ?? [])], options.only);
  const checks = selected.filter((each): each is Check => 'run' in each);
  const transactions = selected.filter((each): each is Transaction => !('run' in each));
  if (options.seed === 'random') console.log(`seed ${random.seed}`);
  const profiles = readProfiles(options);
  const baseline = options.baseline === undefined ? [] : await readBaseline(options.baseline, baselineReader);
  if (options.report !== undefined) await prepareReportDirectory(options.report);
  const facts = await runAll({ checks, transactions, dredd }, profiles, options);
  let report = concludeRun(facts, baseline);
  if (options['write-baseline'] !== undefined) {
    const text = printFailures(report, baseline);
    writeFileSync(options['write-baseline'], text);
    report = concludeRun(facts, parseBaseline(text, options['write-baseline'], baselineReader));
  }
  await publish(report, facts, options);
  return report.exitCode;
}

/** The profiles to run; undefined means that the target's control API says which. */
function readProfiles({ start, profile }: { start: boolean; profile?: string | undefined }): (Profile | undefined)[] {
  if (profile === undefined) return [undefined];
  if (profile === 'both' && start) return [...allProfiles];
  const named = allProfiles.filter((name) => name === profile);
  if (named.length === 0) throw new Error(`--profile is none of ${allProfiles.join(', ')}, or both with --start`);
  return named;
}

interface Selection {
  readonly checks: readonly Check[];
  /** Answers for Dredd, which tries them once, after the checks of the first profile. */
  readonly transactions: readonly Transaction[];
  readonly dredd: Dredd | undefined;
}

interface Progress {
  readonly redaction: Redaction;
  readonly operations: Operations;
  readonly results: CheckResult[];
  readonly leftovers: Leftover[];
  readonly stop: AbortSignal;
  /** Why the run says nothing about the target. */
  readonly broken: string[];
  target?: Target;
  readonly random: RandomCases;
  readonly referee: Referee | undefined;
}

/** Runs the checks in each profile. What goes wrong with the set-up is a fact of the run, so that a report says it. */
async function runAll(
  { checks, transactions, dredd }: Selection,
  profiles: readonly (Profile | undefined)[],
  options: Options,
): Promise<RunFacts> {
  const started = performance.now();
  const startedAt = new Date().toISOString();
  const interrupts = watchInterrupts(process);
  const progress: Progress = {
    redaction: createRedaction(),
    operations: await loadOperations(),
    results: [],
    leftovers: [],
    stop: interrupts.aborted,
    broken: [],
    random: parseRandom(options),
    referee: await loadReferee(),
  };
  try {
    for (const [index, profile] of profiles.entries()) {
      const selection = { checks, transactions: index === 0 ? transactions : [], dredd };
      if (!interrupts.aborted.aborted) await checkTarget(selection, profile, options, progress);
    }
  } catch (error) {
    progress.broken.push(error instanceof Error ? error.message : String(error));
  }
  const signal = interrupts.received();
  if (signal) progress.broken.push(`the run was interrupted by ${signal}`);
  interrupts.end();
  const { redaction, operations, results, leftovers, broken, target, referee } = progress;
  if (referee && broken.length === 0) results.push(...concludeReferee(referee.report(), progress, options));
  return {
    version: packageJson.version,
    spec: authServer.info.version,
    target: target ? { walletAddress: target.walletAddress, receiver: target.receiver } : null,
    ...{ startedAt, milliseconds: performance.now() - started },
    ...{ results, operations, redaction, broken },
    requirements: readRequirements(),
    strictness: strictnessOf(options),
    leftovers,
  };
}

/** The second judge, where the documents and the client that it takes are installed. */
async function loadReferee(): Promise<Referee | undefined> {
  const file = new URL('../referees/upstream.ts', import.meta.url);
  return existsSync(file) ? (await import(file.href)).loadReferee() : undefined;
}

/** Results of a complete run. */
function concludeReferee(report: RefereeReport, { operations, results }: Progress, options: Options): CheckResult[] {
  const counts = report.byInterpretation.map(([id, answers]) => `${id} ${answers}`).join(' · ');
  if (report.judged > 0)
    console.log(`${report.judged} answers also judged by the unmodified documents and the official Node client`);
  if (counts !== '') console.log(`allowed by our overlays only: ${counts}`);
  const isComplete = options.start && options.profile === 'both' && options.only === undefined && options.properties;
  if (!isComplete) return [];
  const seen = seenIn(results);
  return judgeCompleteness(countCoverage(operations, seen, impossibleBranches), seen, report);
}

const strictnessOf = (options: Options) => ({ own: options.own || options.start, strict: options.strict });

/** Runs the checks that hold in the profile of the target, removes what they created, and runs Dredd. */
async function checkTarget(
  { checks, transactions, dredd }: Selection,
  profile: Profile | undefined,
  options: Options,
  progress: Progress,
): Promise<void> {
  if (checks.length === 0 && transactions.length === 0) return;
  const started = options.start ? await startTarget({ profile, databaseUrl: options['database-url'] }) : undefined;
  try {
    const variables = { ...targetVariables(options, process.env), ...started?.variables };
    acceptAuthority(variables['TOUCHSTONE_CA']);
    const target = parseTarget(variables);
    progress.target = target;
    if (!started) await checkSetUp(target);
    const run = await createRun(target, progress.operations, {
      redaction: progress.redaction,
      random: progress.random,
      referee: progress.referee,
      rate: options.rate === undefined ? undefined : Number(options.rate),
      budget: options.budget,
      ...(profile && { profile }),
    });
    try {
      const fitting = checks
        .filter((check) => (check.profile ?? run.profile) === run.profile)
        .map((check) => (started ? check : skipIfLacking(check, target)));
      if (!started) askFirst(fitting, run, target, options);
      if (checks.length > 0) await runInProfile(fitting, run, options, progress);
      if (!started) progress.leftovers.push(...(await cleanUp(run, progress)));
      if (started && dredd && transactions.length > 0 && !progress.stop.aborted) {
        const results = await dredd.tryAll(started.variables, transactions);
        for (const result of results) show(result, progress, options);
        progress.results.push(...results.map((result) => ({ ...result, profile: run.profile })));
      }
    } finally {
      await run.close();
    }
  } finally {
    await started?.stop();
  }
}

const figures = readFigures();

interface RunnableCheck extends Check {
  readonly lacks?: Capability;
}

/** A check that cannot be applied creates nothing. */
function skipIfLacking(check: Check, target: Target): RunnableCheck {
  const lacks = findLack(figures[check.id]?.needs ?? [], target);
  if (lacks === undefined) return check;
  const { consent: _, ...others } = check;
  return { ...others, lacks, run: () => Promise.reject(new NotApplicable(lacks)) };
}

function show({ id, rows, failure, lacks }: CheckResult, { redaction }: Progress, { verbose }: Options): void {
  if (failure) console.error(visible(shorten(redaction.redact(`failed ${id}: ${firstLine(failure.message)}`), 400)));
  else if (verbose) console.log(lacks ? `n/a  ${id}   ${lacks}` : `pass ${id}   ${rows.join(' ')}`);
}

async function runInProfile(checks: readonly Check[], run: Run, options: Options, progress: Progress): Promise<void> {
  const { results, stop } = progress;
  const isReachable = async (id: string, inARow: number): Promise<boolean> => {
    const loss = await describeLoss(progress.target!, inARow);
    if (loss) progress.broken.push(`${loss}: the run ended at the check ${id}`);
    return loss === undefined;
  };
  const some = await runChecks(checks, run.contextFor, (result) => show(result, progress, options), stop, isReachable);
  results.push(...some.map((result) => ({ ...result, profile: run.profile })));
  const report: Report = { results: some, requirements: readRequirements(), strictness: strictnessOf(options) };
  if (options.profile === 'both') console.log(`profile ${run.profile}\n${describeSummary(summarise(report))}`);
}

const firstLine = (text: string): string => text.split('\n', 1)[0]!;

/** Says what the run will do to a target that somebody else may own. Throws unless that is allowed. */
function askFirst(checks: readonly RunnableCheck[], { parties, budget }: Run, target: Target, options: Options): void {
  const all = checks.filter(({ lacks }) => lacks === undefined).map(({ id }) => figures[id]);
  console.log(`${announce(all, { ...parties, budget })}\n`);
  if (!options.yes && budget === undefined && !target.reachesLocalServers) {
    throw new Error('nothing was done: allow this with --yes or --budget AMOUNT');
  }
}

/** After an interruption, or where the target does not answer, this ends by itself; another signal ends it at once. */
async function cleanUp(run: Run, { stop, broken }: Progress): Promise<Leftover[]> {
  if (stop.aborted) console.error('interrupted: removing what the checks created; press Ctrl-C again to leave it');
  return run.cleanUp(stop.aborted || broken.length > 0 ? AbortSignal.timeout(CLEAN_UP_MS) : undefined);
}

const CLEAN_UP_MS = 60_000;

async function publish(report: CheckReport, facts: RunFacts, options: Options): Promise<void> {
  const { report: directory, json } = options;
  const isOwn = facts.strictness.own;
  if (directory !== undefined) await writeReportFiles(directory, renderFiles(report, isOwn));
  if (json !== undefined) writeFileSync(json, renderJson(report));
  const location = directory === undefined ? {} : { location: join(directory, '/') };
  console.log(renderTerminal(viewOf(report, isOwn), { ...terminalOptions(process.stdout, process.env), ...location }));
  const isListed = directory !== undefined || json !== undefined;
  for (const line of describeLeftovers(report.leftBehind, isListed)) console.log(line);
  if (facts.results.length === 0) return;
  console.log(describeReach(report));
  console.log(describeSummary(summarise(facts)));
}

/** Accepts certificates that this private certificate authority issued. */
function acceptAuthority(file: string | undefined): void {
  if (!file) return;
  try {
    setDefaultCACertificates([...getCACertificates('default'), readFileSync(file, 'utf8')]);
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    const reason = syscall === undefined ? 'it holds no certificate in PEM' : code;
    throw new Error(`--ca, or TOUCHSTONE_CA: cannot use ${file} (${reason})`, { cause: error });
  }
}

process.exitCode = await main().catch((error: unknown) => {
  console.error(visibleLines(error instanceof Error ? error.message : `${error}`).join('\n'));
  return 2;
});
