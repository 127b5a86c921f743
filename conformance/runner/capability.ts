/**
 * Capabilities of a target beyond Open Payments. Without one that a check needs it is not applicable, which is neither
 * a pass nor a failure. `figures.json` holds the needs of each check; a new check finds them out while it runs.
 */
import type { Target } from './target.ts';

export const capabilities = {
  clock: 'a clock that a check can move (--control)',
  worlds: 'additional worlds with other settings (--control)',
  'consent-modes': 'consent that is refused or asked of a person on demand (--control)',
  'refusal-reasons': 'the reason for which a request was rejected (--control)',
  faults: 'faults that a check can inject (--control)',
  administration: 'administration of accounts, peers, fees and webhooks (--control)',
  introspection: 'token introspection for resource servers (TOUCHSTONE_INTROSPECTION)',
  'back-channel': 'a back channel for identity providers (TOUCHSTONE_BACK_CHANNEL)',
  'interaction-urls': 'interaction URLs of the form that Rafiki has, …/interact/{id}/{nonce}',
  'second-ase': 'a receiver at another ASE (--receiver)',
  'second-wallet': 'a client whose wallet address is at the ASE that is checked (--client)',
  'foreign-receivers': 'payments to receivers at other ASEs',
  discovery: 'discovery of the grant endpoint (RFC 9635 §9)',
  'automatic-consent': 'consent without a person (--consent, --consent-command or --consent-hook)',
  budget: 'a larger --budget',
  'local-servers': 'key sets and callbacks on servers of this machine (--local-servers)',
} as const;

export type Capability = keyof typeof capabilities;

/** Thrown by a step that the target does not offer. */
export class NotApplicable extends Error {
  readonly capability: Capability;

  constructor(capability: Capability) {
    super(`this needs ${capabilities[capability]}`);
    this.name = 'NotApplicable';
    this.capability = capability;
  }
}

const byPath: readonly (readonly [prefix: string, Capability])[] = [
  ['/clock', 'clock'],
  ['/worlds', 'worlds'],
  ['/consent', 'consent-modes'],
  ['/exchanges', 'refusal-reasons'],
  ['/faults', 'faults'],
];

/** The first capability that the target lacks, as far as its description says. */
export function findLack(needs: readonly Capability[], target: Target): Capability | undefined {
  const offered: Partial<Record<Capability, boolean>> = {
    introspection: target.introspection !== undefined,
    'back-channel': target.backChannel !== undefined,
    'local-servers': target.reachesLocalServers,
  };
  const hasControl = target.control !== undefined;
  return needs.find((need) => !(offered[need] ?? (hasControl || !controlled.has(need))));
}

const controlled: ReadonlySet<Capability> = new Set([
  'clock',
  'worlds',
  'consent-modes',
  'refusal-reasons',
  'faults',
  'administration',
]);

/** The capability for which a path of the control API is needed. */
export const capabilityOf = (path: string): Capability =>
  byPath.find(([prefix]) => path.startsWith(prefix))?.[1] ?? 'administration';
