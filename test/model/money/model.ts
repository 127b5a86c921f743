/**
 * A model of the money (SET-01…13, LIM-13…16, RS-OP-05…32, RS-Q-10…23, RS-IP-23…36): what each request may be answered
 * with, and what every balance, payment and grant holds after it. It knows the terms of the world, and imports nothing
 * of the server.
 *
 * A request that was under way with others is a few steps, as it reads before it books; so is a payment once it exists.
 * `explainAtOnce` gives every state that some order of these steps leads to with the answers that came back.
 */
import { quoteSend } from './amounts.ts';
import { isSending, perform, readFor, type Thread } from './requests.ts';
import { settle } from './sending.ts';
import { type Answer, begin, type Fault, isMoving, type State, type Step, termsBetween, type World } from './state.ts';

/** More than any sequence should need. */
const MANY_ORDERS = 60_000;

interface Scene {
  readonly state: State;
  readonly threads: readonly Thread[];
}

const keyOf = (value: unknown): string =>
  JSON.stringify(value, (_name, member) => (typeof member === 'bigint' ? `${member}` : member));

/**
 * Every state in which all requests are answered as they were, and all payments have come to their end. `inTurn`: each
 * request was sent when the one before it was answered.
 */
export function explainAtOnce(
  world: World,
  before: readonly State[],
  steps: readonly Step[],
  { fault, inTurn = false }: { readonly fault?: Fault | undefined; readonly inTurn?: boolean } = {},
): readonly State[] {
  const ends = new Map<string, State>();
  const seen = new Set<string>();
  const armed = fault && 'packet' in fault ? { left: fault.packet, fate: fault.fate } : undefined;
  const scenes: Scene[] = before.map((state) => ({
    state: { ...state, packetFault: armed },
    threads: steps.map((_, step) => ({ step })),
  }));
  for (let scene = scenes.pop(); scene; scene = scenes.pop()) {
    const { state, threads } = scene;
    const moving = Object.keys(state.payments).filter((number) =>
      isMoving(state, world, state.payments[Number(number)]!),
    );
    if (threads.length === 0 && moving.length === 0) {
      const end = { ...state, packetFault: undefined };
      ends.set(keyOf(end), end);
    }
    const nexts = [
      ...(inTurn ? threads.slice(0, 1) : threads).map((thread) =>
        proceed(world, scene, thread, steps[thread.step]!, fault),
      ),
      ...moving.map((number) =>
        settle(world, state, Number(number), isAlone(world, scene)).map((settled) => ({ threads, state: settled })),
      ),
    ].flat();
    for (const next of nexts) {
      const key = keyOf(next);
      if (seen.has(key)) continue;
      seen.add(key);
      scenes.push(next);
    }
    if (seen.size > MANY_ORDERS) throw new Error('too many orders to try');
  }
  return [...ends.values()];
}

/** True if only one payment moves money: then it need not be followed packet by packet. */
const isAlone = (world: World, { state, threads }: Scene): boolean =>
  threads.length === 0 &&
  state.parted.length === 0 &&
  Object.values(state.payments).filter((payment) => isMoving(state, world, payment)).length === 1;

function proceed(world: World, { state, threads }: Scene, thread: Thread, step: Step, fault?: Fault): Scene[] {
  const others = threads.filter((other) => other !== thread);
  const { action, answer } = step;
  const isLost = answer.status === 'lost';
  if (isLost && fault && 'at' in fault && !fault.isDone) return [{ state, threads: others }];

  const read = readFor(world, state, thread, action);
  if (read) return [{ state, threads: threads.map((other) => (other === thread ? read : other)) }];
  if (action.kind === 'part' && answer.status === '409' && isSending(world, state, action.ase)) {
    return [{ state, threads: others }];
  }
  const outcome = perform(world, state, thread, action);
  const isSame = isLost || sameAnswer(world, state, outcome.answer, step);
  return isSame ? [{ state: outcome.state ?? state, threads: others }] : [];
}

function sameAnswer(world: World, state: State, expected: Answer, { action, answer }: Step): boolean {
  const { least, ...rest } = answer;
  if (keyOf(sorted(rest)) !== keyOf(sorted(expected))) return false;
  if (least === undefined || !('incoming' in action) || !('grant' in action)) return true;
  const terms = termsBetween(world, state, world.grants[action.grant]!.wallet, state.incoming[action.incoming]!.wallet);
  const isChanging = keyOf(begin(world).prices) !== keyOf(state.prices) || Object.keys(state.fees).length > 0;
  return isChanging || (quoteSend(terms, least).receive > 0n && quoteSend(terms, least - 1n).receive === 0n);
}

const sorted = (value: object): object =>
  Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
