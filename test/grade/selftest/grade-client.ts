/** Runs a client of `conformance/clients` in a fresh world, and grades it. */
import type { Change } from '../../../conformance/clients/broken/changes.ts';
import { runClient } from '../../../conformance/clients/run.ts';
import type { Fault } from '../../../src/faults.ts';
import type { Verdict } from '../../../src/grade/report.ts';
import { createIds } from '../../../src/ids.ts';
import type { ProfileName } from '../../../src/profile.ts';
import { defaultWorld, type WorldDefinition } from '../../../src/world/definition/definition.ts';
import type { Place } from './probe-client.ts';

/** Conditions of a run. */
export interface Scenario {
  /** Absent for the good client. */
  readonly change?: Change | undefined;
  readonly consent?: 'auto' | 'deny';
  /** `continue.wait` of all grants. */
  readonly waitSeconds?: number;
  readonly faults?: readonly (Pick<Fault, 'operation' | 'kind'> & Partial<Fault>)[];
}

export interface GradedClient {
  readonly verdicts: readonly Verdict[];
  /** Why the client stopped, if it did. */
  readonly stopped: string | undefined;
  /** Why the run says nothing about the client, if so. */
  readonly broken: readonly string[];
}

export async function gradeClient(
  { deployment, authority }: Place,
  profile: ProfileName,
  { change, consent = 'auto', waitSeconds, faults = [] }: Scenario,
): Promise<GradedClient> {
  const id = createIds(undefined, 'selftest').uuid();
  const definition = waitSeconds === undefined ? defaultWorld : withWait(waitSeconds);
  const world = await deployment.addWorld(id, { consent, definition, profile, gradesAll: true });
  try {
    const variables = world.describeEnvironment();
    for (const fault of faults) world.controls.faults!.add({ nth: 1, times: 3, ...fault });
    const printed: string[] = [];
    const stopped = await runClient({
      sender: variables['TOUCHSTONE_WALLET_ADDRESS']!,
      receiver: variables['TOUCHSTONE_RECEIVER']!,
      change,
      transport: { authority },
      givenKey: variables['TOUCHSTONE_PRIVATE_KEY'],
      print: (text) => printed.push(text),
    }).catch((error: Error) => `mistake: ${error.message}`);
    await world.settled();
    const { verdicts, broken } = await world.controls.readRun!(printed.join('\n'));
    return { verdicts, stopped, broken };
  } finally {
    await deployment.removeWorld(id);
  }
}

const withWait = (waitSeconds: number): WorldDefinition => ({
  ...defaultWorld,
  ases: defaultWorld.ases.map((ase) => ({ ...ase, grants: { ...ase.grants, waitSeconds } })),
});
