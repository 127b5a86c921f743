/** The figures of a run against Touchstone: what each check needs, and what a run will create and spend at its target. */
import { readFileSync } from 'node:fs';
import type { Capability } from './capability.ts';
import type { Party } from './check.ts';
import { formatMoney } from './footprint.ts';

/** The needs of one check, and what it creates. `conformance/figures.ts` measures them. */
export interface CheckFigures {
  readonly needs?: readonly Capability[];
  readonly incomingPayments?: number;
  readonly quotes?: number;
  readonly outgoingPayments?: number;
  /** Minor units of the asset of the sender, at the rates of the default world. */
  readonly spends?: number;
}

const file = new URL('../figures.json', import.meta.url);

/** The figures of each check; a new one may be missing. */
export const readFigures = (): Readonly<Record<string, CheckFigures>> => JSON.parse(readFileSync(file, 'utf8'));

interface Announced {
  readonly sender: Party;
  readonly receiver: Party;
  readonly budget: bigint | undefined;
}

/** The sentences that come before money moves. */
export function announce(
  figures: readonly (CheckFigures | undefined)[],
  { sender, receiver, budget }: Announced,
): string {
  const sum = (name: 'incomingPayments' | 'quotes' | 'outgoingPayments' | 'spends'): number =>
    figures.reduce((total, each) => total + (each?.[name] ?? 0), 0);
  const money = (value: bigint) => formatMoney({ ...sender, value });
  const unknown = figures.filter((each) => each === undefined).length;
  const others = unknown > 0 ? ` ${unknown} of the checks were not measured, and may add to these figures.` : '';
  const most = budget === undefined ? 'without a limit' : `${money(budget)} at most (--budget)`;
  return (
    `The ${figures.length} checks create about ${sum('incomingPayments')} incoming payments at ${receiver.url}, ` +
    `${sum('quotes')} quotes and ${sum('outgoingPayments')} outgoing payments from ${sender.url}, which spend about ` +
    `${money(BigInt(Math.ceil(sum('spends'))))}, ${most}.${others} At the end they complete the incoming payments and revoke ` +
    `tokens and grants; quotes and outgoing payments stay.`
  );
}
