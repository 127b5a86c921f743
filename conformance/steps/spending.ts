/** Payments that count against the limits of a grant. */
import type { CheckContext } from '../runner/check.ts';
import {
  amountOf,
  createIncomingPayment,
  createQuote,
  grantOutgoing,
  outgoingAccess,
  postOutgoingPayment,
} from './scenarios.ts';
import type { Answer, Json } from './signed-client.ts';

export const getSpentAmounts = (context: CheckContext, token: string): Promise<Answer> => {
  const url = `${context.sender.resourceServer}/outgoing-payment-grant`;
  return context.call({ operation: 'get-outgoing-payment-grant', url, token });
};

export const outgoingTokenWith = async (context: CheckContext, limits?: Json): Promise<string> =>
  (await grantOutgoing(context, outgoingAccess(context.sender, limits))).access_token.value;

/** A fresh quote that debits `value`. */
export const createDebitQuote = async (context: CheckContext, value: string): Promise<Json> => {
  const { id } = await createIncomingPayment(context);
  return createQuote(context, id, { debitAmount: amountOf(context.sender, value) });
};

export const payWithQuote = (context: CheckContext, quoteId: string, token: string): Promise<Answer> =>
  postOutgoingPayment(context, { walletAddress: context.sender.url, quoteId }, token);
