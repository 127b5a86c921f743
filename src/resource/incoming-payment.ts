/** Incoming payments: created by a client of the payee, read publicly or in full, listed and completed (RS-IP-01…36). */
import type { Insertable } from 'kysely';
import type { IncomingPaymentApiHandlers } from '../../generated/resource-server/routes.ts';
import type { components } from '../../generated/resource-server/types.ts';
import { toAmount, toAsset, toInstant, toMillis } from '../database/columns.ts';
import type { Queryable, Tables, Transaction } from '../database/database.ts';
import { statement } from '../database/statement.ts';
import type { Writable } from '../http/operation.ts';
import { type Asset, sameAsset, toWireAmount, type WireAmount } from '../open-payments/amount.ts';
import { isClosed } from '../payments/incoming/credit.ts';
import { checkVisible, type ResourceCall, scopeFor, tokenCaller } from './caller.ts';
import type { ResourceDeps } from './deps.ts';
import { createOnce } from './idempotency.ts';
import { storeMetadata } from './metadata.ts';
import { createListStatements, listPayments } from './payment-list.ts';
import { resourceProblem } from './problem.ts';
import { parseRequestAmount } from './request-amount.ts';
import { findResource } from './resource-url.ts';
import { checkActive, findWalletAddress, type HostedWalletAddress } from './wallet-address.ts';

type IncomingPaymentDeps = Pick<
  ResourceDeps,
  | 'ase'
  | 'db'
  | 'clock'
  | 'ids'
  | 'switches'
  | 'authServer'
  | 'resourceServer'
  | 'credentialsFor'
  | 'announce'
  | 'hasWebhook'
>;

/** Latest `expiresAt`, in milliseconds from now; also the default (RS-IP-08, RS-IP-09). */
const MAX_EXPIRY_MS = 30 * 24 * 60 * 60 * 1000;

type IncomingPaymentBody = Writable<components['schemas']['incoming-payment']>;
type IncomingPaymentWithMethods = Writable<components['schemas']['incoming-payment-with-methods']>;

const fromIncomingPayments = (db: Queryable, ase: string) =>
  db
    .selectFrom('incoming_payment as payment')
    .innerJoin('wallet_address as wallet', (join) =>
      join.onRef('wallet.ase', '=', 'payment.ase').onRef('wallet.id', '=', 'payment.wallet_address_id'),
    )
    .where('payment.ase', '=', ase);

const columns = [
  ...(['payment.id', 'payment.client_id', 'payment.asset_code', 'payment.asset_scale', 'payment.metadata'] as const),
  ...(['payment.incoming_amount', 'payment.received_amount', 'payment.completed', 'payment.expires_at'] as const),
  'payment.created_at',
] as const;

const selectIncomingPayments = (db: Queryable, ase: string) =>
  fromIncomingPayments(db, ase).select(columns).select(['wallet.url as wallet_url', 'wallet.active as wallet_active']);

const selectPublicView = statement((db, payment: { ase: string; id: string }) =>
  fromIncomingPayments(db, payment.ase)
    .select(['payment.asset_code', 'payment.asset_scale', 'payment.received_amount', 'wallet.active as wallet_active'])
    .where('payment.id', '=', payment.id),
);

const selectById = statement((db, payment: { ase: string; id: string }) =>
  selectIncomingPayments(db, payment.ase).where('payment.id', '=', payment.id),
);

const listStatements = createListStatements((db, ase) =>
  db.selectFrom('incoming_payment as payment').select(columns).where('payment.ase', '=', ase),
);

const insertPayment = statement((db, payment: Insertable<Tables['incoming_payment']>) =>
  db.insertInto('incoming_payment').values(payment),
);

/** The columns that a client sees. */
type IncomingPaymentRow = Omit<
  Awaited<ReturnType<ReturnType<typeof selectIncomingPayments>['executeTakeFirstOrThrow']>>,
  'client_id' | 'wallet_active'
>;

const isRowClosed = ({ completed, expires_at }: IncomingPaymentRow, { clock }: IncomingPaymentDeps): boolean =>
  isClosed({ completed, expiresAt: toMillis(expires_at) }, clock.businessNow());

function parseIncomingAmount(
  deps: IncomingPaymentDeps,
  wire: components['schemas']['amount'],
  walletAsset: Asset,
): string {
  const amount = parseRequestAmount(wire, deps.switches);
  if (amount.value === 0n || !sameAsset(amount.asset, walletAsset)) throw resourceProblem('invalid_amount');
  return `${amount.value}`;
}

function parseExpiry(expiresAt: string | undefined, now: number): string {
  const latest = now + MAX_EXPIRY_MS;
  const expiry = expiresAt === undefined ? latest : Date.parse(expiresAt);
  if (!(expiry > now && expiry <= latest)) throw resourceProblem('invalid_expires_at');
  return toInstant(expiry);
}

const receivedAmountOf = (row: Pick<IncomingPaymentRow, 'received_amount' | 'asset_code' | 'asset_scale'>) =>
  toWireAmount({ value: toAmount(row.received_amount), asset: toAsset(row) });

function toBody({ resourceServer }: IncomingPaymentDeps, row: IncomingPaymentRow): IncomingPaymentBody {
  return {
    id: `${resourceServer}/incoming-payments/${row.id}`,
    walletAddress: row.wallet_url,
    completed: row.completed,
    ...(row.incoming_amount !== null && {
      incomingAmount: toWireAmount({ value: toAmount(row.incoming_amount), asset: toAsset(row) }),
    }),
    receivedAmount: receivedAmountOf(row),
    expiresAt: toInstant(toMillis(row.expires_at)),
    ...(row.metadata !== null && { metadata: row.metadata }),
    createdAt: toInstant(toMillis(row.created_at)),
  };
}

function withMethods(deps: IncomingPaymentDeps, row: IncomingPaymentRow): IncomingPaymentWithMethods {
  const body = toBody(deps, row);
  if (isRowClosed(row, deps)) return { ...body, methods: [] };
  const { ilpAddress, sharedSecret } = deps.credentialsFor(row.id);
  return { ...body, methods: [{ type: 'ilp', ilpAddress, sharedSecret: sharedSecret.toString('base64url') }] };
}

/** The columns of a new payment that its wallet address and its request decide. */
function newRow(
  deps: IncomingPaymentDeps,
  wallet: HostedWalletAddress,
  { incomingAmount, expiresAt }: { incomingAmount?: WireAmount; expiresAt?: string },
) {
  const now = deps.clock.businessNow();
  return {
    id: deps.ids.uuid(),
    wallet_address_id: wallet.id,
    account_id: wallet.accountId,
    asset_code: wallet.asset.code,
    asset_scale: wallet.asset.scale,
    incoming_amount: incomingAmount ? parseIncomingAmount(deps, incomingAmount, wallet.asset) : null,
    received_amount: '0',
    completed: false,
    expires_at: parseExpiry(expiresAt, now),
    created_at: toInstant(now),
  };
}

export function createIncomingPaymentHandlers(deps: IncomingPaymentDeps) {
  const { ase, db } = deps;
  return {
    'create-incoming-payment': async (call, { body }) => {
      scopeFor(call, body.walletAddress);
      return createOnce(deps, call, 'create-incoming-payment', async ({ change }) => {
        const wallet = await findWalletAddress(db.query, ase, body.walletAddress);
        const row = newRow(deps, wallet, body);
        const metadata = storeMetadata(body.metadata, call.exchange);
        const { clientId: client_id, grantId: grant_id } = tokenCaller(call);
        const created = { ...row, wallet_url: wallet.url, metadata: body.metadata ?? null };
        const reply = { status: 201 as const, body: withMethods(deps, created) };
        const announce = (tx: Transaction) => deps.announce(tx, 'incoming_payment.created', row.id);
        return change(
          reply,
          (db) => insertPayment.change(db, { ...row, ase, client_id, grant_id, metadata }),
          ...(deps.hasWebhook() ? [announce] : []),
        );
      });
    },

    'get-incoming-payment': async (call, { params }) => {
      if (!call.caller) {
        const row = await findResource(params.id, (id) =>
          db.replica.read(ase, (db) => selectPublicView.first(db, { ase, id })),
        );
        checkActive(row);
        return { status: 200, body: { authServer: deps.authServer, receivedAmount: receivedAmountOf(row) } };
      }
      const row = await findResource(params.id, (id) => selectById.first(db.query, { ase, id }));
      checkVisible(call, row);
      return { status: 200, body: withMethods(deps, row) };
    },

    'complete-incoming-payment': async (call, { params }) =>
      call.transaction(async (tx) => {
        // The lock serialises completion with a credit that arrives at the same time (RS-IP-36).
        const row = await findResource(params.id, (id) =>
          selectIncomingPayments(tx, ase).where('payment.id', '=', id).forUpdate('payment').executeTakeFirst(),
        );
        checkVisible(call, row);
        if (isRowClosed(row, deps)) throw resourceProblem('incoming_payment_closed');
        await tx
          .updateTable('incoming_payment')
          .set({ completed: true, partly_paid: false })
          .where('ase', '=', ase)
          .where('id', '=', row.id)
          .execute();
        await deps.announce(tx, 'incoming_payment.completed', row.id);
        return { status: 200, body: toBody(deps, { ...row, completed: true }) };
      }),

    'list-incoming-payments': (call, { query }) =>
      listPayments(deps, call, {
        collection: 'incoming-payments',
        walletAddress: query['wallet-address'],
        statements: listStatements,
        toItem: (row) => toBody(deps, row),
      }),
  } satisfies IncomingPaymentApiHandlers<ResourceCall>;
}
