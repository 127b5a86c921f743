/** Incoming payments (RS-IP-01…36): created by the payee's client, read in public or in full, listed and completed. */
import type { IncomingPaymentApiHandlers } from '../../generated/resource-server/routes.ts';
import type { components } from '../../generated/resource-server/types.ts';
import { toAmount, toInstant, toMillis } from '../database/columns.ts';
import type { Queryable } from '../database/database.ts';
import { Problem } from '../errors.ts';
import type { Writable } from '../http/operation.ts';
import { type Asset, sameAsset, toWireAmount } from '../open-payments/amount.ts';
import { type ResourceCall, scopeFor, tokenCaller } from './caller.ts';
import type { ResourceDeps } from './deps.ts';
import { storeMetadata } from './metadata.ts';
import { listPayments } from './payment-list.ts';
import { readAmount } from './request-amount.ts';
import { isResourceId } from './resource-url.ts';
import { checkActive, findWalletAddress } from './wallet-address.ts';

/** Latest `expiresAt` from now, in milliseconds, and the one of payments that ask for none (RS-IP-08, RS-IP-09). */
const MAX_EXPIRY_MS = 30 * 24 * 60 * 60 * 1000;

type IncomingPaymentBody = Writable<components['schemas']['incoming-payment']>;
type IncomingPaymentWithMethods = Writable<components['schemas']['incoming-payment-with-methods']>;

interface IncomingPaymentRow {
  readonly id: string;
  readonly wallet_url: string;
  readonly asset_code: string;
  readonly asset_scale: number;
  readonly incoming_amount: string | null;
  readonly received_amount: string;
  readonly completed: boolean;
  readonly expires_at: string;
  readonly metadata: Record<string, unknown> | null;
  readonly created_at: string;
}

export function createIncomingPaymentHandlers(deps: ResourceDeps) {
  const { ase, db, clock, resourceServer } = deps;
  return {
    'create-incoming-payment': async (call, { body }) => {
      scopeFor(call, body.walletAddress);
      const wallet = await findWalletAddress(db.query, ase, body.walletAddress);
      const now = clock.businessNow();
      const row = {
        id: deps.ids.uuid(),
        asset_code: wallet.asset.code,
        asset_scale: wallet.asset.scale,
        incoming_amount: body.incomingAmount ? readIncomingAmount(deps, body.incomingAmount, wallet.asset) : null,
        received_amount: '0',
        completed: false,
        expires_at: readExpiry(body.expiresAt, now),
        created_at: toInstant(now),
      };
      const metadata = storeMetadata(body.metadata, call.exchange);
      const { clientId: client_id, grantId: grant_id } = tokenCaller(call);
      return call.transaction(async (tx) => {
        await tx
          .insertInto('incoming_payment')
          .values({ ...row, ase, wallet_address_id: wallet.id, client_id, grant_id, metadata })
          .execute();
        await deps.announce(tx, 'incoming_payment.created', row.id);
        return { status: 201, body: withMethods({ ...row, wallet_url: wallet.url, metadata: body.metadata ?? null }) };
      });
    },

    'get-incoming-payment': async (call, { params }) => {
      const row = await findIncomingPayment(params.id);
      if (call.caller) {
        checkVisible(call, row);
        checkActive(row);
        return { status: 200, body: withMethods(row) };
      }
      checkActive(row);
      return { status: 200, body: { authServer: deps.authServer, receivedAmount: toBody(row).receivedAmount } };
    },

    'complete-incoming-payment': async (call, { params }) =>
      call.transaction(async (tx) => {
        // The lock decides between completion and a credit that arrives at the same time (RS-IP-36).
        const row = isResourceId(params.id)
          ? await selectIncomingPayments(tx).where('payment.id', '=', params.id).forUpdate('payment').executeTakeFirst()
          : undefined;
        if (!row) throw new Problem('not_found');
        checkVisible(call, row);
        checkActive(row);
        if (isClosed(row)) throw new Problem('incoming_payment_closed');
        await tx
          .updateTable('incoming_payment')
          .set({ completed: true })
          .where('ase', '=', ase)
          .where('id', '=', row.id)
          .execute();
        await deps.announce(tx, 'incoming_payment.completed', row.id);
        return { status: 200, body: toBody({ ...row, completed: true }) };
      }),

    'list-incoming-payments': (call, { query }) =>
      listPayments(deps, call, {
        collection: 'incoming-payments',
        walletAddress: query['wallet-address'],
        select: ({ where, orderBy, limit }) =>
          selectIncomingPayments(db.query).where(where).orderBy(orderBy).limit(limit).execute(),
        toItem: toBody,
      }),
  } satisfies IncomingPaymentApiHandlers<ResourceCall>;

  function selectIncomingPayments(queryable: Queryable) {
    return queryable
      .selectFrom('incoming_payment as payment')
      .innerJoin('wallet_address as wallet', (join) =>
        join.onRef('wallet.ase', '=', 'payment.ase').onRef('wallet.id', '=', 'payment.wallet_address_id'),
      )
      .select(['payment.id', 'payment.client_id', 'wallet.url as wallet_url', 'wallet.active as wallet_active'])
      .select(['payment.asset_code', 'payment.asset_scale', 'payment.incoming_amount', 'payment.received_amount'])
      .select(['payment.completed', 'payment.expires_at', 'payment.metadata', 'payment.created_at'])
      .where('payment.ase', '=', ase);
  }

  async function findIncomingPayment(id: string) {
    const row = isResourceId(id)
      ? await selectIncomingPayments(db.query).where('payment.id', '=', id).executeTakeFirst()
      : undefined;
    if (!row) throw new Problem('not_found');
    return row;
  }

  /** Closed by completion, or by expiry from the very millisecond on (RS-IP-34). */
  function isClosed(row: IncomingPaymentRow): boolean {
    return row.completed || clock.businessNow() >= toMillis(row.expires_at);
  }

  function toBody(row: IncomingPaymentRow): IncomingPaymentBody {
    const asset = { code: row.asset_code, scale: row.asset_scale };
    return {
      id: `${resourceServer}/incoming-payments/${row.id}`,
      walletAddress: row.wallet_url,
      completed: row.completed,
      ...(row.incoming_amount !== null && {
        incomingAmount: toWireAmount({ value: toAmount(row.incoming_amount), asset }),
      }),
      receivedAmount: toWireAmount({ value: toAmount(row.received_amount), asset }),
      expiresAt: toInstant(toMillis(row.expires_at)),
      ...(row.metadata !== null && { metadata: row.metadata }),
      createdAt: toInstant(toMillis(row.created_at)),
    };
  }

  function withMethods(row: IncomingPaymentRow): IncomingPaymentWithMethods {
    if (isClosed(row)) return { ...toBody(row), methods: [] };
    const { ilpAddress, sharedSecret } = deps.credentialsFor(row.id);
    return { ...toBody(row), methods: [{ type: 'ilp', ilpAddress, sharedSecret: sharedSecret.toString('base64url') }] };
  }
}

/** Its wallet address decides about access; another client's payment looks like none (RS-09…11). */
function checkVisible(call: ResourceCall, row: { readonly wallet_url: string; readonly client_id: string }): void {
  const { ownClientId } = scopeFor(call, row.wallet_url);
  if (ownClientId !== undefined && ownClientId !== row.client_id) throw new Problem('not_found');
}

function readIncomingAmount(deps: ResourceDeps, wire: components['schemas']['amount'], walletAsset: Asset): string {
  const amount = readAmount(wire, deps.switches);
  if (amount.value === 0n || !sameAsset(amount.asset, walletAsset)) throw new Problem('invalid_amount');
  return `${amount.value}`;
}

function readExpiry(expiresAt: string | undefined, now: number): string {
  const latest = now + MAX_EXPIRY_MS;
  const expiry = expiresAt === undefined ? latest : Date.parse(expiresAt);
  if (!(expiry > now && expiry <= latest)) throw new Problem('invalid_expires_at');
  return toInstant(expiry);
}
