/** Random worlds and random requests that move money in them, alone and at once, which the model must be able to explain. */
import assert from 'node:assert/strict';
import fc from '../../support/fast-check.ts';
import { count, type Figures, parametersFor, type Range, type Run } from '../sequences.ts';
import { type Prices, quoteReceive, quoteSend } from './amounts.ts';
import type { MoneyClient, MoneyWorld } from './client.ts';
import { type Group, type Intent, sequenceOf, underRemoval, underReset } from './intents.ts';
import { explainAtOnce } from './model.ts';
import { matching, numbersOf, show } from './observation.ts';
import {
  type Action,
  type Answer,
  begin,
  type Fault,
  isClosed,
  MOST,
  type Payment,
  remainingOf,
  type State,
  type Step,
  termsBetween,
  type World,
} from './state.ts';
import { clamp, codes, inQuarters, toPrice, world } from './worlds.ts';

interface Sequence {
  readonly world: World;
  readonly real: MoneyWorld;
  states: readonly State[];
  /** Names the next incoming payment, quote or outgoing payment. */
  next: number;
  /** Names the last deposit or withdrawal. */
  movements: number;
  readonly sent: string[];
}

function resolve(sequence: Sequence, intent: Intent): Action | undefined {
  const { world: terms, real } = sequence;
  const state = sequence.states[0]!;
  const choose = (numbers: readonly number[]): number | undefined => numbers.at(-1 - (intent.of % numbers.length));
  const known = numbersOf(state.incoming).filter((number) => real.knows('incoming', number));
  const open = known.filter((number) => !isClosed(state, state.incoming[number]!));
  const incoming = choose(intent.isAgain || open.length === 0 ? known : open);
  const grantNumber = intent.grant % terms.grants.length;
  const { wallet: payer } = terms.grants[grantNumber]!;
  const left = incoming === undefined ? MOST : remainingOf(state.incoming[incoming]!);
  const wanted = inQuarters(terms, intent.quarters);
  const amount = clamp((wanted > left && left > 0n && !intent.isAgain ? left : wanted) + intent.units);
  const { kind: what, wallet } = intent;
  switch (what) {
    case 'receive': {
      const { lifetime, hasAmount } = intent;
      const asked = { ...(hasAmount && { amount: clamp(wanted + intent.units) }) };
      return { kind: what, incoming: sequence.next++, wallet, lifetime, ...asked };
    }
    case 'complete':
      return incoming === undefined ? undefined : { kind: what, incoming };
    case 'quote': {
      if (incoming === undefined) return undefined;
      const { names } = intent;
      const debit = names === 'debit' ? debitFor(sequence, payer, incoming, amount, intent.units) : undefined;
      if (names === 'debit' && debit === undefined) return undefined;
      const named = { ...(debit !== undefined && { debit }), ...(names === 'receive' && { receive: amount }) };
      return { kind: what, quote: sequence.next++, grant: grantNumber, incoming, ...named };
    }
    case 'pay quote': {
      const quotes = numbersOf(state.quotes).filter((number) => real.knows('quotes', number));
      const payable = quotes.filter((number) => {
        const { isUsed, incoming: to } = state.quotes[number]!;
        return !isUsed && !isClosed(state, state.incoming[to]!);
      });
      const isExpired = (number: number): boolean => state.now >= state.quotes[number]!.expires;
      const expired = payable.filter(isExpired);
      const unused = payable.filter((number) => !isExpired(number));
      // An expired quote is rejected for its time alone only while all else would permit the payment.
      const preferred = intent.isAgain ? expired : unused;
      const quote = choose(preferred.length === 0 ? quotes : preferred);
      const fitting = [...terms.grants.keys()].filter(
        (number) => quote !== undefined && terms.grants[number]!.wallet === state.quotes[quote]!.wallet,
      );
      if (quote === undefined) return undefined;
      return { kind: what, payment: sequence.next++, grant: fitting[intent.grant % fitting.length]!, quote };
    }
    case 'pay incoming': {
      // Without an open incoming payment, creates one.
      if (open.length === 0 && !intent.isAgain) return resolve(sequence, { ...intent, kind: 'receive' });
      const debit = incoming === undefined ? undefined : debitFor(sequence, payer, incoming, amount, intent.units);
      if (incoming === undefined || debit === undefined) return undefined;
      return { kind: what, payment: sequence.next++, grant: grantNumber, incoming, debit };
    }
    case 'deposit':
    case 'withdraw': {
      if (!intent.isAgain) sequence.movements += 1;
      const movement = sequence.movements;
      const typical = quoteReceive(termsBetween(terms, begin(terms), wallet, 3 - wallet), amount).debit;
      return { kind: what, movement, wallet, amount: clamp(typical, 2n ** 62n) };
    }
    case 'price': {
      const ase = wallet < 2 ? 'granite' : 'marble';
      return { kind: what, ase, prices: changePrice(terms.prices, codes[intent.code]!, intent.factor) };
    }
    case 'fee':
      return { kind: what, wallet, fee: intent.fee };
    case 'advance':
      return { kind: what, seconds: intent.seconds };
    case 'move':
      return { kind: what, wallet: intent.isAgain ? wallet : payer };
    case 'part':
    case 'rejoin':
      return { kind: what, ase: terms.wallets[wallet]!.ase };
  }
}

/** A quarter to four times the price at the beginning, or none. */
function changePrice(prices: Prices, code: string, factor: number): Prices {
  const { [code]: old, ...others } = prices;
  if (factor === 0) return others;
  const thousandths = Math.round(Number(old) * 1000 * (factor / 4));
  return { ...others, [code]: toPrice(Math.max(1, thousandths)) };
}

/** More packets than that are as good as that many. */
const MANY_PACKETS = 12n;

/** The debit amount for about this receive amount; undefined if it makes too many packets. */
function debitFor({ world: terms, states }: Sequence, payer: number, incoming: number, amount: bigint, units: bigint) {
  const of = termsBetween(terms, states[0]!, payer, states[0]!.incoming[incoming]!.wallet);
  const isPriced = of.from.code === of.to.code || (of.prices[of.from.code] && of.prices[of.to.code]);
  if (!isPriced) return amount;
  const debit = clamp(quoteReceive(of, amount).debit + units);
  return quoteSend(of, debit).receive > MANY_PACKETS * terms.maxPacketAmount ? undefined : debit;
}

/**
 * The fault, adapted to these requests: no packet may overtake one in doubt, or the run waits for its expiry, and none
 * may meet the limit that is meant for another.
 */
function fittingFault(fault: Fault | undefined, actions: readonly Action[]): Fault | undefined {
  if (!fault) return undefined;
  if ('at' in fault) return actions.some(({ kind: what }) => what === fault.at) ? fault : undefined;
  if (!actions.some(isPayment)) return undefined;
  const isDoubtful = fault.fate === 'lost' || fault.fate === 'unanswered' || fault.fate === 'indebted';
  return isDoubtful && actions.length > 1 ? { ...fault, fate: 'temporary' } : fault;
}

const isPayment = ({ kind: what }: Action): boolean => what === 'pay quote' || what === 'pay incoming';

async function runGroup(sequence: Sequence, group: Group, figures: Figures): Promise<void> {
  const { intents, fault: wanted, inTurn = false } = group;
  const { world: terms, real } = sequence;
  const actions = intents.map((intent) => resolve(sequence, intent)).filter((action) => action !== undefined);
  if (actions.length === 0) return;
  const fault = fittingFault(wanted, actions);
  sequence.sent.push((fault ? `${show(fault)} ! ` : '') + actions.map(show).join(' ∥ '));
  if (fault) await real.arm(fault);
  const answers: Answer[] = [];
  if (inTurn)
    for (const action of actions) {
      answers.push(await real.send(action));
      if (isPayment(action)) await real.reachPacket();
    }
  else answers.push(...(await Promise.all(actions.map((action) => real.send(action)))));
  if (fault && 'packet' in fault && fault.isSlow) await real.release();
  await real.settle();
  if (fault) await real.disarm();

  const steps: Step[] = actions.map((action, index) => ({ action, answer: answers[index]! }));
  sequence.sent[sequence.sent.length - 1] += `\n    → ${answers.map(show).join(' ∥ ')}`;
  const before = sequence.states;
  const after = explainAtOnce(terms, before, steps, { fault, inTurn }).map((state) => endGrants(terms, state, actions));
  if (after.length === 0) throw new Error(`no order explains these answers, after\n  ${before.map(show).join('\n  ')}`);
  const movesMoney = actions.some(
    (action) =>
      isPayment(action) || ['complete', 'deposit', 'withdraw', 'move', 'part', 'rejoin'].includes(action.kind),
  );
  sequence.states = movesMoney ? await lookAndCompare(sequence, after, steps) : after;

  for (const { action, answer } of steps) count(figures, action.kind, answer.status);
  if (steps.length > 1)
    count(
      figures,
      `${steps.length} at once`,
      actions
        .map((action) => action.kind)
        .sort()
        .join(' ∥ '),
    );
  if (fault) count(figures, 'fault', 'at' in fault ? `answer of ${fault.at}` : `packet ${fault.fate}`);
  for (const action of actions) {
    const payment = 'payment' in action ? sequence.states[0]!.payments[action.payment] : undefined;
    if (!payment) continue;
    const part = payment.stage === 'failed' && payment.delivered > 0n ? ' after a part' : '';
    count(figures, 'payment', payment.stage + part);
  }
}

/** The grants of a wallet address end when it moves; those that replace them have spent nothing. */
function endGrants({ grants }: World, state: State, actions: readonly Action[]): State {
  const moved = actions.flatMap((action) => (action.kind === 'move' ? [action.wallet] : []));
  const left = Object.entries(state.spent).filter(([grant]) => !moved.includes(grants[Number(grant)]!.wallet));
  return { ...state, spent: Object.fromEntries(left) };
}

/** Those of the states that look like what is seen. */
async function lookAndCompare(sequence: Sequence, after: readonly State[], steps: readonly Step[]) {
  const { world: terms, real } = sequence;
  const touched = { payments: new Set<number>(), incoming: new Set<number>(), grants: new Set<number>() };
  for (const [number, { stage, incoming }] of Object.entries(sequence.states[0]!.payments)) {
    if (stage !== 'doubt') continue;
    touched.payments.add(Number(number));
    touched.incoming.add(incoming);
  }
  for (const { action } of steps) {
    if ('payment' in action) touched.payments.add(action.payment);
    if ('grant' in action) touched.grants.add(action.grant);
    if ('incoming' in action) touched.incoming.add(action.incoming);
    if (action.kind === 'pay quote') touched.incoming.add(after[0]!.quotes[action.quote]!.incoming);
  }
  const [payments_, incoming, grants] = [[...touched.payments], [...touched.incoming], [...touched.grants]];
  const sight = await real.look({ payments: payments_, incoming, grants });
  return matching(terms, after, sight);
}

/** At the end: everything there is, and the ledgers. */
async function closeBooks({ world: terms, real, states }: Sequence): Promise<void> {
  const state = states[0]!;
  const known = (kind: 'incoming' | 'payments') => numbersOf(state[kind]).filter((number) => real.knows(kind, number));
  const all = { payments: known('payments'), incoming: known('incoming'), grants: [...terms.grants.keys()] };
  const [last] = matching(terms, states, await real.look(all));
  const { payments: outgoing, incoming } = last!;
  const hasEnded = ({ stage }: Payment): boolean => stage === 'completed' || stage === 'failed';
  assert.ok(Object.values(outgoing).every(hasEnded), 'a payment has not come to its end');
  assert.deepEqual(await real.count(), {
    payments: numbersOf(outgoing).length,
    incoming: numbersOf(incoming).length,
  });
  const { balanced, balances } = await real.readBooks();
  assert.ok(balanced, 'the ledgers do not balance');
  for (const [account, balance] of Object.entries(balances)) {
    if (/ hold:/.test(account)) assert.equal(balance, 0n, account);
    if (/ (fee|peer):/.test(account)) assert.equal(balance, last!.internal[account] ?? 0n, account);
  }
}

/** A reset under load: the world is as it was at the beginning, whatever became of the requests. */
async function reset({ world: terms, real }: Sequence, actions: readonly Action[]): Promise<void> {
  await real.resetDuring(actions);
  const { balances } = begin(terms);
  const nothing = { payments: [], incoming: [], grants: [] };
  assert.deepEqual((await real.look(nothing)).balances, balances, 'balances after a reset');
  const books = await real.readBooks();
  assert.ok(books.balanced, 'the ledgers do not balance after a reset');
  for (const [account, balance] of Object.entries(books.balances))
    if (/ (hold|fee|peer):/.test(account)) assert.equal(balance, 0n, `${account} after a reset`);
}

/** Runs these sequences, and stops at the first that the model cannot explain. */
export async function runMoneySequences(client: MoneyClient, range: Range): Promise<Run> {
  const figures: Figures = new Map();
  const property = fc.asyncProperty(
    world,
    sequenceOf,
    underReset,
    underRemoval,
    async (terms, [opening, chosen], last, removal) => {
      const real = await client.open(terms);
      const sequence: Sequence = { world: terms, real, states: [begin(terms)], next: 1, movements: 0, sent: [] };
      try {
        for (const group of [opening, ...chosen.flat(), ...(removal ?? [])]) await runGroup(sequence, group, figures);
        await closeBooks(sequence);
        const underWay = (last ?? [])
          .map((intent) => resolve(sequence, intent))
          .filter((action) => action !== undefined);
        if (last) await reset(sequence, underWay);
      } catch (error) {
        const { message } = error as Error;
        throw new Error(`${show(terms)}\n  ${sequence.sent.join('\n  ')}\n${message}`, { cause: error });
      } finally {
        await real.end();
      }
    },
  );
  const { from = 1, seed } = range;
  const details = await fc.check(property, parametersFor(range));
  const last = from - 1 + details.numRuns;
  const { errorInstance } = details;
  const failure = details.failed
    ? `in sequence ${last}, seed ${seed}\n${(errorInstance as Error)?.message}`
    : undefined;
  return { last, seed, failure, figures };
}
