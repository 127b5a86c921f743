/** Mutants of what moves money that the model of the money must notice (SET-03…13, LIM-14, RS-OP-28); test/model starts them. */
import type { Mutant } from './mutant.ts';

const credit = 'src/payments/incoming/credit.ts';
const payment = 'src/resource/outgoing-payment.ts';

export const moneyMutants: readonly Mutant[] = [
  {
    id: 'money.fee-rounded-down',
    file: 'src/payments/fees.ts',
    at: 'return «ceilDivide(principal * BigInt(fee.basisPoints), WHOLE)» + fee.fixed;',
    by: '(principal * BigInt(fee.basisPoints)) / WHOLE',
  },
  {
    id: 'money.fee-kept-of-failed-payments',
    file: 'src/payments/outgoing/transfers.ts',
    function: 'unpaidAmount',
    returns: 'job.debit.value - job.sentAmount - job.fee',
  },
  {
    id: 'money.refund-forgotten',
    file: 'src/payments/outgoing/fail.ts',
    at: 'if («job.funded») await bookRefund(tx, job, businessNow)',
    by: 'false',
  },
  {
    id: 'money.spending-not-returned',
    file: 'src/payments/outgoing/fail.ts',
    at: 'await «returnSpending(tx, job)»;',
    by: 'undefined',
  },
  {
    // The one beside, where it is of the same asset.
    id: 'money.credit-to-another-wallet',
    file: credit,
    at: '{ accountId: «payment.accountId», amount },',
    by: 'payment.accountId.replace(/[0-3]$/, (wallet) => String(Number(wallet) ^ 1))',
  },
  {
    id: 'money.rate-of-the-payment',
    file: 'src/resource/payable-quote.ts',
    at: 'const quote = «row as QuoteRow»;',
    by: `{
      ...row,
      receive_amount: (
        await prepareQuote(deps, await findWalletAddress(deps.db.query, deps.ase, walletAddress), row.client_id!, {
          receiver: row.receiver!,
          debitAmount: {
            value: row.debit_amount!,
            assetCode: row.debit_asset_code!,
            assetScale: row.debit_asset_scale!,
          },
        })
      ).quote.receive_amount,
    }`,
  },
  {
    id: 'money.quote-paid-twice',
    file: 'src/resource/new-outgoing-payments.ts',
    at: "throw «isViolation(error, 'unique', 'outgoing_payment')» ?",
    by: 'false',
  },
  {
    id: 'money.quote-outlives-its-time',
    file: payment,
    at: 'if («now >= toMillis(payable.quote.expires_at)») throw',
    by: 'false',
  },
  {
    id: 'money.partial-delivery-is-free',
    file: 'src/payments/outgoing/transfers.ts',
    at: '«ceilDivide(total * delivered, job.receive.value)»;',
    by: '(total * delivered) / job.receive.value',
  },
  {
    id: 'money.failed-payments-cost-no-fee',
    file: 'src/payments/outgoing/transfers.ts',
    at: 'const feeCharged = (job: Job, delivered: bigint): bigint => «shareOf(job.fee, delivered, job)»;',
    by: 'delivered === job.receive.value ? job.fee : 0n',
  },
  {
    id: 'money.reject-is-forgotten',
    file: 'src/payments/ilp/stream-receiver.ts',
    at: 'if (!(«await storeReplies(tx, ase, [reply], clock.wallNow())»)) {',
    by: 'rejection || (await storeReplies(tx, ase, [reply], clock.wallNow()))',
  },
  {
    id: 'money.refund-goes-to-the-new-account',
    file: 'src/payments/outgoing/job.ts',
    at: 'return «rows.map((row) => toJob(ase, lease, row))»;',
    by: `Promise.all(rows.map(async (row) => ({
      ...toJob(ase, lease, row),
      payerAccountId: (await db
        .selectFrom('outgoing_payment as payment')
        .innerJoin('wallet_address as wallet', 'wallet.id', 'payment.wallet_address_id')
        .select('wallet.account_id')
        .where('payment.id', '=', row.id)
        .executeTakeFirstOrThrow()
      ).account_id,
    })))`,
  },
  {
    id: 'money.deposit-booked-again',
    file: 'src/administration/accounts.ts',
    at: "const transferId = «`${kind}:${checkText(id, 'the id')}`»;",
    by: '`${kind}:${id}:${process.hrtime.bigint()}`',
  },
  {
    id: 'money.periods-add-up',
    file: 'src/payments/outgoing/grant-spending.ts',
    at: 'return period && { start: «toInstant(period.start)» };',
    by: 'toInstant(0)',
  },
  {
    id: 'money.peer-removed-in-doubt',
    file: 'src/administration/peers.ts',
    at: "if («inDoubt») throw adminProblem('conflict', 'a packet to this peer is in flight');",
    by: 'false',
  },
  {
    id: 'money.silence-is-a-reject',
    file: 'src/payments/outgoing/send-packets.ts',
    at: "return «reply ? readPacketAnswer(reply, packet.condition, packet.amount) : { kind: 'unknown' }»;",
    by: `reply
      ? readPacketAnswer(reply, packet.condition, packet.amount)
      : { kind: 'rejected', code: 'T00', triggeredBy: '', message: 'no answer' }`,
  },
];
