/**
 * The clients under probes: each broken one is caught by the probe of its requirement, the good one passes all of them,
 * and so does no client that never starts, or ends too early. No verdict shows a secret.
 */
import { type ProbeId, probeIds, probes } from '../../../src/grade/probes.ts';
import { type ProbeVerdict, resultFor } from '../../../src/grade/report.ts';
import { type Extent, type Place, type ProbeOutcome, probeClient, runControl } from './probe-client.ts';
import { habits, probeCases } from './probe-clients.ts';
import { secretsOf } from './secrets.ts';

export interface ProbeFigures {
  probes: number;
  clients: number;
  runs: number;
  fired: number;
  missed: number;
  falseAlarms: number;
  problems: string[];
}

type Task = () => Promise<void>;

export interface ProbePlaces {
  readonly plain: Place;
  readonly tls: Place;
}

const judged = ({ result, weak }: Pick<ProbeVerdict, 'result' | 'weak'>): string => result + (weak ? ' weakly' : '');

/** Long waits come first, so that they pass while others run, and those in which clients have to be in time. */
const slow: readonly ProbeId[] = ['P21', 'P41', 'P42', 'P06', 'P11', 'P10', 'P39', 'P38', 'P12', 'P24', 'P33'];
const inOrder = [...slow, ...probeIds.filter((id) => !slow.includes(id))];

/** Verdicts on which rounds of other probes depend, as the good client gets them. */
const passed = new Map<ProbeId, ProbeVerdict>(
  (['P01', 'P12', 'P22'] as const).map((id) => [id, { id, result: 'pass' } as ProbeVerdict]),
);

/** The tasks, which can run at the same time. `figures` are complete after the last of them. */
export async function planProbeTasks(
  places: ProbePlaces,
  only: RegExp,
  verbose: (line: string) => void,
): Promise<{ figures: ProbeFigures; tasks: Task[] }> {
  const chosen = inOrder.filter((id) => only.test(id));
  const figures: ProbeFigures = {
    ...{ probes: chosen.length, clients: 0, runs: 0, fired: 0, missed: 0, falseAlarms: 0 },
    problems: [],
  };
  if (chosen.length === 0) return { figures, tasks: [] };
  const placeOf = (id: ProbeId): Place => (probes[id].only === 'tls' ? places.tls : places.plain);
  const [good, polling] = await Promise.all([runControl(places.plain), runControl(places.plain, habits.P14)]);

  async function probe(id: ProbeId, name: string, extent: Extent, change = habits[id]): Promise<ProbeOutcome> {
    const control = habits[id] === habits.P14 ? polling : good;
    const outcome = await probeClient(placeOf(id), { id, change, extent, control, earlier: passed });
    const { verdict, exchanges } = outcome;
    figures.runs += Math.max(1, verdict.runs.length);
    verbose(
      `${id} ${name}: ${judged(verdict)} ${verdict.milliseconds} ms: ${verdict.detail} ${verdict.runs.map(({ output }) => /stopped: .*/.exec(output)?.[0] ?? '').join('|')}`,
    );
    const text = JSON.stringify(verdict);
    const shown = secretsOf(exchanges).filter((secret) => text.includes(secret));
    if (shown.length > 0) figures.problems.push(`${id} ${name}: the verdict shows ${shown.length} secrets`);
    return outcome;
  }

  function expect(id: ProbeId, name: string, found: string, wanted: readonly string[], detail: string): boolean {
    const isRight = wanted.includes(found);
    if (!isRight) figures.problems.push(`${id} ${name}: ${found} instead of ${wanted.join(' or ')}: ${detail}`);
    return isRight;
  }

  /** The good client, and then clients that end where it met the trap. */
  const runGood =
    (id: ProbeId): Task =>
    async () => {
      const { verdict } = await probe(id, 'good client', { kind: 'complete' });
      if (!expect(id, 'good client', judged(verdict), ['pass'], verdict.detail)) figures.falseAlarms += 1;
      for (const { id: requirement, ...each } of verdict.results ?? []) {
        expect(id, `good client, ${requirement}`, judged(each), ['pass'], each.detail);
      }
      const met = verdict.runs.find(({ decisive }) => decisive.length > 0);
      const operation = met?.exchanges.find((exchange) => exchange.id === met.decisive[0])?.operation ?? entry[id];
      if (operation === undefined) {
        figures.problems.push(`${id} good client: no exchange shows where it met the trap`);
        return;
      }
      const never = await probe(id, 'never starts', { kind: 'nothing' });
      expect(id, 'never starts', judged(never.verdict), ['not-exercised'], never.verdict.detail);
      const before = await probe(id, 'stops before', { kind: 'before', operation });
      expect(id, 'stops before the trap', judged(before.verdict), ['not-exercised'], before.verdict.detail);
      if (probes[id].deadline === 'stop') return;
      const after = await probe(id, 'stops at', { kind: 'after', operation });
      // Some have to poll, or ask again, before they have met it.
      const wanted = ['fail', 'fail weakly', 'not-exercised'];
      expect(id, 'stops at the trap', judged(after.verdict), wanted, after.verdict.detail);
    };

  const runBroken =
    ({ probe: id, requirement, change }: (typeof probeCases)[number]): Task =>
    async () => {
      const name = `broken ${requirement}`;
      const { verdict } = await probe(id, name, { kind: 'complete' }, change);
      const result = resultFor(verdict, requirement);
      if (expect(id, name, judged(result), ['fail', 'fail weakly'], result.detail)) figures.fired += 1;
      else figures.missed += 1;
    };

  const tasks = chosen.flatMap((id) => [...probeCases.filter((each) => each.probe === id).map(runBroken), runGood(id)]);
  figures.clients = tasks.length;
  return { figures, tasks };
}

/** The operation at which the good client meets the trap, if no exchange is recorded for it. */
const entry: Readonly<Partial<Record<ProbeId, string>>> = { P49: 'get-wallet-address' };
