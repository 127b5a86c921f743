/** How a request is answered in the model of the money, and what it changes (RS-Q-10…23, RS-OP-05…14, RS-IP-32…36, LIM-13). */
import { type Prices, quoteReceive, quoteSend } from './amounts.ts';
import {
  type Action,
  type Answer,
  type AseName,
  amountsOf,
  type Fee,
  feeKey,
  type Incoming,
  isClosed,
  LONGEST,
  MOST,
  OTHER,
  type Payment,
  periodAt,
  QUOTE_LIFE,
  type Quote,
  remainingOf,
  type State,
  type World,
} from './state.ts';

/** A request on its way: what it has read so far. */
export interface Thread {
  readonly step: number;
  /** True if the quote had been paid before. */
  readonly wasUsed?: boolean;
  readonly read?: Incoming;
  /** True if the ASE of the receiver is its own or a peer. */
  readonly isRouted?: boolean;
  readonly prices?: Prices;
  readonly fee?: Fee;
}

/** Quotes and payments read the receiver, then the rate, then the fee, before they book anything. */
export function readFor(world: World, state: State, thread: Thread, action: Action): Thread | undefined {
  if (action.kind !== 'quote' && action.kind !== 'pay quote' && action.kind !== 'pay incoming') return undefined;
  const incoming = action.kind === 'pay quote' ? state.quotes[action.quote]!.incoming : action.incoming;
  if (action.kind === 'pay quote' && thread.wasUsed === undefined)
    return { ...thread, wasUsed: state.quotes[action.quote]!.isUsed };
  if (!thread.read) {
    const read = state.incoming[incoming]!;
    const { ase } =
      world.wallets[action.kind === 'pay quote' ? state.quotes[action.quote]!.wallet : payerOf(world, action)]!;
    return { ...thread, read, isRouted: ase === world.wallets[read.wallet]!.ase || !state.parted.includes(ase) };
  }
  if (action.kind === 'pay quote') return undefined;
  const { wallet } = world.grants[action.grant]!;
  if (!thread.prices) return { ...thread, prices: state.prices[world.wallets[wallet]!.ase] };
  if (!thread.fee) return { ...thread, fee: state.fees[feeKey(world, wallet)] ?? world.fee };
  return undefined;
}

const payerOf = ({ grants }: World, { grant }: { readonly grant: number }): number => grants[grant]!.wallet;

interface Outcome {
  readonly answer: Answer;
  /** Absent where nothing has changed. */
  readonly state?: State;
}

const refuse = (status: string): Outcome => ({ answer: { status } });

/** The answer that the state demands, and the state after it. */
export function perform(world: World, state: State, thread: Thread, action: Action): Outcome {
  switch (action.kind) {
    case 'receive': {
      const { incoming, wallet, amount, lifetime = LONGEST } = action;
      const expires = state.now + lifetime;
      const created = {
        wallet,
        account: state.owners[wallet]!,
        amount,
        expires,
        received: 0n,
        completed: false,
        reserved: {},
      };
      return {
        answer: { status: '201', expires, received: 0n },
        state: { ...state, incoming: { ...state.incoming, [incoming]: created } },
      };
    }
    case 'complete': {
      const incoming = state.incoming[action.incoming]!;
      if (isClosed(state, incoming)) return refuse('409 wrong state');
      const completed = { ...incoming, completed: true };
      return {
        answer: { status: '200', received: incoming.received, expires: incoming.expires },
        state: { ...state, incoming: { ...state.incoming, [action.incoming]: completed } },
      };
    }
    case 'quote': {
      const quote = makeQuote(world, state, thread, action);
      if (typeof quote === 'string') return refuse(quote);
      return {
        answer: { status: '201', ...amountsOf(world, state, quote), expires: quote.expires },
        state: { ...state, quotes: { ...state.quotes, [action.quote]: quote } },
      };
    }
    case 'pay quote': {
      const quote = state.quotes[action.quote]!;
      const { read } = thread;
      const isLate = state.now >= quote.expires || isClosed(state, read!);
      const isMoved = quote.account !== state.owners[quote.wallet];
      if (thread.wasUsed || isMoved || isLate || quote.receive > remainingOf(read!)) return refuse('400 invalid quote');
      return pay(world, state, action, quote);
    }
    case 'pay incoming': {
      const quote = makeQuote(world, state, thread, action);
      if (typeof quote === 'string') return refuse(quote.replace('non-positive', 'negative'));
      return pay(world, state, action, quote);
    }
    case 'deposit':
    case 'withdraw':
      return move(world, state, action);
    case 'price': {
      const prices = { ...state.prices, [action.ase]: action.prices };
      return { answer: { status: '200' }, state: { ...state, prices } };
    }
    case 'fee': {
      const fees = { ...state.fees, [feeKey(world, action.wallet)]: action.fee };
      return { answer: { status: '200' }, state: { ...state, fees } };
    }
    case 'advance':
      return { answer: { status: '200' }, state: { ...state, now: state.now + action.seconds } };
    case 'move': {
      const account = state.owners[action.wallet]!;
      const owners = state.owners.with(action.wallet, account < OTHER ? account + OTHER : account - OTHER);
      return { answer: { status: '200' }, state: { ...state, owners } };
    }
    case 'part': {
      if (state.parted.includes(action.ase)) return refuse('404');
      if (paymentsFrom(world, state, action.ase).some(({ stage }) => stage === 'doubt')) return refuse('409');
      return { answer: { status: '204' }, state: { ...state, parted: [...state.parted, action.ase] } };
    }
    case 'rejoin': {
      if (!state.parted.includes(action.ase)) return refuse('409');
      return {
        answer: { status: '201' },
        state: { ...state, parted: state.parted.filter((ase) => ase !== action.ase) },
      };
    }
  }
}

/** Payments of an ASE's customers to the other ASE. */
const paymentsFrom = ({ wallets }: World, { payments, incoming }: State, ase: AseName): readonly Payment[] =>
  Object.values(payments).filter(
    (payment) => wallets[payment.wallet]!.ase === ase && wallets[incoming[payment.incoming]!.wallet]!.ase !== ase,
  );

/** True if a packet from this ASE may be in flight: the ASE then keeps its peer. */
export const isSending = (world: World, state: State, ase: AseName): boolean =>
  paymentsFrom(world, state, ase).some(({ stage }) => stage === 'send' || stage === 'sent');

/** A quote, or how it is refused. */
function makeQuote(
  world: World,
  state: State,
  { read, isRouted, prices, fee }: Thread,
  action: Extract<Action, { kind: 'quote' | 'pay incoming' }>,
): Quote | string {
  const { wallet } = world.grants[action.grant]!;
  const incoming = read!;
  if (isClosed(state, incoming) || !isRouted) return '400 invalid receiver';
  const from = world.wallets[wallet]!.asset;
  const to = world.wallets[incoming.wallet]!.asset;
  const terms = { from, to, prices: prices!, ...fee! };
  const wanted = (action.kind === 'quote' ? action.receive : undefined) ?? (incoming.amount && remainingOf(incoming));
  const isPriced = from.code === to.code || (prices![from.code] && prices![to.code]);
  if (!isPriced) return '500 could not convert between assets';
  if (action.debit === undefined && wanted === undefined) return '400 invalid receiver';
  const amounts = action.debit === undefined ? quoteReceive(terms, wanted!) : quoteSend(terms, action.debit);
  if (amounts.receive === 0n) return '400 non-positive receive amount';
  if (amounts.debit > MOST || amounts.receive > remainingOf(incoming)) return '400 invalid amount';
  const expires = Math.min(state.now + QUOTE_LIFE, incoming.expires);
  const account = state.owners[wallet]!;
  return { ...amounts, wallet, account, incoming: action.incoming, expires, isUsed: false };
}

function pay(
  world: World,
  state: State,
  action: Extract<Action, { kind: 'pay quote' | 'pay incoming' }>,
  quote: Quote,
): Outcome {
  const { debit, receive, interval } = world.grants[action.grant]!;
  const period = periodAt(interval, state.now);
  const amounts = amountsOf(world, state, quote);
  if (period === undefined) return refuse('403 unauthorized');
  const before = state.spent[action.grant]?.[period] ?? [];
  const same = before.find(({ asset }) => asset === amounts.receive.asset);
  const row = {
    asset: amounts.receive.asset,
    debit: (same?.debit ?? 0n) + quote.debit,
    receive: (same?.receive ?? 0n) + quote.receive,
  };
  const rows = [...before.filter((other) => other !== same), row];
  const spentDebit = rows.reduce((sum, other) => sum + other.debit, 0n);
  const isOver =
    (debit !== undefined && spentDebit > debit) ||
    (receive !== undefined && (receive.asset !== row.asset || row.receive > receive.value));
  if (isOver) return refuse('403 unauthorized');
  if (spentDebit > MOST || row.receive > MOST) return refuse('400 invalid amount');
  if (action.kind === 'pay quote' && quote.isUsed) return refuse('400 invalid quote');
  const { expires: _expires, isUsed: _isUsed, ...paid } = quote;
  const payment: Payment = {
    ...{ ...paid, grant: action.grant, period, delivered: 0n },
    ...{ isFunded: false, stage: 'hold' },
  };
  const spent = { ...state.spent, [action.grant]: { ...state.spent[action.grant], [period]: rows } };
  const quotes =
    action.kind === 'pay quote' ? { ...state.quotes, [action.quote]: { ...quote, isUsed: true } } : state.quotes;
  return {
    answer: {
      ...{ status: '201', ...amounts },
      spentDebit: { ...amounts.debit, value: spentDebit },
      spentReceive: { ...amounts.receive, value: row.receive },
    },
    state: { ...state, quotes, spent, payments: { ...state.payments, [action.payment]: payment } },
  };
}

function move(world: World, state: State, action: Extract<Action, { kind: 'deposit' | 'withdraw' }>): Outcome {
  const { kind, movement, wallet, amount } = action;
  const gain = kind === 'deposit' ? amount : -amount;
  // Ids of movements are unique within an ASE; movements with the same id are equal if the wallet is.
  const id = `${world.wallets[wallet]!.ase} ${kind} ${movement} `;
  const name = id + wallet;
  const earlier = Object.keys(state.movements).find((known) => known.startsWith(id));
  if (earlier !== undefined) {
    return earlier === name && state.movements[name] === gain ? { answer: { status: '200' } } : refuse('409');
  }
  const balance = state.balances[wallet]! + gain;
  if (balance < 0n) return refuse('409');
  return {
    answer: { status: '201' },
    state: {
      ...state,
      balances: state.balances.with(wallet, balance),
      movements: { ...state.movements, [name]: gain },
    },
  };
}
