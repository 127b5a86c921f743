/** Named points between two steps at which a crash test kills the process. */

/**
 * In the order in which a payment passes them: payment stored, before its 201; debit on the hold account; Prepare in
 * the journal; Prepare sent; packet credited at the receiving ASE, before its answer; answer received; answer booked;
 * ended. A payment within one ASE passes only those without packets.
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

/** Does nothing; the default outside crash tests. */
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

/** Parses `name` or `name:n`; undefined for an unknown name. */
export function parseFailpoint(text: string): { name: FailpointName; n: number } | undefined {
  const [, wanted, count = '1'] = /^([a-z-]+)(?::([1-9][0-9]{0,6}))?$/.exec(text) ?? [];
  const name = failpointNames.find((known) => known === wanted);
  return name && { name, n: Number(count) };
}
