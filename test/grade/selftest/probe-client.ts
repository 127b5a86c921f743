/** Runs a client of `conformance/clients` under a probe, in this process and in a fresh world. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Change } from '../../../conformance/clients/broken/changes.ts';
import { runClient } from '../../../conformance/clients/run.ts';
import { isServerRequest } from '../../../src/grade/grade-exchange.ts';
import type { ProbeId } from '../../../src/grade/probes.ts';
import type { ProbeVerdict } from '../../../src/grade/report.ts';
import type { ReportedOutcome } from '../../../src/grade/reported-outcomes.ts';
import { type EndedRun, type ProbeClock, type ProbeWorld, runProbe } from '../../../src/grade/run-probe.ts';
import type { ControlExchange } from '../../../src/grade/traps/trap.ts';
import type { Interceptor } from '../../../src/http/interceptor.ts';
import type { TracedExchange } from '../../../src/http/request-trace.ts';
import { createIds } from '../../../src/ids.ts';
import { defaultWorld } from '../../../src/world/definition/definition.ts';
import type { Deployment } from '../../../src/world/deployment.ts';
import { changeForProbe, describeProbeWorld } from '../../../src/world/probe-world.ts';
import type { World } from '../../../src/world/world.ts';

/** The worlds that clients run in. */
export interface Place {
  readonly deployment: Deployment;
  /** Certificate authority in PEM, if the worlds use TLS. */
  readonly authority?: string | undefined;
}

/**
 * - `complete`: the whole program;
 * - `nothing`: a program that sends no request;
 * - `before`: a program that is gone when it would send its first request for the operation;
 * - `after`: a program that is gone once such a request was answered.
 */
export interface Extent {
  readonly kind: 'complete' | 'nothing' | 'before' | 'after';
  readonly operation?: string | undefined;
}

export interface ProbedClient {
  readonly id: ProbeId;
  /** Absent for the good client. */
  readonly change?: Change | undefined;
  readonly extent: Extent;
  readonly control: readonly ControlExchange[];
  readonly earlier: ReadonlyMap<ProbeId, ProbeVerdict>;
}

export interface ProbeOutcome {
  readonly verdict: ProbeVerdict;
  /** All exchanges of its worlds, with their secrets. */
  readonly exchanges: readonly TracedExchange[];
}

/** The good client gives up on a silent server before the probe of silence ends. No other client has to be given up. */
const SILENCE_MS = { client: 4000, probe: 10_000 };
const TIMEOUT_MS = 60_000;
/** A busy machine must not decide: clients end by themselves long before the deadlines. */
const PATIENCE = 4;

const elapse = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  sleep(milliseconds, undefined, { signal }).catch(() => {});

const clockFor = (id: ProbeId): ProbeClock => ({
  now: () => performance.now(),
  wallNow: () => Date.now(),
  sleep: elapse,
  deadline: (milliseconds, signal) => elapse(id === 'P41' ? SILENCE_MS.probe : PATIENCE * milliseconds, signal),
});

const ids = createIds(undefined, 'selftest');

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const toControl = ({ summary, request, reply, receivedAt, answeredAt }: TracedExchange): ControlExchange => {
  const { ase, operation, status } = summary;
  const [body, answer] = [parse(request.body.toString()), parse(reply?.content ?? '')];
  return { ase, operation, status, request, body, answer, receivedAt, answeredAt };
};

/** The exchanges of a run without a probe. */
export async function runControl({ deployment, authority }: Place, change?: Change): Promise<ControlExchange[]> {
  const id = ids.uuid();
  const world = await deployment.addWorld(id, { consent: 'auto', profile: 'strict' });
  const control: ControlExchange[] = [];
  world.controls.subscribeToExchanges((exchange) => {
    if (!isServerRequest(exchange)) control.push(toControl(exchange));
  });
  try {
    await runClient({ ...addressesOf(world.describeEnvironment()), change, transport: { authority } });
    return control;
  } finally {
    await deployment.removeWorld(id);
  }
}

const addressesOf = (env: Readonly<Record<string, string | undefined>>) => ({
  sender: env['TOUCHSTONE_WALLET_ADDRESS']!,
  receiver: env['TOUCHSTONE_RECEIVER']!,
  givenKey: env['TOUCHSTONE_PRIVATE_KEY'],
});

export async function probeClient(place: Place, probed: ProbedClient): Promise<ProbeOutcome> {
  const { deployment, authority } = place;
  const { id, extent, control, earlier } = probed;
  const exchanges: TracedExchange[] = [];
  /** Ends the client of the round. */
  let vanish = new AbortController();

  async function startWorld(changes: Parameters<typeof changeForProbe>[1]): Promise<ProbeWorld> {
    const name = ids.uuid();
    const definition = await changeForProbe(defaultWorld, changes, authority ? 'https' : 'http');
    const world: World = await deployment.addWorld(name, {
      ...{ definition, consent: 'auto', profile: 'strict' },
      recordExchanges: 1000,
    });
    world.controls.subscribeToExchanges((exchange) => exchanges.push(exchange));
    const env = world.describeEnvironment() as Record<string, string>;
    const described = describeProbeWorld(world, env, async () => void (await deployment.removeWorld(name)));
    const intercept = (interceptor: Interceptor) =>
      described.intercept(withExtent(interceptor, extent, () => vanish.abort()));
    return { ...described, intercept };
  }

  function start(env: Readonly<Record<string, string>>) {
    vanish = new AbortController();
    const printed: string[] = [];
    const outcomes: ReportedOutcome[] = [];
    const end = (): EndedRun => ({ exitCode: 0, signal: null, output: printed.join('\n'), outcomes });
    if (extent.kind === 'nothing') return { ended: Promise.resolve(end()), kill: () => Promise.resolve(end()) };
    const { signal } = vanish;
    const run = runClient({
      ...addressesOf(env),
      change: (client, steps) => {
        probed.change?.(client, steps);
        // Prints everything that it knows, which no report may show.
        const { send } = client.transport;
        client.transport.send = async (message) => {
          const answer = await send(message);
          printed.push(
            [...message.headers].join(' '),
            message.body.toString(),
            [...answer.headers].join(' '),
            answer.text,
          );
          return answer;
        };
      },
      report: (outcome) => outcomes.push(outcome),
      transport: { authority, signal, timeoutMs: id === 'P41' ? SILENCE_MS.client : TIMEOUT_MS },
    })
      .catch((error: Error) => error.message)
      .then((reason) => void (reason !== undefined && printed.push(`stopped: ${reason}`)));
    const vanished = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    const ended = Promise.race([run, vanished]).then(end);
    const kill = async () => {
      vanish.abort();
      return end();
    };
    return { ended, kill };
  }

  const verdict = await runProbe({
    ...{ id, control, earlier, startWorld, start, clock: clockFor(id) },
    // Without a trap, the good client reports successes only.
    controlOutcomes: [{ outcome: 'success' }],
    ...{ hasTls: authority !== undefined, onDemand: true, timeoutMs: TIMEOUT_MS },
  });
  return { verdict, exchanges };
}

/** The trap sees the requests of a client that is not gone. */
function withExtent(interceptor: Interceptor, { kind, operation }: Extent, vanish: () => void): Interceptor {
  const { answer } = interceptor;
  if (!answer || (kind !== 'before' && kind !== 'after')) return interceptor;
  let isGone = false;
  const end = () => {
    isGone = true;
    vanish();
  };
  return {
    ...interceptor,
    async answer(call, next) {
      if (kind === 'before' && call.operation === operation) end();
      if (isGone) return 'reset';
      const answered = await answer(call, next);
      if (kind === 'before' || call.operation !== operation || typeof answered === 'string') return answered;
      return {
        ...answered,
        onSent(isComplete) {
          answered.onSent?.(isComplete);
          end();
        },
      };
    },
  };
}
