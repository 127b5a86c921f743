/** The money as seen from outside, in the model and in the server (RS-G-01…08). */
import type { Sight } from './client.ts';
import { type GrantTerms, periodAt, type State, shownOf, type World } from './state.ts';

export const show = (value: unknown): string =>
  JSON.stringify(value, (_name, member) => (typeof member === 'bigint' ? `${member}` : member));

export const numbersOf = (of: Readonly<Record<number, unknown>>): number[] => Object.keys(of).map(Number);

/** Those of the states that look like what is seen. Throws an Error if there is none. */
export function matching(terms: World, states: readonly State[], sight: Sight): readonly State[] {
  const seen = show(sight);
  const fitting = states.filter((state) => show(expectSight(terms, state, sight)) === seen);
  if (fitting.length > 0) return fitting;
  const expected = states.map((state) => show(expectSight(terms, state, sight))).join('\n  ');
  throw new Error(`seen\n  ${seen}\nexpected\n  ${expected}`);
}

/** The model's view of the resources that were observed. */
function expectSight({ grants }: World, state: State, sight: Sight): Sight {
  const of = <T>(seen: object, see: (number: number) => T) =>
    Object.fromEntries(numbersOf(seen as Record<number, unknown>).map((number) => [number, see(number)]));
  return {
    balances: state.balances,
    payments: of(sight.payments, (number) => {
      const payment = state.payments[number];
      return (
        payment && {
          sent: shownOf(payment),
          failed: payment.stage === 'failed',
          inDoubt: payment.stage === 'doubt',
        }
      );
    }) as Sight['payments'],
    incoming: of(sight.incoming, (number) => {
      const { received, completed } = state.incoming[number]!;
      return { received, completed };
    }),
    grants: of(sight.grants, (number) => expectSpent(state, grants[number]!, number, sight.grants[number]!)),
  };
}

/** RS-G-01…08. */
function expectSpent(state: State, { interval }: GrantTerms, number: number, seen: Sight['grants'][number]) {
  const period = periodAt(interval, state.now);
  const periods = state.spent[number] ?? {};
  const nothing = { debit: null, receive: null };
  if (period === undefined) return nothing;
  // The payer's asset is that of the wallet.
  const unit = seen.debit?.asset ?? '';
  const rows = periods[period];
  if (!rows) {
    const newest = Object.values(periods).at(-1)?.at(-1);
    if (!newest) return nothing;
    return { debit: { value: 0n, asset: unit }, receive: { value: 0n, asset: newest.asset } };
  }
  const used = rows.filter(({ receive }) => receive > 0n);
  const only = used[0] ?? rows.at(-1)!;
  return {
    debit: { value: rows.reduce((sum, { debit }) => sum + debit, 0n), asset: unit },
    receive: used.length > 1 ? null : { value: only.receive, asset: only.asset },
  };
}
