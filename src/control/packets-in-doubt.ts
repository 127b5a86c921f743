/** Packets whose answer was lost, and how an operator resolves them. */
import type { Handlers } from '../../generated/control/routes.ts';
import { listPacketsInDoubt } from '../administration/peer-statement.ts';
import { toInstant } from '../database/columns.ts';
import type { PacketInDoubt } from '../payments/ilp/packet-journal.ts';
import { resolvePacketInDoubt } from '../payments/outgoing/resolve-packet.ts';
import { type AdministrationDeps, type ControlCall, createAseAccess } from './ase-access.ts';
import { toAssetBody, toPageBody } from './bodies.ts';
export const toPacketBody = ({ asset, amount, since, expiresAt, ...packet }: PacketInDoubt) => ({
  ...packet,
  ...toAssetBody(asset),
  amount: `${amount}`,
  since: toInstant(since),
  expiresAt: toInstant(expiresAt),
});

export function createPacketInDoubtHandlers(deps: AdministrationDeps) {
  const { db, businessNow, wallNow } = deps;
  const { expectAse } = createAseAccess(deps);
  return {
    'list-packets-in-doubt': async (_call, { params, query }) => {
      const { items, ...page } = await listPacketsInDoubt(db.query, expectAse(params.ase).key, query);
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
  } satisfies Partial<Handlers<ControlCall>>;
}
