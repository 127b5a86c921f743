/**
 * Capabilities of a target beyond Open Payments. A check finds out while it runs which it needs; without one of them it
 * is not applicable, which is neither a pass nor a failure.
 */
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
  'automatic-consent': 'consent without a person (--consent-command)',
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

/** The capability for which a path of the control API is needed. */
export const capabilityOf = (path: string): Capability =>
  byPath.find(([prefix]) => path.startsWith(prefix))?.[1] ?? 'administration';
