/** Outgoing payments: created from a quote or from a debit amount, then sent by the payment worker (RS-OP-01…32). */

import { isDeepStrictEqual } from 'node:util';
import type { OutgoingPaymentApiHandlers } from '../../generated/resource-server/routes.ts';
import { toMillis } from '../database/columns.ts';
import { statement } from '../database/statement.ts';
import { fromQuotedPayments } from '../payments/outgoing/from-payments.ts';
import { findSpending } from '../payments/outgoing/grant-spending.ts';
import { checkVisible, type ResourceCall, scopeFor, tokenCaller } from './caller.ts';
import type { ResourceDeps } from './deps.ts';
import { createOnce, keepReply } from './idempotency.ts';
import { storeMetadata } from './metadata.ts';
import { createPaymentStore } from './new-outgoing-payments.ts';
import {
  type OutgoingPaymentWithSpentAmounts,
  paymentColumns,
  selectOutgoingPayments,
  toBody,
  withSpentAmounts,
} from './outgoing-payment-body.ts';
import { getPayableQuote } from './payable-quote.ts';
import { createListStatements, listPayments } from './payment-list.ts';
import { resourceProblem } from './problem.ts';
import type { QuoteDeps } from './quote.ts';
import { findResource, isResourceId, resourceIdIn } from './resource-url.ts';
import { checkActive, toLookupUrl } from './wallet-address.ts';

type OutgoingPaymentDeps = QuoteDeps & Pick<ResourceDeps, 'wakePayments' | 'announce' | 'hasWebhook'>;

const selectById = statement((db, payment: { ase: string; id: string }) =>
  selectOutgoingPayments(db, payment.ase).where('payment.id', '=', payment.id),
);

const listStatements = createListStatements((db, ase) => fromQuotedPayments(db, ase).select(paymentColumns));

type CreationBody = Parameters<OutgoingPaymentApiHandlers<ResourceCall>['create-outgoing-payment']>[1]['body'];

/**
 * The reply to a client that pays a quote again by the same request, because it lost the answer: the payment that it
 * made under this grant (OPI-071). Undefined if it made none.
 */
async function repeatPayment(
  deps: OutgoingPaymentDeps,
  call: ResourceCall,
  body: CreationBody,
): Promise<{ status: 201; body: OutgoingPaymentWithSpentAmounts } | undefined> {
  const quoteId = 'quoteId' in body ? resourceIdIn(deps.resourceServer, 'quotes', body.quoteId) : undefined;
  if (quoteId === undefined || !isResourceId(quoteId)) return undefined;
  const { ase, db } = deps;
  const { item } = scopeFor(call, body.walletAddress);
  const { clientId, grantId } = tokenCaller(call);
  const row = await selectOutgoingPayments(db.query, ase)
    .where('payment.quote_id', '=', quoteId)
    .where('payment.client_id', '=', clientId)
    .where('payment.grant_id', '=', grantId)
    .where('wallet.url', '=', toLookupUrl(body.walletAddress))
    .executeTakeFirst();
  if (!row || !isDeepStrictEqual(row.metadata, body.metadata ?? null)) return undefined;
  checkActive(row);
  const now = deps.clock.businessNow();
  const spending = await findSpending(db.query, {
    ...{ ase, grantId, now },
    identifier: item.identifier ?? '',
    limits: item.limits,
  });
  return { status: 201, body: withSpentAmounts(toBody(deps, row), spending) };
}

export function createOutgoingPaymentHandlers(deps: OutgoingPaymentDeps) {
  const { ase, db, clock } = deps;
  const store = createPaymentStore(deps);
  return {
    'create-outgoing-payment': async (call, { body }) => {
      const { item } = scopeFor(call, body.walletAddress);
      const { clientId } = tokenCaller(call);
      const metadata = { shown: body.metadata ?? null, stored: storeMetadata(body.metadata, call.exchange) };
      return createOnce(deps, call, 'create-outgoing-payment', async ({ request }) => {
        try {
          const payable = await getPayableQuote(deps, clientId, body);
          // Reading the receiver may have taken a while, so the expiry counts at the payment's creation time (RS-OP-07).
          const now = clock.businessNow();
          if (now >= toMillis(payable.quote.expires_at)) throw resourceProblem('invalid_quote');
          const reply = await store({ ...payable, call, request, item, metadata, now });
          deps.wakePayments(payable.receiver.peer ? 'peer' : 'same-ase');
          return reply;
        } catch (error) {
          // The quote is paid, by an earlier request or by one that came at the same time.
          const repeated = await repeatPayment(deps, call, body);
          if (!repeated) throw error;
          await keepReply(deps, { request, reply: repeated });
          return repeated;
        }
      });
    },

    'get-outgoing-payment': async (call, { params }) => {
      const row = await findResource(params.id, (id) => selectById.first(db.query, { ase, id }));
      checkVisible(call, row);
      return { status: 200, body: toBody(deps, row) };
    },

    'list-outgoing-payments': (call, { query }) =>
      listPayments(deps, call, {
        collection: 'outgoing-payments',
        walletAddress: query['wallet-address'],
        statements: listStatements,
        toItem: (row) => toBody(deps, row),
      }),
  } satisfies Omit<OutgoingPaymentApiHandlers<ResourceCall>, 'get-outgoing-payment-grant'>;
}
