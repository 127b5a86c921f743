/**
 * The paying clients of a chaos run: each payer has a wallet and grants with limits, and makes one payment after the
 * other, of every kind. The metadata of a payment identify the client's intention, to find it again after lost answers.
 */

import { type Client, GaveUp } from './client.ts';
import type { Chance } from './random.ts';

/** One decision to pay: one payment at most comes of it, however often the client asks. */
export interface Intention {
  readonly mark: string;
  readonly kind: string;
  /** ASE of the payer. */
  readonly ase: string;
  readonly token: string;
  /** The client's knowledge: it read 201, its first request was refused, or it read no answer. */
  outcome: 'created' | 'refused' | 'unknown';
  /** The body of the 201. */
  // biome-ignore lint/suspicious/noExplicitAny: a body of the protocol
  payment?: any;
}

/** A wallet and where it is, as its wallet address tells. */
export interface Wallet {
  readonly ase: string;
  readonly url: string;
  readonly authServer: string;
  readonly resourceServer: string;
  readonly assetCode: string;
  readonly assetScale: number;
}

export interface PayerOptions {
  readonly name: string;
  readonly client: Client;
  readonly wallet: Wallet;
  readonly payees: readonly Wallet[];
  readonly chance: Chance;
  readonly intentions: Intention[];
  readonly incomingPayments: string[];
  /** Asked before each round. */
  readonly isDone: () => boolean;
}

const amountOf = (value: number, { assetCode, assetScale }: Wallet) => ({
  value: String(value),
  assetCode,
  assetScale,
});

/** Payments under one grant; its limit ends some of them before. */
const PAYMENTS_PER_GRANT = 5;

export function createPayer(options: PayerOptions) {
  const { name, client, wallet, payees, chance, intentions, isDone } = options;
  let marks = 0;
  let paidWithGrant = PAYMENTS_PER_GRANT;
  let tokens: { quote: string; outgoing: string };
  const incomingTokens = new Map<string, string>();

  async function renewGrant(): Promise<void> {
    const limits = { debitAmount: amountOf(chance.integer(6_000, 20_000), wallet) };
    const outgoing = { type: 'outgoing-payment', actions: ['create', 'read'], identifier: wallet.url, limits };
    tokens = {
      quote: await client.obtainToken(wallet.authServer, { type: 'quote', actions: ['create'] }),
      outgoing: await client.obtainConsent(wallet.authServer, outgoing),
    };
    paidWithGrant = 0;
  }

  async function createIncomingPayment(payee: Wallet, amount?: number): Promise<string> {
    const access = { type: 'incoming-payment', actions: ['create'] };
    const token = incomingTokens.get(payee.ase) ?? (await client.obtainToken(payee.authServer, access));
    incomingTokens.set(payee.ase, token);
    const body = {
      walletAddress: payee.url,
      ...(amount !== undefined && { incomingAmount: amountOf(amount, payee) }),
    };
    const { id } = await client.insist({
      method: 'POST',
      url: `${payee.resourceServer}/incoming-payments`,
      token,
      body,
    });
    options.incomingPayments.push(id);
    return id;
  }

  async function quote(receiver: string, wish: object): Promise<string> {
    const body = { walletAddress: wallet.url, receiver, method: 'ilp', ...wish };
    const url = `${wallet.resourceServer}/quotes`;
    return (await client.insist({ method: 'POST', url, token: tokens.quote, body }, 8)).id;
  }

  /** With a quote the client asks until it is answered: it is paid once at most. Without one it asks once. */
  async function pay(kind: string, terms: { quoteId: string } | object): Promise<void> {
    marks += 1;
    paidWithGrant += 1;
    const mark = `${name}-${marks}`;
    const { ase } = wallet;
    const intention: Intention = { mark, kind, ase, token: tokens.outgoing, outcome: 'unknown' };
    intentions.push(intention);
    const body = { walletAddress: wallet.url, metadata: { mark }, ...terms };
    const url = `${wallet.resourceServer}/outgoing-payments`;
    const mayRepeat = 'quoteId' in terms;
    for (let asked = 1; asked === 1 || (mayRepeat && asked <= 60); asked += 1) {
      const answer = await client.call({ method: 'POST', url, token: intention.token, body });
      if (answer?.status === 201) {
        Object.assign(intention, { outcome: 'created', payment: answer.body });
        return;
      }
      if (answer && answer.status < 500) {
        if (asked === 1) intention.outcome = 'refused';
        // The limit is used up, or the token's time.
        if (answer.status === 403 || answer.status === 401) paidWithGrant = PAYMENTS_PER_GRANT;
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }

  const kinds: Record<string, (payee: Wallet) => Promise<void>> = {
    'fixed receive': async (payee) => {
      const receiver = await createIncomingPayment(payee, chance.integer(300, 3_500));
      await pay('fixed receive', { quoteId: await quote(receiver, {}) });
    },
    'fixed send': async (payee) => {
      const receiver = await createIncomingPayment(payee);
      const debitAmount = amountOf(chance.integer(300, 3_500), wallet);
      await pay('fixed send', { quoteId: await quote(receiver, { debitAmount }) });
    },
    'without a quote': async (payee) => {
      const incomingPayment = await createIncomingPayment(payee);
      await pay('without a quote', { incomingPayment, debitAmount: amountOf(chance.integer(300, 2_500), wallet) });
    },
  };

  /** Repeats until the work is done; gives up a round that gets no answer. */
  async function run(shared: SharedReceivers): Promise<void> {
    for (let round = 0; !isDone(); round += 1) {
      try {
        if (paidWithGrant >= PAYMENTS_PER_GRANT) await renewGrant();
        if (round % 3 === 2) {
          const { url, payee, share, meet } = await shared.take(createIncomingPayment, chance.pick(payees));
          const quoteId = await quote(url, { receiveAmount: amountOf(share, payee) });
          await meet();
          await pay('shared', { quoteId });
        } else {
          await kinds[chance.pick(Object.keys(kinds))]!(chance.pick(payees));
        }
      } catch (error) {
        if (!(error instanceof GaveUp)) throw error;
      }
    }
  }

  return { run };
}

export type SharedReceivers = ReturnType<typeof createSharedReceivers>;

/**
 * Incoming payments that three payers take part in, each with six tenths of the whole. They meet when all have quotes:
 * who comes last is refused, or delivers a part.
 */
export function createSharedReceivers() {
  const amount = 4_000;
  interface Meeting {
    readonly url: Promise<string>;
    readonly payee: Wallet;
    readonly complete: PromiseWithResolvers<void>;
    taken: number;
    met: number;
  }
  let open: Meeting | undefined;
  return {
    async take(create: (payee: Wallet, amount: number) => Promise<string>, payee: Wallet) {
      const here: Meeting = open ?? {
        url: create(payee, amount),
        payee,
        complete: Promise.withResolvers(),
        taken: 0,
        met: 0,
      };
      here.taken += 1;
      open = here.taken < 3 ? here : undefined;
      const meet = async (): Promise<void> => {
        here.met += 1;
        if (here.met === 3) here.complete.resolve();
        const lateness = setTimeout(here.complete.resolve, 3_000);
        await here.complete.promise;
        clearTimeout(lateness);
      };
      return { url: await here.url, payee: here.payee, share: (amount * 6) / 10, meet };
    },
  };
}
