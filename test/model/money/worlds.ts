/** Random worlds for the model of the money: assets, prices, fees, packets, balances, grants. */
import fc from '../../support/fast-check.ts';
import { type Asset, nameOf, quoteReceive } from './amounts.ts';
import { type AseName, begin, type GrantTerms, MOST, termsBetween, type World } from './state.ts';

export const codes = ['USD', 'EUR', 'JPY'];
export const weighted = <T>(...choices: readonly (readonly [weight: number, value: T])[]): fc.Arbitrary<T> =>
  fc.oneof(...choices.map(([weight, value]) => ({ weight, arbitrary: fc.constant(value) })));

const asset: fc.Arbitrary<Asset> = fc.record({
  code: fc.constantFrom(...codes),
  scale: fc.constantFrom(0, 2, 2, 3, 6, 9),
});
/** A price, as it is written: 0.001 to 99.999, or much more, so that a unit of one asset is worth many of another. */
const price = fc
  .oneof(
    { weight: 4, arbitrary: fc.integer({ min: 1, max: 99_999 }) },
    { weight: 1, arbitrary: fc.integer({ min: 10 ** 7, max: 10 ** 9 }) },
  )
  .map(toPrice);
export const fee = fc.oneof(
  { weight: 2, arbitrary: fc.constant({ basisPoints: 0, fixed: 0n }) },
  {
    weight: 5,
    arbitrary: fc.record({ basisPoints: fc.integer({ min: 0, max: 500 }), fixed: fc.bigInt({ min: 0n, max: 3n }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ basisPoints: fc.integer({ min: 0, max: 9999 }), fixed: fc.bigInt({ min: 0n, max: 500n }) }),
  },
);

export function toPrice(thousandths: number): string {
  return `${Math.floor(thousandths / 1000)}.${String(thousandths % 1000).padStart(3, '0')}`;
}

/** In quarters of what it takes to send a packet, so that worlds differ in scale and not in what happens in them. */
const grant = fc.record({
  wallet: fc.constantFrom(0, 0, 0, 1, 2),
  limited: weighted<'debit' | 'receive' | undefined>([4, 'debit'], [1, 'receive'], [2, undefined]),
  quarters: fc.integer({ min: 4, max: 160 }),
  receiver: fc.constantFrom(2, 3),
  interval: fc.option(
    fc.record({ seconds: fc.constantFrom(60, 3600), count: weighted<number | undefined>([2, undefined], [1, 3]) }),
  ),
});

export const world: fc.Arbitrary<World> = fc
  .record({
    assets: fc.tuple(asset, asset, asset, asset),
    prices: fc.tuple(price, price, price),
    fee,
    maxPacketAmount: fc.constantFrom(3n, 100n, 2_500n, 10n ** 9n),
    hasRelay: weighted([3, false], [1, true]),
    slots: weighted([2, 8], [1, 1]),
    quarters: fc.tuple(...Array.from({ length: 4 }, () => fc.integer({ min: 0, max: 200 }))),
    grants: fc.array(grant, { minLength: 1, maxLength: 3 }),
  })
  .map(({ assets, prices, quarters, grants, ...rest }) => {
    const wallets = assets.map((own, number) => ({
      asset: own,
      ase: (number < 2 ? 'granite' : 'marble') as AseName,
      balance: 0n,
    }));
    const priced = Object.fromEntries(codes.map((code, index) => [code, prices[index]!]));
    const empty: World = { wallets, grants: [], prices: priced, ...rest };
    const debitFor = (from: number, to: number, amount: number) =>
      clamp(quoteReceive(termsBetween(empty, begin(empty), from, to), inQuarters(empty, amount)).debit, 2n ** 62n);
    return {
      ...empty,
      wallets: wallets.map((wallet, number) => ({
        ...wallet,
        balance: debitFor(number, 3 - number, quarters[number]!),
      })),
      grants: grants.map(
        ({ wallet, limited, quarters: most, receiver, interval }): GrantTerms => ({
          wallet,
          ...(limited === 'debit' && { debit: debitFor(wallet, receiver, most) }),
          ...(limited === 'receive' && {
            receive: { value: inQuarters(empty, most), asset: nameOf(assets[receiver]!) },
          }),
          ...(interval && { interval }),
        }),
      ),
    };
  });

export const clamp = (value: bigint, most = MOST): bigint => (value < 1n ? 1n : value > most ? most : value);
export const inQuarters = ({ maxPacketAmount }: World, quarters: number): bigint =>
  clamp((maxPacketAmount * BigInt(quarters)) / 4n);
