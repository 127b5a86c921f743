/** Outgoing payments of an ASE: what is stuck and why, and the cancellation of one. */
import type { Handlers } from '../../generated/control/routes.ts';
import {
  getOutgoingPayment,
  listOutgoingPayments,
  type OutgoingPaymentDescription,
} from '../administration/outgoing-payments.ts';
import { checkText } from '../administration/problem.ts';
import { toInstant } from '../database/columns.ts';
import { cancelPayment } from '../payments/outgoing/cancel.ts';
import { type AdministrationDeps, type ControlCall, createAseAccess } from './ase-access.ts';
import { toAssetBody, toPageBody } from './bodies.ts';

const toPaymentBody = ({ debit, receive, ...payment }: OutgoingPaymentDescription) => ({
  ...payment,
  peer: payment.peer ?? null,
  ...toAssetBody(debit.asset),
  debitAmount: `${debit.value}`,
  sentAmount: `${payment.sentAmount}`,
  heldAmount: `${payment.heldAmount}`,
  receiveAssetCode: receive.asset.code,
  receiveAssetScale: receive.asset.scale,
  receiveAmount: `${receive.value}`,
  deliveredAmount: `${payment.deliveredAmount}`,
  acceptedAt: toInstant(payment.acceptedAt),
  nextAttemptAt: payment.nextAttemptAt === undefined ? null : toInstant(payment.nextAttemptAt),
  lastError: payment.lastError ?? null,
  failure: payment.failure ?? null,
});

export function createOutgoingPaymentHandlers(deps: AdministrationDeps) {
  const { db, businessNow, wallNow } = deps;
  const { expectAse } = createAseAccess(deps);
  return {
    'list-payments': async (_call, { params, query }) => {
      const { 'older-than': olderThan, ...filter } = query;
      const { items, ...page } = await listOutgoingPayments(
        db.query,
        expectAse(params.ase).key,
        { ...filter, olderThan },
        wallNow(),
      );
      return { status: 200, body: { payments: items.map(toPaymentBody), ...toPageBody(page) } };
    },
    'get-payment': async (_call, { params }) => {
      const payment = await getOutgoingPayment(db.query, expectAse(params.ase).key, params.payment);
      return { status: 200, body: toPaymentBody(payment) };
    },
    'cancel-payment': async (call, { params, body }) => {
      const { key, announce } = expectAse(params.ase);
      const reason = checkText(body.reason, 'reason');
      const now = { wallNow: wallNow(), businessNow: businessNow() };
      return call.transaction(async (tx) => {
        await cancelPayment(tx, key, { paymentId: params.payment, reason, announce, ...now });
        return { status: 200, body: toPaymentBody(await getOutgoingPayment(tx, key, params.payment)) };
      });
    },
  } satisfies Partial<Handlers<ControlCall>>;
}
