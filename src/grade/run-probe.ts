/**
 * Runs a probe: a fresh world with the trap, the command, the facts that the trap notes, and the verdict. The deadline
 * is the end of the process, or some seconds after the trap was reached (see `Deadline`).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { wallNow } from '../clock.ts';
import type { Interceptor } from '../http/interceptor.ts';
import type { ReceivedRequest } from '../http/received-request.ts';
import type { RequirementId } from './catalogue.ts';
import type { EvidenceWanted, RunEvidence } from './probe-evidence.ts';
import { judgeProbe, type ProbeFacts, type ProbeId, type ProbeResult, probes } from './probes.ts';
import type { ProbeRun, ProbeVerdict } from './report.ts';
import type { ReportedOutcome } from './reported-outcomes.ts';
import { deadlineSeconds } from './requirement.ts';
import { createTrapFacts, type NotedFacts } from './traps/facts.ts';
import { traps } from './traps/index.ts';
import type { ControlExchange, Trap, TrapContext, TrapWorld, WorldChanges } from './traps/trap.ts';
import { visit } from './traps/visit.ts';

/** A world in which one round of a probe runs. */
export interface ProbeWorld extends TrapWorld {
  /** The variables for the command. */
  readonly env: Readonly<Record<string, string>>;
  /** Adds an interceptor, and returns the function that removes it. */
  intercept(interceptor: Interceptor): () => void;
  /** Number of a request in the trace of the world. */
  numberOf(request: ReceivedRequest): number | undefined;
  /** The requests and the output of the run. Called after the world has closed. */
  gatherEvidence(wanted: EvidenceWanted): RunEvidence;
  close(): Promise<void>;
}

/** The end of a command, and what it printed, without secrets that only this machine has. */
export interface EndedRun {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly output: string;
  /** From the outcome file of the client. */
  readonly outcomes: readonly ReportedOutcome[];
}

/** The command of the client while it runs. */
export interface RunningCommand {
  /** Resolves when all its processes have ended. */
  readonly ended: Promise<EndedRun>;
  kill(): Promise<EndedRun>;
}

/** Time as a probe needs it. Tests replace it. */
export interface ProbeClock {
  /** Milliseconds of a monotonic clock, and of wall time. */
  now(): number;
  wallNow(): number;
  /** Waits as a part of the behaviour of the server. Ends at once when the signal aborts. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
  /** Resolves at a deadline, or when the signal aborts. */
  deadline(milliseconds: number, signal: AbortSignal): Promise<void>;
}

export interface ProbeOptions {
  readonly id: ProbeId;
  /** The exchanges of the control run, without those between servers. */
  readonly control: readonly ControlExchange[];
  /** From the outcome file of the control run. */
  readonly controlOutcomes: readonly ReportedOutcome[];
  /** Verdicts of the probes that ran before, of which some probes depend. */
  readonly earlier: ReadonlyMap<ProbeId, ProbeVerdict>;
  /** True if the worlds use TLS. */
  readonly hasTls: boolean;
  /** Probes that break the Open Payments documents run as well. */
  readonly onDemand: boolean;
  startWorld(changes: WorldChanges): Promise<ProbeWorld>;
  start(env: Readonly<Record<string, string>>): RunningCommand;
  /** Limit of a run in which the trap is not reached. */
  readonly timeoutMs: number;
  readonly clock?: ProbeClock;
}

/** Exchanges of a run in the report: of one that passed, and of one whose reader looks for the reason. */
const MAX_PASSED_EXCHANGES = 8;
const MAX_EXCHANGES = 50;

/** Time for requests that were sent before the process ended. */
const DRAIN_MS = 100;

const elapse = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  sleep(milliseconds, undefined, { signal }).catch(() => {});

const systemClock: ProbeClock = {
  now: () => performance.now(),
  wallNow,
  sleep: elapse,
  deadline: elapse,
};

type Conditions = Pick<ProbeOptions, 'id' | 'control' | 'earlier' | 'hasTls' | 'onDemand'>;

/** Rounds of a probe, each of which is a run of the command. */
const roundsOf = (id: ProbeId): readonly string[] => traps[id].rounds ?? [''];

/** The probes that must have run before this one. */
const probesBefore = (id: ProbeId): ProbeId[] => [
  ...new Set(roundsOf(id).flatMap((_, round) => traps[id].after?.(round) ?? [])),
];

/** Why a round cannot judge this client, as a sentence. Undefined if it is worth a run. */
function whyNotExercised({ id, control, earlier, hasTls, onDemand }: Conditions, round: number): string | undefined {
  const trap: Trap = traps[id];
  const { only } = probes[id];
  if (only === 'tls' && !hasTls) return 'The probe needs a world with TLS.';
  if (only === 'on-demand' && !onDemand) return 'The probe breaks the Open Payments documents and runs on demand only.';
  const missing = trap.needs.filter((name) => !control.some(({ operation }) => operation === name));
  if (missing.length > 0) return `The client did not call ${missing.join(' and ')} without the trap.`;
  if (trap.suits?.(control, round) === false) return 'The client did not come to the step of the trap without it.';
  const before = trap.after?.(round);
  const verdict = before && earlier.get(before);
  if (before && (verdict?.result !== 'pass' || verdict.weak))
    return `The probe says something only after ${before} has passed.`;
  return undefined;
}

export interface ProbePlan {
  /** In this order; those in one group can run at the same time. */
  readonly groups: readonly (readonly ProbeId[])[];
  /** Number of runs of the command, at most. */
  readonly runs: number;
  /** Verdicts of the probes that cannot judge this client. */
  readonly skipped: readonly ProbeVerdict[];
}

/** The probes that are worth a run after this control run, and those that others need. */
export function planProbes(ids: readonly ProbeId[], conditions: Omit<Conditions, 'id' | 'earlier'>): ProbePlan {
  const wanted = [...new Set(ids.flatMap((id) => [...probesBefore(id), id]))];
  const skipped: ProbeVerdict[] = [];
  const started: ProbeId[] = [];
  let runs = 0;
  for (const id of wanted) {
    const passed = { result: 'pass' } as ProbeVerdict;
    const earlier = new Map(probesBefore(id).map((before) => [before, passed]));
    const reasons = roundsOf(id).map((_, round) => whyNotExercised({ ...conditions, id, earlier }, round));
    const worth = reasons.filter((reason) => reason === undefined).length;
    runs += worth;
    if (worth > 0) started.push(id);
    else skipped.push({ id, ...notExercised(reasons[0]!), milliseconds: 0, runs: [] });
  }
  const isIndependent = (id: ProbeId): boolean => probesBefore(id).length === 0;
  const groups = [started.filter(isIndependent), started.filter((id) => !isIndependent(id))];
  return { groups: groups.filter((group) => group.length > 0), runs, skipped };
}

interface Round {
  readonly result: ProbeResult;
  readonly weak?: true;
  readonly facts: ProbeFacts;
  readonly detail: string;
  readonly exchanges: readonly number[];
  /** The requirement that the reaction violates, if not all that the round judges. */
  readonly only?: RequirementId;
}

/** The first of these decides about a probe with several rounds. */
const severity: readonly ProbeResult[] = ['fail', 'inconclusive', 'pass', 'not-exercised'];

/** Rejects only if a world cannot be started. */
export async function runProbe(options: ProbeOptions): Promise<ProbeVerdict> {
  const { id, clock = systemClock } = options;
  const started = clock.now();
  const rounds: Round[] = [];
  const judging = (round: number): readonly RequirementId[] => traps[id].judges?.(round) ?? probes[id].judges;
  const runs: ProbeRun[] = [];
  for (const [round, name] of roundsOf(id).entries()) {
    const reason = whyNotExercised(options, round);
    const { run, ...result } = reason === undefined ? await runRound(options, clock, round) : notExercised(reason);
    if (run) runs.push({ round: name, result: result.result, decisive: result.exchanges, ...run });
    rounds.push(name === '' ? result : { ...result, detail: `Round “${name}”: ${result.detail}` });
    // Rounds of other requirements follow.
    if (result.result === 'fail' && !result.weak && !traps[id].judges) break;
  }
  const { only: _, ...decisive } = worstOf(rounds);
  const results = probes[id].judges.map((requirement) => {
    const own = rounds.filter((_, round) => judging(round).includes(requirement));
    const { result, weak, detail } = worstOf(own.map((round) => resultAbout(requirement, round)));
    return { id: requirement, result, ...(weak && { weak }), detail };
  });
  const hasSeveral = results.length > 1 && { results };
  return { id, ...decisive, ...hasSeveral, milliseconds: Math.round(clock.now() - started), runs };
}

function worstOf(rounds: readonly Round[]): Round {
  const rank = ({ result, weak }: Round) => severity.indexOf(result) + (weak ? 0.5 : 0);
  return rounds.toSorted((one, other) => rank(one) - rank(other))[0]!;
}

/** A reaction that violates another requirement only: a forbidden one ends the run, a weak one does not. */
function resultAbout(requirement: RequirementId, round: Round): Round {
  if (round.only === undefined || round.only === requirement) return round;
  const { weak: _, ...rest } = round;
  if (!round.weak) return { ...rest, ...notExercised('The run had ended before this showed.') };
  return { ...rest, result: 'pass', detail: 'The client did nothing forbidden.' };
}

const notExercised = (detail: string): Round & { readonly run?: never } => ({
  result: 'not-exercised',
  facts: {
    controlPassed: false,
    armed: false,
    reached: false,
    forbiddenSeen: false,
    requiredSeen: false,
    killed: false,
    serverFault: false,
  },
  detail,
  exchanges: [],
});

type JudgedRun = Round & { readonly run: Omit<ProbeRun, 'round' | 'result' | 'decisive'> };

async function runRound(options: ProbeOptions, clock: ProbeClock, round: number): Promise<JudgedRun> {
  const { id, control, controlOutcomes } = options;
  const trap: Trap = traps[id];
  const world = await options.startWorld(trap.changes?.(round) ?? {});
  const stop = new AbortController();
  const reached = Promise.withResolvers<void>();
  const forbidden = Promise.withResolvers<void>();
  const facts = createTrapFacts({ onReach: reached.resolve, onForbid: forbidden.resolve });
  const disarming: (() => void)[] = [];
  const ending: ((outcomes: readonly ReportedOutcome[]) => void)[] = [];
  const pending = new Set<Promise<unknown>>();
  let serverFault: unknown;
  const noteFault = (error: unknown): never => {
    serverFault ??= error;
    throw error;
  };
  const context: TrapContext = {
    ...world,
    round,
    control,
    controlOutcomes,
    facts,
    now: clock.now,
    wallNow: clock.wallNow,
    sleep: (milliseconds) => clock.sleep(milliseconds, stop.signal),
    visit,
    onEnd: (work) => ending.push(work),
    onDisarm: (work) => disarming.push(work),
    track: (work) => void pending.add(work.catch(noteFault)),
  };
  let killed = false;
  let end: EndedRun = { exitCode: null, signal: null, output: '', outcomes: [] };
  try {
    const { answer, ...names } = await trap.set(context);
    // An error of a handler is an answer here, so what is thrown comes from the trap.
    const watched = answer && ({ answer: (call, next) => answer(call, next).catch(noteFault) } satisfies Interceptor);
    disarming.push(world.intercept({ ...names, ...watched }));
    const command = options.start(world.env);
    const events = { reached: reached.promise, forbidden: forbidden.promise };
    ({ killed, end } = await runUntilDecided(options, command, events, clock, stop.signal));
    await Promise.allSettled(pending);
    if (!killed) for (const work of ending) work(end.outcomes);
  } finally {
    stop.abort();
    for (const work of disarming) work();
    await world.close();
  }
  const probeFacts: ProbeFacts = {
    controlPassed: true,
    armed: facts.isArmed(),
    reached: facts.reached.length > 0,
    forbiddenSeen: facts.forbidden() !== undefined,
    requiredSeen: facts.required() !== undefined,
    killed,
    serverFault: serverFault !== undefined,
  };
  const judged = conclude(id, probeFacts, facts, world, serverFault);
  const most = judged.result === 'pass' && !judged.weak ? MAX_PASSED_EXCHANGES : MAX_EXCHANGES;
  const { exitCode, signal, output } = end;
  const evidence = world.gatherEvidence({ decisive: judged.exchanges, most, output });
  return { ...judged, run: { exitCode, signal, ...evidence } };
}

/** Ends with the process, a forbidden request, or the deadline. True if the process had to be killed at a deadline. */
async function runUntilDecided(
  { id, timeoutMs }: ProbeOptions,
  command: RunningCommand,
  { reached, forbidden }: Readonly<Record<'reached' | 'forbidden', Promise<void>>>,
  clock: ProbeClock,
  signal: AbortSignal,
): Promise<{ killed: boolean; end: EndedRun }> {
  const { deadline, seconds = deadlineSeconds[deadline] } = probes[id];
  const first = await Promise.race([
    command.ended,
    forbidden.then(() => 'forbidden' as const),
    reached.then(() => clock.deadline(seconds * 1000, signal)).then(() => 'deadline' as const),
    clock.deadline(timeoutMs, signal).then(() => 'deadline' as const),
  ]);
  if (typeof first === 'string') return { killed: first === 'deadline', end: await command.kill() };
  await clock.sleep(DRAIN_MS, signal);
  return { killed: false, end: first };
}

function conclude(
  id: ProbeId,
  probeFacts: ProbeFacts,
  facts: NotedFacts,
  { numberOf }: ProbeWorld,
  serverFault: unknown,
): Round {
  const probe = probes[id];
  const judged = judgeProbe(probe, probeFacts);
  const [forbidden, warning] = [facts.forbidden(), facts.warning()];
  const hasStopped = judged === 'fail' && !forbidden && !(probe.mustEnd && probeFacts.killed);
  const isWeak = (hasStopped && traps[id].stopWarns) || (judged === 'pass' && warning !== undefined);
  const calls = [facts.reached[0], forbidden?.call ?? warning?.call, facts.required()?.call];
  const exchanges = calls.flatMap((call) => (call && numberOf(call.exchange)) ?? []);
  const only = (forbidden ?? warning)?.only;
  return {
    result: isWeak ? 'fail' : judged,
    ...(isWeak && { weak: true as const }),
    facts: probeFacts,
    detail: describe(),
    exchanges: [...new Set(exchanges)],
    ...(only && { only }),
  };

  function describe(): string {
    if (serverFault !== undefined) return `The test server failed: ${(serverFault as Error).message}.`;
    if (!probeFacts.armed) return 'The client did not come to the moment from which the trap is in place.';
    if (!probeFacts.reached) return facts.missed() ?? 'The client did not meet the trap.';
    if (forbidden) return forbidden.detail;
    if (judged === 'fail') return hasStopped ? 'The client did not go on.' : 'The client did not end, and was stopped.';
    return (
      warning?.detail ??
      facts.required()?.detail ??
      (probe.deadline === 'go' ? 'The client went on as it must.' : 'The client did nothing forbidden.')
    );
  }
}
