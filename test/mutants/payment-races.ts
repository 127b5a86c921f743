/** Mutants of what decides races for a payment: the locks of the receiver and the grant, and the keys of quotes and requests. */
import type { Mutant } from './mutant.ts';

export const paymentRaceMutants: readonly Mutant[] = [
  {
    id: 'payment-races.completion-without-lock',
    file: 'src/resource/incoming-payment.ts',
    at: "«selectIncomingPayments(tx, ase).where('payment.id', '=', id).forUpdate('payment')».executeTakeFirst()",
    by: "selectIncomingPayments(tx, ase).where('payment.id', '=', id)",
  },
  {
    id: 'payment-races.credit-without-lock',
    file: 'src/payments/incoming/credit.ts',
    at: "«selectIncomingPayment(db, ase, id).forUpdate('payment')»",
    by: 'selectIncomingPayment(db, ase, id)',
    also: [
      {
        file: 'src/payments/incoming/credit.ts',
        at: "«byIds(db, ase, ids).orderBy('payment.id').forUpdate('payment')»",
        by: 'byIds(db, ase, ids)',
      },
    ],
  },
  {
    id: 'payment-races.quote-without-end',
    file: 'src/resource/outgoing-payment.ts',
    at: 'if («now >= toMillis(payable.quote.expires_at)») throw',
    by: 'false',
  },
  {
    id: 'payment-races.key-claimed-twice',
    file: 'src/resource/idempotency.ts',
    at: 'request_digest = ${«digestOfNewKey(answers)»},',
    by: 'sql`excluded.request_digest`',
  },
  {
    id: 'payment-races.repetition-refused',
    file: 'src/resource/outgoing-payment.ts',
    at: 'const repeated = «await repeatPayment(deps, call, body)»;',
    by: 'undefined',
  },
];
