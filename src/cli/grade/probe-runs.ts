/** `--probes`: runs the command again for each probe that the plain run makes possible, several at a time. */
import { EventEmitter } from 'node:events';
import { availableParallelism } from 'node:os';
import { Writable } from 'node:stream';
import { ConfigError, didYouMean } from '../../errors.ts';
import { isServerRequest } from '../../grade/grade-exchange.ts';
import { MIN_DISTINCT_LENGTH } from '../../grade/mask-secrets.ts';
import { type ProbeId, probeIds, probes } from '../../grade/probes.ts';
import type { ProbeVerdict } from '../../grade/report.ts';
import type { ReportedOutcome } from '../../grade/reported-outcomes.ts';
import { deadlineSeconds } from '../../grade/requirement.ts';
import { planProbes, type RunningCommand, runProbe } from '../../grade/run-probe.ts';
import type { ControlExchange } from '../../grade/traps/trap.ts';
import { withoutSecrets } from '../../grade/without-secrets.ts';
import type { TracedExchange } from '../../http/request-trace.ts';
import { withAuthority } from '../client-files.ts';
import { runCommand } from './command.ts';
import type { GradedWorlds } from './graded-world.ts';
import { readOutcomes } from './outcome-file.ts';

/** The value of `--probes` alone. */
const ALL = 'all';

/** A run that does not reach the trap ends after this time, or after some runs like the plain one. */
const MIN_TIMEOUT_MS = 30_000;
const MAX_PLAIN_RUNS = 5;
/** Time between SIGTERM and SIGKILL. */
const GRACE_MS = 1000;

export interface ProbeSelection {
  readonly ids: readonly ProbeId[];
  /** Each was named, so that probes which break the Open Payments documents run as well. */
  readonly isExplicit: boolean;
}

/** Ids, names and beginnings such as `P0*`, separated by commas. Throws ConfigError. */
export function selectProbes(patterns: string): ProbeSelection {
  if (patterns.toLowerCase() === ALL) return { ids: probeIds, isExplicit: false };
  const selected = new Set<ProbeId>();
  for (const pattern of patterns.split(',').map((each) => each.trim().toLowerCase())) {
    const beginning = pattern.endsWith('*') ? pattern.slice(0, -1) : undefined;
    const matches = (word: string) =>
      beginning === undefined ? word.toLowerCase() === pattern : word.toLowerCase().startsWith(beginning);
    const matching = probeIds.filter((id) => matches(id) || matches(probes[id].name));
    if (pattern === '' || matching.length === 0) {
      const names = probeIds.flatMap((id) => [id, probes[id].name]);
      const suggestion = didYouMean(pattern, names) || '; touchstone explain probes lists them';
      throw new ConfigError(`--probes: no probe matches '${pattern.slice(0, 100)}'${suggestion}`);
    }
    for (const id of matching) selected.add(id);
  }
  return { ids: probeIds.filter((id) => selected.has(id)), isExplicit: true };
}

/** The exchange as traps see it. Empty for one between servers. */
export function toControlExchanges(exchange: TracedExchange): ControlExchange[] {
  if (isServerRequest(exchange)) return [];
  const { summary, request, reply, receivedAt, answeredAt } = exchange;
  const { ase, operation, status } = summary;
  const body = parseJson(request.body.toString());
  return [{ ase, operation, status, request, body, answer: parseJson(reply?.content ?? ''), receivedAt, answeredAt }];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export interface ProbeRunOptions {
  readonly selection: ProbeSelection;
  readonly worlds: GradedWorlds;
  readonly control: readonly ControlExchange[];
  /** Outcomes of the plain run. */
  readonly controlOutcomes: readonly ReportedOutcome[];
  /** Duration of the plain run. */
  readonly milliseconds: number;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Commands that run at the same time. Default: one for each processor. */
  readonly jobs: number | undefined;
  /** Ends all runs; the verdicts so far are returned. */
  readonly interrupted: AbortSignal;
  announce(sentence: string): void;
  progress(sentence: string): void;
}

/** Verdicts in the order of the ids. */
export async function runProbes(options: ProbeRunOptions): Promise<ProbeVerdict[]> {
  const { selection, worlds, control, controlOutcomes, milliseconds, interrupted } = options;
  const conditions = { control, hasTls: worlds.hasTls, onDemand: selection.isExplicit };
  const { groups, runs, skipped } = planProbes(selection.ids, conditions);
  const jobs = options.jobs || availableParallelism();
  options.announce(describePlan(groups.flat(), runs, skipped.length, jobs, milliseconds));
  const verdicts = new Map<ProbeId, ProbeVerdict>(skipped.map((verdict) => [verdict.id, verdict]));
  const timeoutMs = Math.max(MIN_TIMEOUT_MS, MAX_PLAIN_RUNS * milliseconds);

  async function run(id: ProbeId): Promise<void> {
    const verdict = await runProbe({
      id,
      ...conditions,
      controlOutcomes,
      earlier: verdicts,
      startWorld: worlds.startForProbe,
      start: (variables) => startQuietly(options, variables),
      timeoutMs,
    }).catch((error: Error) => describeServerFault(id, error));
    if (interrupted.aborted) return;
    verdicts.set(id, verdict);
    options.progress(`${id} ${probes[id].name}: ${verdict.result}`);
  }

  for (const group of groups) {
    const waiting = [...group];
    const work = async (): Promise<void> => {
      for (let id = waiting.shift(); id !== undefined && !interrupted.aborted; id = waiting.shift()) await run(id);
    };
    await Promise.all(Array.from({ length: jobs }, work));
  }
  return [...verdicts.values()].sort((one, other) => one.id.localeCompare(other.id));
}

/** An estimate for a client that ends by itself, and the time if each run lasts until its deadline. */
function describePlan(
  ids: readonly ProbeId[],
  runs: number,
  skipped: number,
  jobs: number,
  milliseconds: number,
): string {
  const left = skipped > 0 ? `; ${skipped} others cannot judge this client` : '';
  if (runs === 0) return `no probe can judge this client${left === '' ? '' : `: ${skipped} need other steps of it`}`;
  const deadlines = ids.map((id) => probes[id].seconds ?? deadlineSeconds[probes[id].deadline]);
  const longest = Math.max(...deadlines) + milliseconds / 1000;
  const seconds = (each: number) => Math.max(1, Math.ceil((runs * each) / jobs));
  return (
    `${count(ids.length, 'probe')} with ${count(runs, 'run')} of the command, at most ${jobs} at a time: ` +
    `about ${seconds(milliseconds / 1000)} s, at most ${seconds(longest)} s${left}`
  );
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;

/** The command without its output, because several run at the same time. */
function startQuietly(
  { command, env, interrupted }: ProbeRunOptions,
  variables: Readonly<Record<string, string>>,
): RunningCommand {
  const stop = new AbortController();
  const discard = new Writable({ write: (_chunk, _encoding, done) => done() });
  const ended = runCommand({
    command,
    env: withAuthority(env, variables),
    graceMs: GRACE_MS,
    input: 'ignore',
    // The signals of this process end the runs by `interrupted`.
    signals: new EventEmitter(),
    stop: AbortSignal.any([stop.signal, interrupted]),
    stdout: discard,
    stderr: discard,
  }).then(async ({ exitCode, signal, output }) => {
    const { outcomes } = await readOutcomes(variables);
    return { exitCode, signal, output: withoutSecrets(output, secretsOf(env)), outcomes };
  });
  return {
    ended,
    kill() {
      stop.abort();
      return ended;
    },
  };
}

/** Values of variables that are not about Touchstone and whose names say that they are secret. */
const secretsOf = (env: Readonly<Record<string, string | undefined>>): string[] =>
  Object.entries(env).flatMap(([name, value = '']) =>
    /TOKEN|SECRET|PASS|KEY|CREDENTIAL|AUTH/i.test(name) && value.length >= MIN_DISTINCT_LENGTH ? [value] : [],
  );

const describeServerFault = (id: ProbeId, error: Error): ProbeVerdict => ({
  id,
  result: 'inconclusive',
  facts: {
    controlPassed: true,
    armed: false,
    reached: false,
    forbiddenSeen: false,
    requiredSeen: false,
    killed: false,
    serverFault: true,
  },
  detail: `The world of the probe failed: ${error.message}.`,
  exchanges: [],
  milliseconds: 0,
  runs: [],
});
