/** Random requests of the money model, and the faults that strike them. */
import fc from '../../support/fast-check.ts';
import type { Action, Fault, PacketFate, State } from './state.ts';
import { fee, weighted } from './worlds.ts';

/** An action before it is known what there is to name. `of` counts from the newest; amounts are quarters and units. */
export interface Intent {
  readonly kind: Action['kind'];
  readonly of: number;
  readonly wallet: number;
  readonly grant: number;
  readonly quarters: number;
  readonly units: bigint;
  readonly names: 'debit' | 'receive' | 'nothing';
  readonly hasAmount: boolean;
  readonly lifetime: number | undefined;
  readonly isAgain: boolean;
  readonly code: number;
  readonly factor: number;
  readonly fee: State['fees'][string];
  readonly seconds: number;
}

export interface Group {
  readonly intents: readonly Intent[];
  readonly fault: Fault | undefined;
  /** Each request is sent when the one before it was answered, all of them before a slow packet arrives. */
  readonly inTurn?: boolean;
}

const intentOf = (kind: fc.Arbitrary<Action['kind']>): fc.Arbitrary<Intent> =>
  fc.record({
    kind,
    of: weighted([5, 0], [2, 1], [1, 2]),
    wallet: fc.constantFrom(0, 1, 2, 2, 3, 3),
    grant: fc.nat(2),
    quarters: fc.oneof(fc.integer({ min: 0, max: 8 }), fc.integer({ min: 5, max: 20 })),
    units: weighted([3, 0n], [1, -1n], [1, 1n]),
    names: weighted<Intent['names']>([3, 'debit'], [3, 'receive'], [2, 'nothing']),
    hasAmount: fc.boolean(),
    lifetime: weighted<number | undefined>([6, undefined], [1, 30], [1, 600], [1, 3600]),
    isAgain: weighted([4, false], [1, true]),
    code: fc.nat(2),
    factor: fc.integer({ min: 0, max: 16 }),
    fee,
    seconds: fc.constantFrom(1, 29, 30, 60, 599, 900, 899, 3600, 7200),
  });

const kind = weighted<Action['kind']>(
  ...([
    [6, 'receive'],
    [1, 'complete'],
    [9, 'quote'],
    [12, 'pay quote'],
    [16, 'pay incoming'],
    [3, 'deposit'],
    [1, 'withdraw'],
    [3, 'price'],
    [3, 'fee'],
  ] as const),
);
const payments = weighted<Action['kind']>([3, 'pay incoming'], [3, 'pay quote'], [1, 'complete'], [1, 'withdraw']);

const packetFault: fc.Arbitrary<Fault> = fc.record({
  packet: fc.constantFrom(1, 2, 2, 2, 3, 3, 4),
  fate: weighted<PacketFate>(
    ...([
      [6, 'final'],
      [2, 'temporary'],
      [1, 'lost'],
      [1, 'unanswered'],
      [2, 'repeated'],
      [4, 'indebted'],
    ] as const),
  ),
  isSlow: weighted([2, false], [1, true]),
});
const callFault: fc.Arbitrary<Fault> = fc.record({
  at: fc.constantFrom('receive', 'complete', 'quote', 'pay quote', 'pay incoming', 'pay incoming'),
  isDone: fc.boolean(),
});
const fault = fc.oneof(
  { weight: 5, arbitrary: fc.constant(undefined) },
  { weight: 4, arbitrary: packetFault },
  { weight: 2, arbitrary: callFault },
);
const groupOf = (intents: fc.Arbitrary<readonly Intent[]>): fc.Arbitrary<Group> => fc.record({ intents, fault });
/** Alike but for the grant: for the same quote, or what an incoming payment still takes. */
const alike = fc.tuple(intentOf(payments), fc.integer({ min: 2, max: 3 })).map(([intent, times]) => {
  const likeIt = (_: unknown, index: number): Intent => ({ ...intent, grant: intent.grant + index });
  return Array.from({ length: times }, likeIt);
});
/** A payment whose wallet address moves between the hold and the end. */
const handover: fc.Arbitrary<Group> = fc
  .record({
    payment: intentOf(weighted<Action['kind']>([3, 'pay incoming'], [1, 'pay quote'])),
    isPayeeMoved: weighted([3, false], [1, true]),
    isCompleted: weighted([1, false], [2, true]),
    fate: weighted<PacketFate>([3, 'temporary'], [1, 'final'], [1, 'repeated']),
  })
  .map(({ payment, isPayeeMoved, isCompleted, fate }) => ({
    intents: [
      payment,
      { ...payment, kind: 'move', isAgain: isPayeeMoved },
      ...(isCompleted ? [{ ...payment, kind: 'complete' as const }] : []),
    ],
    fault: { packet: 1, fate, isSlow: true },
    inTurn: true,
  }));
/** A payment to a slow peer, and then one within the ASE. */
const besideSlowPeer: fc.Arbitrary<readonly Group[]> = fc
  .record({
    intent: intentOf(fc.constant('pay incoming')),
    peer: fc.constantFrom(2, 3),
    quarters: fc.integer({ min: 2, max: 6 }),
  })
  .map(({ intent, peer, quarters }) => {
    const open = { ...intent, kind: 'receive' as const, hasAmount: false, lifetime: undefined };
    const pay = { ...intent, isAgain: false, quarters };
    return [
      {
        intents: [
          { ...open, wallet: peer },
          { ...open, wallet: peer - 2 },
        ],
        fault: undefined,
      },
      {
        intents: [
          { ...pay, of: 1 },
          { ...pay, of: 0 },
        ],
        fault: { packet: 1, fate: 'repeated', isSlow: true },
        inTurn: true,
      },
    ];
  });
/**
 * An ASE removes the other as its peer, alone or while a payment is under way, and is to be paid and to pay then. If
 * both remove the other, the second keeps it while a packet is in doubt. Then they add each other again.
 */
const removal: fc.Arbitrary<readonly Group[]> = fc
  .record({
    intent: intentOf(fc.constant('pay incoming')),
    wallet: fc.constantFrom(0, 2, 2),
    quarters: fc.tuple(...Array.from({ length: 3 }, () => fc.integer({ min: 2, max: 14 }))),
    underWay: weighted<'nothing' | 'a payment' | 'a slow packet'>(
      [2, 'nothing'],
      [1, 'a payment'],
      [1, 'a slow packet'],
    ),
    isMutual: fc.boolean(),
    slow: fc.constantFrom(1, 2, 3),
  })
  .map(({ intent, wallet, quarters, underWay, isMutual, slow }) => {
    const open = { ...intent, kind: 'receive' as const, hasAmount: false, lifetime: undefined };
    const [first, ...others] = quarters.map((quarter, of) => ({
      ...{ ...intent, isAgain: false, quarters: quarter, of: of === 2 ? 0 : 1, grant: intent.grant + of },
    }));
    const part = { ...intent, kind: 'part' as const, wallet };
    const rejoin = { ...intent, kind: 'rejoin' as const };
    const parting = {
      nothing: { intents: [part], fault: undefined },
      'a payment': { intents: [first!, part], fault: undefined },
      'a slow packet': {
        intents: [first!, part],
        fault: { packet: slow, fate: 'repeated' as const, isSlow: true },
        inTurn: true,
      },
    }[underWay];
    return [
      { intents: [2, 1].map((payee) => ({ ...open, wallet: payee })), fault: undefined },
      parting,
      { intents: others, fault: undefined },
      ...(isMutual ? [{ intents: [{ ...part, wallet: 2 - wallet }], fault: undefined }] : []),
      { intents: [0, 2].map((each) => ({ ...rejoin, wallet: each })), fault: undefined },
    ];
  });
const groups = fc.oneof(
  { weight: 9, arbitrary: groupOf(intentOf(kind).map((intent) => [intent])) },
  { weight: 2, arbitrary: groupOf(intentOf(fc.constant('advance')).map((intent) => [intent])) },
  { weight: 3, arbitrary: groupOf(fc.array(intentOf(kind), { minLength: 2, maxLength: 3 })) },
  { weight: 2, arbitrary: groupOf(fc.array(intentOf(payments), { minLength: 2, maxLength: 3 })) },
  { weight: 2, arbitrary: groupOf(alike) },
  { weight: 2, arbitrary: handover },
);
const first = groupOf(fc.array(intentOf(fc.constant('receive')), { minLength: 1, maxLength: 2 }));

const steps = fc.oneof(
  { weight: 18, arbitrary: groups.map((group) => [group]) },
  { weight: 1, arbitrary: besideSlowPeer },
);
export const sequenceOf = fc.tuple(first, fc.array(steps, { minLength: 2, maxLength: 12, size: 'max' }));
/** Requests that are under way when the world is reset; undefined for no reset. */
export const underReset = fc.oneof(
  { weight: 4, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.array(intentOf(kind), { minLength: 3, maxLength: 6 }) },
);
/** The end of a sequence, apart from the others so that these stay as they are; undefined for none. */
export const underRemoval = fc.oneof(
  { weight: 2, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: removal },
);
