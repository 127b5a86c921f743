/** The operator's books over the control API: transfers, reversals, packets in doubt, peers' accounts, who did what. */
import type { BookkeepingApiHandlers } from '../../generated/control/routes.ts';
import { listAuditLog } from '../administration/audit-log.ts';
import type { Page } from '../administration/cursor-page.ts';
import { type GrantPayment, listGrantPayments } from '../administration/grant-payments.ts';
import { readGrant } from '../administration/grants.ts';
import { listPacketsInDoubt, readPeerPacket, readPeerStatement } from '../administration/peer-statement.ts';
import { listTransfers, reverseTransfer, type Transfer } from '../administration/transfers.ts';
import { toInstant } from '../database/columns.ts';
import type { Call } from '../http/pipeline.ts';
import type { Asset } from '../open-payments/amount.ts';
import type { PacketInDoubt } from '../payments/ilp/packet-journal.ts';
import { resolvePacketInDoubt } from '../payments/outgoing/resolve-packet.ts';
import { type AdministrationDeps, createAseAccess, toGrantBody, toPageBody } from './administration.ts';

export function createBookkeepingHandlers(deps: AdministrationDeps) {
  const { db, businessNow, wallNow } = deps;
  const { expectAse } = createAseAccess(deps);
  const keyOf = (name: string): string => expectAse(name).key;
  const toTransferList = ({ items, ...page }: Page<Transfer>) => ({
    transfers: items.map(toTransferBody),
    ...toPageBody(page),
  });
  return {
    // ── Ledger
    'list-transfers': async (_call, { params, query }) => ({
      status: 200,
      body: toTransferList(await listTransfers(db.query, keyOf(params.ase), query)),
    }),
    'list-reversals': async (_call, { params, query }) => ({
      status: 200,
      body: toTransferList(await listTransfers(db.query, keyOf(params.ase), query, { onlyReversals: true })),
    }),
    'create-reversal': async (call, { params, body }) => {
      const key = keyOf(params.ase);
      return call.transaction(async (tx) => ({
        status: 201,
        body: toTransferBody(await reverseTransfer(tx, key, body, businessNow())),
      }));
    },

    // ── Packets and peers
    'list-packets-in-doubt': async (_call, { params, query }) => {
      const { items, ...page } = await listPacketsInDoubt(db.query, keyOf(params.ase), query);
      return { status: 200, body: { packets: items.map(toPacketBody), ...toPageBody(page) } };
    },
    'resolve-packet': async (call, { params, body }) => {
      const { key, wakePayments } = expectAse(params.ase);
      const { payment: paymentId, condition } = params;
      const fate =
        body.fate === 'fulfilled'
          ? { kind: 'fulfilled' as const, fulfillment: Buffer.from(body.fulfillment, 'base64url') }
          : { kind: 'rejected' as const };
      const now = { wallNow: wallNow(), businessNow: businessNow() };
      const reply = await call.transaction(async (tx) => {
        await resolvePacketInDoubt(tx, key, { paymentId, condition, fate }, now);
        return { status: 200 as const, body };
      });
      wakePayments();
      return reply;
    },
    'get-peer-statement': async (call, { params }) => {
      const { key, prefix } = expectAse(params.ase);
      return call.transaction(async (tx) => {
        const { accounts, packetsInDoubt, ...statement } = await readPeerStatement(tx, key, params.peer);
        return {
          status: 200,
          body: {
            ...statement,
            address: prefix,
            accounts: accounts.map(({ asset, balance }) => ({ ...toAssetBody(asset), balance: `${balance}` })),
            packetsInDoubt: packetsInDoubt.map(toPacketBody),
          },
        };
      });
    },
    'get-peer-packet': async (_call, { params }) => {
      const { asset, amount, bookedAt, ...packet } = await readPeerPacket(
        db.query,
        keyOf(params.ase),
        params.peer,
        params.condition,
      );
      const body = { ...packet, ...toAssetBody(asset), amount: `${amount}`, bookedAt: toInstant(bookedAt) };
      return { status: 200, body };
    },

    // ── Who did what
    'get-grant': async (_call, { params }) => {
      const { tokens, ...grant } = await readGrant(db.query, keyOf(params.ase), params.grant);
      const list = tokens.map(({ createdAt, expiresAt, revokedAt }) => ({
        createdAt: toInstant(createdAt),
        expiresAt: toInstant(expiresAt),
        revokedAt: revokedAt === undefined ? null : toInstant(revokedAt),
      }));
      return { status: 200, body: { ...toGrantBody(grant), tokens: list } };
    },
    'list-grant-payments': async (_call, { params, query }) => {
      const { items, ...page } = await listGrantPayments(db.query, keyOf(params.ase), params.grant, query);
      return { status: 200, body: { payments: items.map(toPaymentBody), ...toPageBody(page) } };
    },
    'list-actions': async (_call, { params, query }) => {
      const { items, ...page } = await listAuditLog(db.query, keyOf(params.ase), query);
      const actions = items.map(({ at, detail, ...action }) => ({
        ...action,
        at: toInstant(at),
        detail: { ...detail },
      }));
      return { status: 200, body: { actions, ...toPageBody(page) } };
    },
  } satisfies BookkeepingApiHandlers<Call<undefined>>;
}

const toAssetBody = ({ code, scale }: Asset) => ({ assetCode: code, assetScale: scale });

const toTransferBody = ({ createdAt, reverses, reason, entries, ...transfer }: Transfer) => ({
  ...transfer,
  createdAt: toInstant(createdAt),
  reverses: reverses ?? null,
  reason: reason ?? null,
  entries: entries.map(({ account, asset, amount }) => ({ account, ...toAssetBody(asset), amount: `${amount}` })),
});

const toPacketBody = ({ asset, amount, since, expiresAt, ...packet }: PacketInDoubt) => ({
  ...packet,
  ...toAssetBody(asset),
  amount: `${amount}`,
  since: toInstant(since),
  expiresAt: toInstant(expiresAt),
});

const toPaymentBody = ({ asset, amount, moved, createdAt, ...payment }: GrantPayment) => ({
  ...payment,
  ...toAssetBody(asset),
  createdAt: toInstant(createdAt),
  amount: amount === undefined ? null : `${amount}`,
  moved: `${moved}`,
});
