/**
 * Grades the exchanges of a world while it runs. Each is queued after its answer was sent. They are judged when the
 * report is read; if there are many, in a quiet moment before, or else a few at a time, so that requests do not
 * wait for verdicts.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { sizeOfExchange } from '../http/recorded-exchange.ts';
import type { RequestTrace, TracedExchange } from '../http/request-trace.ts';
import { createCoverageCounter } from './coverage.ts';
import { type DescribedExchange, describeExchanges } from './describe-exchange.ts';
import { isServerRequest } from './grade-exchange.ts';
import { createGrader, type ExchangeVerdict, type Grader, type GraderOptions } from './grader.ts';
import type { RunEnd } from './judge.ts';
import type { Coverage, Verdict } from './report.ts';

/** Fewer exchanges wait for the report, which soon judges them: many a world is never asked for one. */
const MIN_BATCH = 100;
/** A moment is quiet if no request was answered in this time. */
const QUIET_MS = 100;
/** In a world that is never quiet, the share of its time that grading takes once the queue is half full: 10 of 250 ms. */
const SLICE_MS = 10;
const PERIOD_MS = 250;
/** Exchanges that wait for their turn. */
const MAX_QUEUE = 1000;
/** Facts about exchanges are kept until the end, so their number is limited. */
const MAX_JUDGED = 20_000;
/** Their bytes together, because facts are texts of the client. */
const MAX_BYTES = 256 * 1024 * 1024;
/** Exchanges in a report, besides those that findings name. */
const MAX_DESCRIBED = 1000;
/** Their bytes together. */
const MAX_DESCRIBED_BYTES = 16 * 1024 * 1024;

export interface GradingOptions extends Omit<GraderOptions, 'secrets'> {
  /** Secrets of the run that are in no exchange, once the world has started. */
  readonly secrets: () => readonly string[];
  /** Origins of the servers of the world. */
  readonly origins: readonly string[];
  readonly wallNow: () => number;
  /** Monotonic time in milliseconds, which tests replace. */
  readonly now?: () => number;
  readonly trace: Pick<RequestTrace, 'list' | 'find'>;
  /**
   * For worlds that run only to be graded: when the queue is full, judge at once instead of giving up, and keep the
   * findings when the world is reset.
   */
  readonly isComplete: boolean;
  /** Most exchanges that are judged, and their bytes. Default: 20 000, and 256 MiB. */
  readonly maxJudged?: number;
  readonly maxBytes?: number;
  /** Bytes of the exchanges in a report. Default: 16 MiB. */
  readonly maxDescribedBytes?: number;
}

export interface GradingResults {
  /** Wall time in milliseconds: when this began, or was last cleared. */
  readonly startedAt: number;
  readonly verdicts: readonly Verdict[];
  readonly coverage: Coverage;
  readonly exchanges: readonly DescribedExchange[];
  /** Why later requests were not graded, if so. */
  readonly stopped: string | undefined;
}

export interface Grading {
  /** Cheap. The exchange is judged later. */
  observe(exchange: TracedExchange): void;
  /** Judges what is in the queue, and the run so far. Other work has its turn meanwhile. Can be repeated. */
  read(end: RunEnd): Promise<GradingResults>;
  /** Judges what is in the queue, for this long at most. Other work has its turn meanwhile. */
  catchUp(milliseconds: number): Promise<void>;
  /** The verdicts about one exchange. Undefined if it is not graded, or not yet. */
  verdictsOf(exchange: number): readonly ExchangeVerdict[] | undefined;
  /** The world is about to be reset, with its trace. Forgets everything, or in a complete run the state of the world. */
  clear(): void;
}

interface JudgedRun {
  /** Exchanges in the queue, those that were judged, and the bytes of all so far. */
  measure(): { readonly waiting: number; readonly judged: number; readonly bytes: number };
  add(exchange: TracedExchange): void;
  /** Judges from the queue for about this long. */
  judge(milliseconds: number): void;
  /** Judges the queue, and goes on in a world without state. */
  startOver(): void;
  /** Takes no further exchanges. */
  stop(reason: string): void;
  read(end: RunEnd): Promise<GradingResults>;
  catchUp: Grading['catchUp'];
  verdictsOf: Grading['verdictsOf'];
}

function beginRun(options: GradingOptions, now: () => number): JudgedRun {
  const startedAt = options.wallNow();
  // Made when it is first needed, because the keys are known only once the world has started.
  let grader: Grader | undefined;
  const coverage = createCoverageCounter();
  let queue: TracedExchange[] = [];
  let judged = 0;
  let bytes = 0;
  let stopped: string | undefined;
  /** Exchanges from before a reset, as far as the report may show them. */
  let kept: readonly TracedExchange[] = [];

  const begin = () => (grader ??= createGrader({ ...options, secrets: options.secrets() }));

  function judge(milliseconds: number): void {
    const deadline = now() + milliseconds;
    const grader = begin();
    let done = 0;
    while (done < queue.length && (done === 0 || now() < deadline)) {
      const exchange = queue[done]!;
      grader.observe(exchange);
      if (!isServerRequest(exchange)) coverage.observe(exchange.summary);
      done += 1;
    }
    queue = queue.slice(done);
    judged += done;
  }

  /** Judges what is in the queue now. What comes meanwhile is left, so that it ends. */
  async function catchUp(milliseconds: number): Promise<void> {
    const [last, deadline] = [judged + queue.length, now() + milliseconds];
    while (queue.length > 0 && judged < last && now() < deadline) {
      judge(SLICE_MS);
      await turn();
    }
  }

  return {
    measure: () => ({ waiting: queue.length, judged, bytes }),
    add(exchange) {
      if (stopped !== undefined) return;
      queue.push(exchange);
      bytes += sizeOfExchange(exchange);
    },
    judge,
    startOver() {
      judge(Number.POSITIVE_INFINITY);
      const end = { at: options.wallNow(), output: '', privateKeys: [] };
      begin().forgetState(end);
      kept = chooseExchanges(options, kept, begin().finish(end));
    },
    stop(reason) {
      const remedy = options.isComplete ? '' : '; POST /reset begins anew';
      stopped = `${reason}: only the first ${judged} were graded${remedy}`;
      queue = [];
    },
    async read(end) {
      await catchUp(Number.POSITIVE_INFINITY);
      const verdicts = begin().finish(end, stopped);
      const { origins, switches } = options;
      const exchanges = await describeExchanges(chooseExchanges(options, kept, verdicts), origins, switches);
      return { startedAt, verdicts, coverage: coverage.read(), exchanges, stopped };
    },
    catchUp,
    verdictsOf: (exchange) => grader?.verdictsOf(exchange),
  };
}

export function createGrading(options: GradingOptions): Grading {
  const { isComplete, maxJudged = MAX_JUDGED, maxBytes = MAX_BYTES, now = () => performance.now() } = options;
  let run = beginRun(options, now);
  let quiet: NodeJS.Timeout | undefined;
  /** When the oldest exchange in the queue came, or the last slice was due. */
  let waitingSince = 0;

  function judgeInQuiet(): void {
    run.judge(SLICE_MS);
    if (run.measure().waiting > 0) quiet?.refresh();
  }

  function limit(): void {
    const { waiting, judged, bytes } = run.measure();
    if (judged + waiting > maxJudged) run.stop('there were too many requests');
    else if (bytes > maxBytes) run.stop('the requests were too large');
    else if (waiting > MAX_QUEUE && isComplete) run.judge(Number.POSITIVE_INFINITY);
    else if (waiting > MAX_QUEUE) run.stop('requests came too fast');
  }

  return {
    observe(exchange) {
      run.add(exchange);
      limit();
      const { waiting } = run.measure();
      if (waiting === 0) return;
      if (waiting === 1) waitingSince = now();
      if (waiting < MIN_BATCH) return;
      // Each request restarts the timer, so that it fires only in a quiet moment.
      if (quiet) quiet.refresh();
      else quiet = setTimeout(judgeInQuiet, QUIET_MS).unref();
      if (waiting < MAX_QUEUE / 2 || now() - waitingSince < PERIOD_MS) return;
      waitingSince = now();
      setImmediate(run.judge, SLICE_MS);
    },
    read: (end) => run.read(end),
    catchUp: (milliseconds) => run.catchUp(milliseconds),
    verdictsOf: (exchange) => run.verdictsOf(exchange),
    clear() {
      if (isComplete) run.startOver();
      else run = beginRun(options, now);
    },
  };
}

/** The exchanges that findings name, and the newest others, as far as they are still recorded, or were kept. */
function chooseExchanges(
  { trace, maxDescribedBytes = MAX_DESCRIBED_BYTES }: GradingOptions,
  kept: readonly TracedExchange[],
  verdicts: readonly Verdict[],
): TracedExchange[] {
  const cited = verdicts.flatMap(({ findings }) => findings.flatMap(({ exchange }) => exchange ?? []));
  const keptById = new Map(kept.map((exchange) => [exchange.summary.id, exchange]));
  const newest = [...keptById.keys(), ...trace.list({ limit: MAX_DESCRIBED }).map(({ id }) => id)].slice(
    -MAX_DESCRIBED,
  );
  const chosen: TracedExchange[] = [];
  let bytes = 0;
  for (const id of new Set([...cited, ...newest.toReversed()])) {
    const exchange = keptById.get(id) ?? trace.find(id);
    if (!exchange || isServerRequest(exchange)) continue;
    bytes += sizeOfExchange(exchange);
    if (bytes > maxDescribedBytes) break;
    chosen.push(exchange);
  }
  return chosen.sort((a, b) => a.summary.id - b.summary.id);
}
