/** The traps of all probes. A probe without one does not compile. */
import { type ProbeId, probes } from '../probes.ts';
import { grantTraps } from './grants.ts';
import { httpTraps } from './http.ts';
import { interactionTraps } from './interaction.ts';
import { paymentTraps } from './payments.ts';
import { tokenTraps } from './tokens.ts';
import type { Trap } from './trap.ts';

export const traps: Readonly<Record<ProbeId, Trap>> = {
  ...interactionTraps,
  ...grantTraps,
  ...tokenTraps,
  ...httpTraps,
  ...paymentTraps,
};

/** The probe with this name, such as `finish-hash-wrong`. */
export const findProbe = (name: string): ProbeId | undefined =>
  (Object.keys(traps) as ProbeId[]).find((id) => probes[id].name === name);
