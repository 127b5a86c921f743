/** Named points at which a crash test ends the process, between two steps that must survive being torn apart. */

/**
 * In the order in which a payment passes them: stored, its 201 not sent yet; debit on the hold account; Prepare in the
 * journal; Prepare gone out; credited at the receiving ASE, which passes this point and has not answered yet; answer
 * there; answer booked; ended. A payment within one ASE has no packets.
 */
export const failpointNames = [
  'payment-stored',
  'hold-stored',
  'prepare-stored',
  'packet-sent',
  'packet-credited',
  'packet-answered',
  'packet-booked',
  'job-done',
] as const;

export type FailpointName = (typeof failpointNames)[number];
export type Failpoint = (name: FailpointName) => void;

/** What production uses. */
export const noFailpoint: Failpoint = () => {};

/** Kills this process, as a power cut would, when `name` is passed for the `n`-th time. */
export function killAt(name: FailpointName, n = 1): Failpoint {
  let passed = 0;
  return (at) => {
    if (at !== name) return;
    passed += 1;
    if (passed === n) process.kill(process.pid, 'SIGKILL');
  };
}

/** Reads `name` or `name:n`; undefined if there is no such point. */
export function parseFailpoint(text: string): { name: FailpointName; n: number } | undefined {
  const [, given, count = '1'] = /^([a-z-]+)(?::([1-9][0-9]{0,6}))?$/.exec(text) ?? [];
  const name = failpointNames.find((known) => known === given);
  return name && { name, n: Number(count) };
}
