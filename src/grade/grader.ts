/**
 * Grades the exchanges of a run: passes each to all judges, in order, after its reply was sent, and makes one verdict
 * for each requirement of what they find. It only reads records, so it can change no answer.
 */
import type { TracedExchange } from '../http/request-trace.ts';
import type { ProfileName, Switches } from '../profile.ts';
import { type RequirementId, requirementIds, requirements } from './catalogue.ts';
import { type GradingContext, gradeExchange, isServerRequest } from './grade-exchange.ts';
import type { GradedAse } from './graded-exchange.ts';
import { clip } from './json.ts';
import type { Finding, Findings, Judge, Run, RunEnd } from './judge.ts';
import { judges } from './judges.ts';
import { createKnownKeys } from './known-keys.ts';
import { MIN_DISTINCT_LENGTH, mask } from './mask-secrets.ts';
import type { Verdict } from './report.ts';
import type { Level } from './requirement.ts';
import { createRunState } from './run-state.ts';
import { BoundedMap } from './state/bounded-map.ts';
import { listKeyForms } from './state/secrets.ts';
import { MAX_FINDINGS, statusOf } from './status.ts';
import { createTextFinder, replaceRegions } from './text-finder.ts';

export interface GraderOptions {
  readonly profile: ProfileName;
  readonly switches: Switches;
  readonly ases: readonly GradedAse[];
  /** Secrets of the run that are in no exchange, private keys (PEM) among them: no finding shows them. */
  readonly secrets?: readonly string[];
  /** Replaced by tests. */
  readonly judges?: Readonly<Record<RequirementId, Judge>>;
}

/** A requirement that one exchange concerned: met or not. Those about the whole run are not among them. */
export interface ExchangeVerdict {
  readonly id: RequirementId;
  readonly level: Level;
  readonly status: 'pass' | 'fail' | 'warning' | 'note';
  /** The violations, without secrets. Empty if it is met. */
  describe(): Finding[];
}

export interface Grader {
  /** Grades the next exchange. Never throws. */
  observe(exchange: TracedExchange): void;
  /** Undefined if the exchange was not graded, or too long ago. */
  verdictsOf(exchange: number): ExchangeVerdict[] | undefined;
  /** Judges the run so far, and goes on with the same findings in a world that knows no grant, token or payment. */
  forgetState(end: RunEnd): void;
  /**
   * Judges the whole run so far; it can be repeated. `incomplete` says why exchanges are missing, if so: what passes is
   * inconclusive then.
   */
  finish(end: RunEnd, incomplete?: string): Verdict[];
}

/** Characters of a text of a finding. */
const MAX_TEXT = 1900;
/** Secrets of a run that are remembered. */
const MAX_SECRETS = 50_000;
/** Exchanges whose findings are kept one by one. */
const MAX_EXCHANGES = 1000;

/** Levels in a profile. */
export function levelOf(id: RequirementId, profile: ProfileName): Level {
  const { level, compat = level } = requirements[id];
  return profile === 'compat' ? compat : level;
}

/** Origins under which clients know the servers. */
const originsOf = (ases: readonly GradedAse[]): string[] => {
  const urls = ases.flatMap((ase) => [
    ase.walletAddressServer,
    ase.authServer,
    ase.resourceServer,
    ase.identityProvider,
  ]);
  return [...new Set(urls.map((url) => new URL(url).origin))];
};

export function createGrader(options: GraderOptions): Grader {
  const { profile, switches, ases, secrets = [] } = options;
  const privateKeys = secrets.filter((secret) => secret.includes('PRIVATE KEY')).flatMap(listKeyForms);
  const newRun = (): Run => ({ profile, switches, ases, privateKeys, state: createRunState() });
  let run = newRun();
  const known = createKnownKeys();
  const context: GradingContext = { switches, origins: originsOf(ases), secrets, knownKeys: known.keysFor };
  const tallies = new Map(requirementIds.map((id) => [id, new Tally(id)]));
  const seenSecrets = createSeenSecrets(secrets);
  const findingsOf = new BoundedMap<number, (readonly [RequirementId, Finding])[]>(MAX_EXCHANGES);
  const all = Object.entries(options.judges ?? judges) as [RequirementId, Judge][];
  let failure: string | undefined;

  function grade(traced: TracedExchange): void {
    try {
      known.observe(traced);
      const exchange = gradeExchange(traced, context);
      exchange.secrets().forEach(seenSecrets.add);
      findingsOf.set(exchange.id, []);
      for (const [id, judge] of all) {
        if (!judge.exchange) continue;
        for (const finding of tallies.get(id)!.take(() => judge.exchange!(exchange, run), exchange.id)) {
          findingsOf.get(finding.exchange!)?.push([id, finding]);
        }
      }
      run.state.observe(exchange);
    } catch (error) {
      failure ??= `exchange ${traced.summary.id} could not be graded: ${(error as Error).message}`;
    }
  }

  function takeEnd(into: ReadonlyMap<RequirementId, Tally>, end: RunEnd): void {
    for (const [id, judge] of all) if (judge.end) into.get(id)!.take(() => judge.end!(run, end));
  }

  return {
    observe(exchange) {
      if (!isServerRequest(exchange)) grade(exchange);
    },
    verdictsOf(exchange) {
      const found = findingsOf.get(exchange);
      if (!found) return undefined;
      return [...Map.groupBy(found, ([id]) => id)].map(([id, entries]) => {
        const level = levelOf(id, profile);
        const broken = entries.map(([, finding]) => finding).filter(({ outcome }) => outcome !== 'pass');
        const status = statusOf(level, broken, entries.length) as ExchangeVerdict['status'];
        // Lists show the status only.
        const describe = () => broken.map((finding) => hideSecrets(finding, seenSecrets.hide));
        return { id, level, status, describe };
      });
    },
    forgetState(end) {
      takeEnd(tallies, end);
      run = newRun();
    },
    finish(end, incomplete) {
      const finished = new Map([...tallies].map(([id, tally]) => [id, tally.copy()]));
      takeEnd(finished, end);
      return requirementIds.map((id) =>
        finished.get(id)!.toVerdict(levelOf(id, profile), seenSecrets.hide, failure ?? incomplete),
      );
    },
  };
}

/** Findings of one requirement, as far as a verdict needs them. */
class Tally {
  private applied = 0;
  private violations = 0;
  private failure: string | undefined;
  /** The worst first: violations, weak findings, and those that the profile tolerates. */
  private readonly found: readonly [Finding[], Finding[], Finding[]] = [[], [], []];
  private readonly id: RequirementId;

  constructor(id: RequirementId) {
    this.id = id;
  }

  copy(): Tally {
    const copy = new Tally(this.id);
    copy.applied = this.applied;
    copy.violations = this.violations;
    copy.failure = this.failure;
    for (const [rank, findings] of this.found.entries()) copy.found[rank]!.push(...findings);
    return copy;
  }

  /** A judge that fails says nothing about the client. Returns the findings. */
  take(judge: () => Findings, exchange?: number): Finding[] {
    try {
      const findings = [judge() ?? []].flat().map((each) => (exchange === undefined ? each : { exchange, ...each }));
      for (const finding of findings) this.add(finding);
      return findings;
    } catch (error) {
      this.failure ??= `the judge of ${this.id} failed: ${(error as Error).message}`;
      return [];
    }
  }

  private add(finding: Finding): void {
    this.applied += 1;
    if (finding.outcome === 'pass') return;
    this.violations += 1;
    const list = this.found[finding.tolerated ? 2 : finding.outcome === 'violation' ? 0 : 1];
    if (list.length < MAX_FINDINGS) list.push(finding);
  }

  toVerdict(level: Level, hide: (text: string) => string, failureOfRun: string | undefined): Verdict {
    const findings = this.found.flat().slice(0, MAX_FINDINGS);
    const judged = statusOf(level, findings, this.applied);
    const reason = this.failure ?? failureOfRun;
    const isInconclusive = reason !== undefined && judged !== 'fail' && judged !== 'warning';
    return {
      id: this.id,
      level,
      status: isInconclusive ? 'inconclusive' : judged,
      applied: this.applied,
      violations: this.violations,
      findings: findings.map((finding) => hideSecrets(finding, hide)),
      ...(isInconclusive && { reason: hide(reason) }),
      probes: [],
    };
  }
}

/** Secrets of the whole run, which an exchange can show that is not the one they belong to. */
function createSeenSecrets(known: readonly string[]) {
  const finder = createTextFinder<undefined>(MIN_DISTINCT_LENGTH);
  let count = 0;
  const add = (secret: string): void => {
    if (count < MAX_SECRETS && finder.add(secret, undefined)) count += 1;
  };
  known.forEach(add);
  return {
    add,
    /** The text without them, shortened. */
    hide: (text: string): string => clip(replaceRegions(text, finder.find(text, 'longest'), mask), MAX_TEXT),
  };
}

function hideSecrets({ detail, expected, actual, ...rest }: Finding, hide: (text: string) => string): Finding {
  const texts = Object.entries({ detail, expected, actual });
  return {
    ...rest,
    ...Object.fromEntries(texts.flatMap(([name, text]) => (text === undefined ? [] : [[name, hide(text)]]))),
  };
}
