/** The probes by id, and the one rule by which the facts of a trap become its result. */
import type { RequirementId } from './catalogue.ts';
import { grantProbes } from './probes/grants.ts';
import { httpProbes } from './probes/http.ts';
import { interactionProbes } from './probes/interaction.ts';
import { paymentProbes } from './probes/payments.ts';
import { tokenProbes } from './probes/tokens.ts';
import type { Probe } from './requirement.ts';

const all = { ...interactionProbes, ...grantProbes, ...tokenProbes, ...httpProbes, ...paymentProbes };

export type ProbeId = keyof typeof all;

/** All probes by id. */
export const probes: Readonly<Record<ProbeId, Probe<RequirementId>>> = all;

export const probeIds = (Object.keys(all) as ProbeId[]).sort();

/** Ids of the probes that judge a requirement. */
export const probesOf = (id: RequirementId): ProbeId[] => probeIds.filter((each) => probes[each].judges.includes(id));

/** Facts of a trap, all of them from the side of the server. */
export interface ProbeFacts {
  /** The control run, in which nothing was changed, came to the step after the trap. */
  readonly controlPassed: boolean;
  readonly armed: boolean;
  /** The changed answer was delivered completely. */
  readonly reached: boolean;
  readonly forbiddenSeen: boolean;
  readonly requiredSeen: boolean;
  /** The process had to be killed at the deadline. */
  readonly killed: boolean;
  /** A fault of the test server, such as an answer that could not be written. */
  readonly serverFault: boolean;
}

export type ProbeResult = 'pass' | 'fail' | 'not-exercised' | 'inconclusive';

/**
 * The result of a trap whose process has ended or whose deadline has passed. The exit code of the command plays no
 * part, since a client that rightly stops usually fails. A client that does nothing never passes.
 */
export function judgeProbe({ deadline, mustEnd }: Probe, facts: ProbeFacts): ProbeResult {
  if (facts.serverFault) return 'inconclusive';
  if (!facts.controlPassed || !facts.armed || !facts.reached) return 'not-exercised';
  if (facts.forbiddenSeen || (mustEnd && facts.killed)) return 'fail';
  return deadline === 'go' && !facts.requiredSeen ? 'fail' : 'pass';
}
