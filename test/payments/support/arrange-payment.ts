/** A payment from one ASE to the other that is due, with functions to process it and read its state. */
import type { Database } from '../../../src/database/database.ts';
import { readPacketsInDoubt } from '../../../src/payments/ilp/packet-journal.ts';
import {
  createIncomingPayment,
  createOutgoingPayment,
  type IncomingPaymentOptions,
  incomingPaymentUrl,
  readBalances,
  readIncomingPayment,
  readOutgoingPayment,
  TestClock,
} from './payment-rows.ts';
import { createTwoAses, type TwoAsesOptions } from './two-ases.ts';

export interface Amounts {
  readonly debitAmount: bigint;
  readonly fee?: bigint;
  readonly receiveAmount: bigint;
  readonly balance?: bigint;
}

/** Two ASEs, an incoming payment at marble, just read if it `isRecent`, and a due payment to it at granite. */
export async function arrangePayment(
  db: Database,
  amounts: Amounts,
  { isRecent = false, ...options }: Partial<TwoAsesOptions> & { readonly isRecent?: boolean } = {},
  incoming: IncomingPaymentOptions = {},
) {
  const clock = new TestClock();
  const ases = createTwoAses({ db, clock, ...options });
  const incomingId = await createIncomingPayment(ases.marble, { incomingAmount: amounts.receiveAmount, ...incoming });
  const receiver = incomingPaymentUrl(ases.marble.ase, incomingId);
  const payment = await createOutgoingPayment(ases.granite, { ...amounts, receiver, receiveAsset: ases.marble.asset });
  if (isRecent) await ases.granite.readReceiver(receiver);
  /** Attempts until the payment ends, a minute apart. */
  const processPayment = async (limit = 20) => {
    for (let attempts = 1; attempts <= limit; attempts += 1) {
      const state = await ases.granite.worker.processNow(payment.id);
      if (state !== 'pending') return state;
      clock.wall += 60_000;
    }
    return 'pending';
  };
  const read = async () => ({
    outgoing: await readOutgoingPayment(ases.granite, payment.id),
    incoming: await readIncomingPayment(ases.marble, incomingId),
    granite: await readBalances(ases.granite),
    marble: await readBalances(ases.marble),
    payer: (await readBalances(ases.granite))[payment.payerAccountId]!,
    inDoubt: await readPacketsInDoubt(db.query, ases.granite.ase),
  });
  return { ...ases, clock, incomingId, payment, processPayment, read };
}
