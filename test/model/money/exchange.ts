/** The requests of the money model: each action as a call of a client or of the operator. */
import type { ControlAnswer } from '../../support/administration.ts';
import type { Answer as ClientAnswer, RequestParts } from '../../support/signed-fetch.ts';
import { accountOf, clientOf, pathOf } from './grants.ts';
import { type Action, type AseName, OTHER, otherAse, type World } from './state.ts';
import { write } from './wire.ts';

/** URLs of resources by their numbers in the model. */
export interface Handles {
  readonly incoming: Map<number, string>;
  readonly quotes: Map<number, string>;
  readonly payments: Map<number, string>;
}

export interface ExchangeContext {
  readonly world: World;
  /** URLs of the wallets. */
  readonly urls: readonly string[];
  /** The resource server of a wallet. */
  readonly resources: (wallet: number) => string;
  readonly call: (client: number, parts: RequestParts) => Promise<ClientAnswer>;
  readonly operate: (method: string, path: string, body?: unknown) => Promise<ControlAnswer>;
  readonly payees: Readonly<Record<AseName, string>>;
  readonly payers: readonly string[];
  readonly handles: Handles;
  /** Wallet of each incoming payment. */
  readonly payeeOf: Map<number, number>;
  /** Grant of each outgoing payment. */
  readonly grantOf: Map<number, number>;
  /** Wallet addresses whose grants have ended. */
  readonly moved: Set<number>;
}

interface PeerTerms {
  readonly name: string;
  readonly prefix: string;
  readonly endpoint: string;
  readonly maxPacketAmount: string;
}

const tokenFrom = (ase: AseName): string => `token-of-${ase}-after-its-peer-came-back`;

/** Sends an action's request and returns the answer. Notes whose resource it creates. */
export function createExchange(context: ExchangeContext) {
  const { world, urls, resources, call, operate, payees, payers, handles, payeeOf, grantOf, moved } = context;
  /** The peer of each ASE, as it was removed. */
  const terms = new Map<AseName, PeerTerms>();
  async function readTerms(ase: AseName): Promise<PeerTerms | undefined> {
    const { peers } = (await operate('GET', `/ases/${ase}/peers`)).body as { peers: readonly PeerTerms[] };
    if (peers[0]) terms.set(ase, peers[0]);
    return terms.get(ase);
  }
  /** The instant this many seconds from now, by the clock of the world. */
  const instantIn = async (seconds: number): Promise<string> => {
    const { now } = (await operate('GET', '/')).body.clock;
    return new Date(Date.parse(now) + seconds * 1000).toISOString();
  };

  function writePayment(action: Extract<Action, { grant: number }>): { url: string; body: unknown } {
    const { wallet } = world.grants[action.grant]!;
    const base = resources(wallet);
    const { asset } = world.wallets[wallet]!;
    const own = { walletAddress: urls[wallet] };
    if (action.kind === 'quote') {
      const { incoming, debit, receive } = action;
      const body = {
        ...own,
        method: 'ilp',
        receiver: handles.incoming.get(incoming),
        ...(debit !== undefined && { debitAmount: write(debit, asset) }),
        ...(receive !== undefined && {
          receiveAmount: write(receive, world.wallets[payeeOf.get(incoming)!]!.asset),
        }),
      };
      return { url: `${base}/quotes`, body };
    }
    grantOf.set(action.payment, action.grant);
    const metadata = { number: action.payment };
    const what =
      action.kind === 'pay quote'
        ? { quoteId: handles.quotes.get(action.quote) }
        : { incomingPayment: handles.incoming.get(action.incoming), debitAmount: write(action.debit, asset) };
    return { url: `${base}/outgoing-payments`, body: { ...own, ...what, metadata } };
  }

  return async function exchange(action: Action): Promise<ControlAnswer | ClientAnswer> {
    switch (action.kind) {
      case 'receive': {
        const { wallet, incoming, amount, lifetime } = action;
        const { ase, asset } = world.wallets[wallet]!;
        payeeOf.set(incoming, wallet);
        const body = {
          walletAddress: urls[wallet],
          metadata: { number: incoming },
          ...(amount !== undefined && { incomingAmount: write(amount, asset) }),
          ...(lifetime !== undefined && { expiresAt: await instantIn(lifetime) }),
        };
        const url = `${resources(wallet)}/incoming-payments`;
        return call(0, { method: 'POST', url, token: payees[ase], body });
      }
      case 'complete': {
        const { ase } = world.wallets[payeeOf.get(action.incoming)!]!;
        const url = `${handles.incoming.get(action.incoming)}/complete`;
        return call(0, { method: 'POST', url, token: payees[ase] });
      }
      case 'quote':
      case 'pay quote':
      case 'pay incoming':
        return call(clientOf(action.grant), { method: 'POST', token: payers[action.grant]!, ...writePayment(action) });
      case 'deposit':
      case 'withdraw': {
        const { ase } = world.wallets[action.wallet]!;
        const body = { id: `${action.movement}`, account: pathOf(action.wallet), amount: `${action.amount}` };
        return operate('POST', `/ases/${ase}/${action.kind === 'deposit' ? 'deposits' : 'withdrawals'}`, body);
      }
      case 'price':
        return operate('PUT', `/ases/${action.ase}/prices`, { prices: action.prices });
      case 'fee': {
        const { ase, asset } = world.wallets[action.wallet]!;
        const { basisPoints, fixed } = action.fee;
        return operate('PUT', `/ases/${ase}/fees/${asset.code}/${asset.scale}`, { basisPoints, fixed: `${fixed}` });
      }
      case 'advance':
        return operate('POST', '/clock', { advance: action.seconds });
      case 'move': {
        const { ase } = world.wallets[action.wallet]!;
        const { walletAddresses } = (await operate('GET', `/ases/${ase}/wallet-addresses`)).body as {
          walletAddresses: readonly { id: string; url: string; account: string }[];
        };
        const { id, account } = walletAddresses.find(({ url }) => url === urls[action.wallet])!;
        const other = account === accountOf(action.wallet) ? action.wallet + OTHER : action.wallet;
        moved.add(action.wallet);
        return operate('PATCH', `/ases/${ase}/wallet-addresses/${id}`, { account: accountOf(other) });
      }
      case 'part': {
        const { ase } = action;
        await readTerms(ase);
        return operate('DELETE', `/ases/${ase}/peers/${otherAse(ase)}`);
      }
      case 'rejoin': {
        const { ase } = action;
        const { name, prefix, endpoint, maxPacketAmount } = (await readTerms(ase))!;
        const [outgoingToken, incomingToken] = [tokenFrom(ase), tokenFrom(otherAse(ase))];
        // The other ASE has the tokens of the beginning, unless it has removed this one.
        const swapped = { incomingToken: outgoingToken, outgoingToken: incomingToken };
        await operate('PATCH', `/ases/${otherAse(ase)}/peers/${ase}`, swapped);
        const body = { name, prefix, endpoint, maxPacketAmount, incomingToken, outgoingToken };
        return operate('POST', `/ases/${ase}/peers`, body);
      }
    }
  };
}
