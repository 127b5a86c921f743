/**
 * Payments within the ASE: those that are due are paid together, in one transaction of as many statements for one as
 * for many, from the payer to the payee and the end. The locks of their rows take the place of a lease. Payments that
 * do not fit in here are left for the worker, which pays each alone and says why if it fails.
 */
import type { Database, Transaction } from '../../database/database.ts';
import { Problem } from '../../errors.ts';
import { sameAsset } from '../../open-payments/amount.ts';
import { inSpan } from '../../telemetry/spans.ts';
import {
  afterCredit,
  type CreditableIncomingPayment,
  type Credited,
  creditProblem,
  lockCreditables,
  storeCredited,
} from '../incoming/credit.ts';
import { bookTransfers, isAccountMissing, type Transfer } from '../ledger.ts';
import type { FailPaymentContext } from './fail.ts';
import { type Job, lockDueJobs } from './job.ts';
import { completeJobs } from './job-progress.ts';
import { deliveryIdOf, exchangeEntries, feeTransfers, holdTransfer, sourceAmountFor } from './transfers.ts';

export interface PayTogetherContext extends FailPaymentContext {
  readonly ase: string;
  /** Id of the incoming payment with this URL, whether it exists or not; undefined for another ASE's. */
  readonly localReceiverId: (url: string) => string | undefined;
}

/** So many that the costs of a transaction hardly count, and so few that requests do not wait for it. */
const MAX_TOGETHER = 32;

/** A payment, and what its receiver is after it. */
interface Delivery {
  readonly job: Job;
  readonly sentAmount: bigint;
  readonly receiver: CreditableIncomingPayment;
}

/** The payments that their receivers can take, each after those before it. */
function planDeliveries(
  { clock, localReceiverId }: PayTogetherContext,
  jobs: readonly Job[],
  receivers: Map<string, CreditableIncomingPayment>,
): Delivery[] {
  const claim = { wallNow: clock.wallNow() };
  const now = clock.businessNow();
  const deliveries: Delivery[] = [];
  for (const job of jobs) {
    const { value: amount, asset } = job.receive;
    const receiver = receivers.get(localReceiverId(job.receiver) ?? '');
    if (!receiver || !sameAsset(receiver.asset, asset) || creditProblem(receiver, amount, now, claim)) continue;
    const credited = afterCredit(receiver, amount, claim);
    receivers.set(receiver.id, credited);
    deliveries.push({ job, receiver: credited, sentAmount: sourceAmountFor(job, amount) });
  }
  return deliveries;
}

const transfersOf = ({ job, sentAmount, receiver }: Delivery): Transfer[] => {
  const amount = job.receive.value;
  const entries = [...exchangeEntries(job, sentAmount, amount), { accountId: receiver.accountId, amount }];
  return [holdTransfer(job), { id: deliveryIdOf(job), entries }, ...feeTransfers(job, amount)];
};

/** The sums that the receivers get. */
function sumCredits(deliveries: readonly Delivery[]): Credited[] {
  const credited = new Map<string, Credited>();
  for (const { job, receiver: payment } of deliveries) {
    const amount = (credited.get(payment.id)?.amount ?? 0n) + job.receive.value;
    credited.set(payment.id, { payment, amount });
  }
  return [...credited.values()];
}

interface Paid {
  /** Payments that were due. */
  readonly due: number;
  readonly paid: readonly Job[];
}

async function payDue(tx: Transaction, context: PayTogetherContext): Promise<Paid> {
  const { ase, clock, announce, localReceiverId } = context;
  const jobs = await lockDueJobs(tx, ase, clock.wallNow(), MAX_TOGETHER);
  const ids = new Set(jobs.map(({ receiver }) => localReceiverId(receiver) ?? ''));
  const receivers = jobs.length > 0 ? await lockCreditables(tx, ase, [...ids]) : new Map();
  const deliveries = planDeliveries(context, jobs, receivers);
  if (deliveries.length === 0) return { due: jobs.length, paid: [] };
  const [booked] = await Promise.all([
    bookTransfers(tx, ase, clock.businessNow(), deliveries.flatMap(transfersOf)),
    storeCredited(tx, ase, sumCredits(deliveries)),
    completeJobs(tx, ase, deliveries),
  ]);
  if (!booked) throw new Error('a transfer of a payment that is pending is booked already');
  for (const { job, receiver } of deliveries) {
    if (receiver.completed) await announce(tx, 'incoming_payment.completed', receiver.id);
    await announce(tx, 'outgoing_payment.completed', job.id);
  }
  return { due: jobs.length, paid: deliveries.map(({ job }) => job) };
}

/** Pays until nothing is due. Returns true if payments are due that cannot be paid here. */
export async function payTogether(
  context: PayTogetherContext & { readonly db: Database; readonly isStopping: () => boolean },
): Promise<boolean> {
  const { db, failpoint, isStopping } = context;
  while (!isStopping()) {
    try {
      const { due, paid } = await db.transaction((tx) => payDue(tx, context));
      for (const { id } of paid) reportPaid(id);
      for (const _ of paid) failpoint('job-done');
      if (paid.length < due) return true;
      if (due < MAX_TOGETHER) return false;
    } catch (error) {
      // One of the payers has too little, or an account is missing: each payment is tried alone.
      if (error instanceof Problem || isAccountMissing(error)) return true;
      throw error;
    }
  }
  return false;
}

/** The attempt of one of the payments, which has no duration. */
function reportPaid(id: string): void {
  const attributes = {
    'touchstone.payment.id': id,
    'touchstone.payment.attempt': 1,
    'touchstone.payment.outcome': 'completed',
  };
  void inSpan({ kind: 'internal', name: 'outgoing payment', attributes }, async () => {});
}
