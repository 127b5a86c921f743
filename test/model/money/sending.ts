/** How payments come to their end in the model of the money, step by step (SET-07, SET-12, RS-OP-16…23, LIM-14). */
import { nameOf } from './amounts.ts';
import {
  amountsOf,
  feeOf,
  type Incoming,
  isClosed,
  isMoving,
  MOST,
  type Payment,
  remainingOf,
  type State,
  sentOf,
  type World,
} from './state.ts';

/**
 * The states that the next step of a payment can lead to; one after all steps to its end if nothing else can come
 * between.
 */
export function settle(world: World, before: State, number: number, isToEnd: boolean): readonly State[] {
  if (!isToEnd) {
    const others = [...lastPacketFirst(world, before, number), ...withoutRoute(world, before, number)];
    return [settleOnce(world, before, number), ...others];
  }
  let state = settleOnce(world, before, number);
  while (isMoving(state, world, state.payments[number]!)) state = settleOnce(world, state, number);
  return [state];
}

/** Without its peer a payment fails, but a packet can still leave while the peer is being removed. */
function withoutRoute({ wallets }: World, state: State, number: number): readonly State[] {
  const { stage, wallet, incoming } = state.payments[number]!;
  const { ase } = wallets[wallet]!;
  const isElsewhere = ase !== wallets[state.incoming[incoming]!.wallet]!.ase;
  const isGone = stage === 'send' && isElsewhere && state.parted.includes(ase);
  return isGone ? [change(state, number, { stage: 'failing' })] : [];
}

/**
 * The last packet of a payment, which is smaller, can overtake others that are in flight with it: any but the first
 * (ILP-11). While a fault is set, none does.
 */
function lastPacketFirst(world: World, state: State, number: number): readonly State[] {
  const { stage, wallet, receive, delivered, incoming } = state.payments[number]!;
  const payee = world.wallets[state.incoming[incoming]!.wallet]!;
  const maximum = maxPacketIn(world, payee.asset.scale);
  const last = receive % maximum;
  const isLeft = delivered > 0n && delivered % maximum === 0n && receive - delivered > maximum;
  const isHere = world.wallets[wallet]!.ase === payee.ase;
  if (stage !== 'send' || isHere || last === 0n || !isLeft) return [];
  return state.packetFault && state.packetFault.fate !== 'repeated' ? [] : [deliver(world, state, number, last)];
}

/** The world's maximum counts hundredths; a finer asset has more minor units for the same value. */
function maxPacketIn({ maxPacketAmount }: World, scale: number): bigint {
  const amount = maxPacketAmount * 10n ** BigInt(Math.max(0, scale - 2));
  return amount < MOST ? amount : MOST;
}

function settleOnce(world: World, state: State, number: number): State {
  const payment = state.payments[number]!;
  const { wallet, account, debit, receive, delivered } = payment;
  const incoming = state.incoming[payment.incoming]!;
  const to = (stage: Payment['stage'], from = state): State => change(from, number, { stage });
  const payee = world.wallets[incoming.wallet]!;
  const isHere = world.wallets[wallet]!.ase === payee.ase;
  const maximum = maxPacketIn(world, payee.asset.scale);
  switch (payment.stage) {
    case 'hold': {
      const balance = state.balances[account]! - debit;
      if (balance < 0n) return to('failing');
      return change({ ...state, balances: state.balances.with(account, balance) }, number, {
        stage: 'read',
        isFunded: true,
      });
    }
    case 'read':
      return isClosed(state, incoming) || receive - delivered > remainingOf(incoming) ? to('failing') : to('send');
    case 'send': {
      const { packetFault: fault } = state;
      if (isHere || !fault) return deliver(world, state, number, isHere ? receive : maximum);
      if (fault.left > 1) return to('sent', { ...state, packetFault: { ...fault, left: fault.left - 1 } });
      const struck = { ...state, packetFault: undefined };
      if (fault.fate === 'final') return to('failing', struck);
      if (fault.fate === 'temporary' || (fault.fate === 'indebted' && owesMore(world, state, number, maximum)))
        return to('read', struck);
      return deliver(world, struck, number, maximum);
    }
    case 'sent':
      return deliver(world, state, number, maximum);
    // The peer is back: a copy of the packet arrives.
    case 'doubt':
      return to('send');
    case 'failing':
      return fail(world, state, number);
    default:
      return state;
  }
}

const change = (state: State, number: number, changes: Partial<Payment>): State => ({
  ...state,
  payments: { ...state.payments, [number]: { ...state.payments[number]!, ...changes } },
});

/** Room of an incoming payment that payments other than this one have reserved. */
const reservedByOthers = ({ reserved }: Incoming, number: number): bigint =>
  Object.entries(reserved).reduce((sum, [other, amount]) => (Number(other) === number ? sum : sum + amount), 0n);

/** True if a packet is rejected because the payer's ASE would owe the payee's something after it. */
function owesMore(world: World, state: State, number: number, maximum: bigint): boolean {
  const payment = state.payments[number]!;
  const incoming = state.incoming[payment.incoming]!;
  const payee = world.wallets[incoming.wallet]!;
  const missing = payment.receive - payment.delivered;
  const amount = missing < maximum ? missing : maximum;
  if (isClosed(state, incoming) || missing > remainingOf(incoming) - reservedByOthers(incoming, number)) return false;
  const owed = -(
    state.internal[`${payee.ase} peer:${world.wallets[payment.wallet]!.ase}:${nameOf(payee.asset)}`] ?? 0n
  );
  return owed + amount > 0n;
}

/** The missing amount, at most `most`, reaches the payee, or the payment fails there. */
function deliver(world: World, state: State, number: number, most: bigint): State {
  const payment = state.payments[number]!;
  const incoming = state.incoming[payment.incoming]!;
  const missing = payment.receive - payment.delivered;
  const amount = missing < most ? missing : most;
  const room = remainingOf(incoming);
  const payer = world.wallets[payment.wallet]!;
  const payee = world.wallets[incoming.wallet]!;
  if (payer.ase !== payee.ase && state.parted.includes(payee.ase)) return change(state, number, { stage: 'doubt' });
  if (isClosed(state, incoming) || missing > room) return change(state, number, { stage: 'failing' });
  // It tries again until the others have ended. What one has reserved that failed stays longer than it tries.
  const others = Object.keys(incoming.reserved)
    .map(Number)
    .filter((other) => other !== number);
  if (missing > room - reservedByOthers(incoming, number)) {
    const isEndless = !others.some((other) => isMoving(state, world, state.payments[other]!));
    return change(state, number, { stage: isEndless ? 'failing' : 'read' });
  }
  const { [number]: _, ...otherReservations } = incoming.reserved;
  const reserved =
    amount < missing && incoming.amount !== undefined
      ? { ...incoming.reserved, [number]: missing - amount }
      : otherReservations;
  const received = incoming.received + amount;
  const isWhole = amount === missing;
  const internal = { ...state.internal };
  const book = (account: string, value: bigint) => {
    internal[account] = (internal[account] ?? 0n) + value;
  };
  if (isWhole) book(`${payer.ase} fee:${nameOf(payer.asset)}`, payment.fee);
  if (payer.ase !== payee.ase) {
    book(`${payer.ase} peer:${payee.ase}:${nameOf(payee.asset)}`, amount);
    book(`${payee.ase} peer:${payer.ase}:${nameOf(payee.asset)}`, -amount);
  }
  const changed = {
    ...state,
    internal,
    balances: state.balances.with(incoming.account, state.balances[incoming.account]! + amount),
    incoming: {
      ...state.incoming,
      [payment.incoming]: { ...incoming, received, reserved, completed: received === incoming.amount },
    },
  };
  return change(changed, number, {
    stage: isWhole ? 'completed' : 'send',
    delivered: payment.delivered + amount,
  });
}

function fail(world: World, state: State, number: number): State {
  const payment = state.payments[number]!;
  const { wallet, account: payerAccount, grant, period, debit, receive, delivered, isFunded } = payment;
  const fee = feeOf(payment);
  const unpaid = debit - sentOf(payment) - fee;
  const rows = state.spent[grant]![period]!;
  const { asset } = amountsOf(world, state, payment).receive;
  const returned = rows.map((row) =>
    row.asset === asset ? { ...row, debit: row.debit - unpaid, receive: row.receive - (receive - delivered) } : row,
  );
  const balances = isFunded
    ? state.balances.with(payerAccount, state.balances[payerAccount]! + unpaid)
    : state.balances;
  const spent = { ...state.spent, [grant]: { ...state.spent[grant], [period]: returned } };
  const payer = world.wallets[wallet]!;
  const account = `${payer.ase} fee:${nameOf(payer.asset)}`;
  const internal = isFunded ? { ...state.internal, [account]: (state.internal[account] ?? 0n) + fee } : state.internal;
  return change({ ...state, balances, spent, internal }, number, { stage: 'failed' });
}
