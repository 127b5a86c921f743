/**
 * The ten operations of the resource server, each as a call that succeeds, for checks that make one thing about it
 * wrong.
 */
import type { CheckContext, Party } from '../runner/check.ts';
import {
  amountOf,
  createIncomingPayment,
  createQuote,
  incomingToken,
  outgoingToken,
  payQuote,
  quoteToken,
} from './scenarios.ts';
import type { Call, Json } from './signed-client.ts';

export interface Operation {
  readonly id: string;
  readonly action: string;
  readonly party: (context: CheckContext) => Party;
  readonly token: (context: CheckContext) => Promise<string>;
  /** The call without its token, right in every other respect. */
  readonly call: (context: CheckContext) => Promise<Call>;
}

const sender = (context: CheckContext): Party => context.sender;
const receiver = (context: CheckContext): Party => context.receiver;
const incoming = (context: CheckContext): Promise<Json> =>
  context.shared('an incoming payment', () => createIncomingPayment(context));
const quote = (context: CheckContext): Promise<Json> =>
  context.shared('a quote', async () => {
    return createQuote(context, (await incoming(context)).id, { debitAmount: amountOf(context.sender, '100') });
  });
const outgoing = (context: CheckContext): Promise<Json> =>
  context.shared('an outgoing payment', async () => {
    const { id } = await createIncomingPayment(context, { value: '1' });
    return payQuote(context, (await createQuote(context, id)).id, await outgoingToken(context));
  });
const list =
  (path: string, party: (context: CheckContext) => Party) =>
  async (context: CheckContext): Promise<Call> => {
    const { resourceServer, url } = party(context);
    return { operation: `list-${path}`, url: `${resourceServer}/${path}?wallet-address=${encodeURIComponent(url)}` };
  };

/** All ten operations of the resource server. */
export const operations: readonly Operation[] = [
  {
    id: 'create-incoming-payment',
    action: 'create',
    party: receiver,
    token: incomingToken,
    call: async (context) => {
      const { resourceServer, url: walletAddress } = context.receiver;
      return {
        operation: 'create-incoming-payment',
        url: `${resourceServer}/incoming-payments`,
        json: { walletAddress },
      };
    },
  },
  {
    id: 'list-incoming-payments',
    action: 'list',
    party: receiver,
    token: incomingToken,
    call: list('incoming-payments', receiver),
  },
  {
    id: 'get-incoming-payment',
    action: 'read',
    party: receiver,
    token: incomingToken,
    call: async (context) => ({ operation: 'get-incoming-payment', url: (await incoming(context)).id }),
  },
  {
    id: 'complete-incoming-payment',
    action: 'complete',
    party: receiver,
    token: incomingToken,
    call: async (context) => {
      const url = `${(await incoming(context)).id}/complete`;
      return { operation: 'complete-incoming-payment', method: 'POST', url };
    },
  },
  {
    id: 'create-quote',
    action: 'create',
    party: sender,
    token: quoteToken,
    call: async (context) => {
      const { resourceServer, url: walletAddress } = context.sender;
      const debitAmount = amountOf(context.sender, '100');
      const json = { walletAddress, receiver: (await incoming(context)).id, method: 'ilp', debitAmount };
      return { operation: 'create-quote', url: `${resourceServer}/quotes`, json };
    },
  },
  {
    id: 'get-quote',
    action: 'read',
    party: sender,
    token: quoteToken,
    call: async (context) => ({ operation: 'get-quote', url: (await quote(context)).id }),
  },
  {
    id: 'create-outgoing-payment',
    action: 'create',
    party: sender,
    token: outgoingToken,
    call: async (context) => {
      const { resourceServer, url: walletAddress } = context.sender;
      const json = { walletAddress, quoteId: (await quote(context)).id };
      return { operation: 'create-outgoing-payment', url: `${resourceServer}/outgoing-payments`, json };
    },
  },
  {
    id: 'list-outgoing-payments',
    action: 'list',
    party: sender,
    token: outgoingToken,
    call: list('outgoing-payments', sender),
  },
  {
    id: 'get-outgoing-payment',
    action: 'read',
    party: sender,
    token: outgoingToken,
    call: async (context) => ({ operation: 'get-outgoing-payment', url: (await outgoing(context)).id }),
  },
  {
    id: 'get-outgoing-payment-grant',
    action: 'create',
    party: sender,
    token: outgoingToken,
    call: async (context) => {
      return {
        operation: 'get-outgoing-payment-grant',
        url: `${context.sender.resourceServer}/outgoing-payment-grant`,
      };
    },
  },
];
