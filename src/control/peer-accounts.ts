/** An ASE’s side of the account with a peer, which `touchstone reconcile` compares. */
import type { Handlers } from '../../generated/control/routes.ts';
import { getPeerPacket, getPeerStatement } from '../administration/peer-statement.ts';
import { toInstant } from '../database/columns.ts';
import { type AdministrationDeps, type ControlCall, createAseAccess } from './ase-access.ts';
import { toAssetBody } from './bodies.ts';
import { toPacketBody } from './packets-in-doubt.ts';

export function createPeerAccountHandlers(deps: AdministrationDeps) {
  const { db } = deps;
  const { expectAse } = createAseAccess(deps);
  return {
    'get-peer-statement': async (call, { params }) => {
      const { key, prefix } = expectAse(params.ase);
      return call.transaction(async (tx) => {
        const { accounts, packetsInDoubt, ...statement } = await getPeerStatement(tx, key, params.peer);
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
      const { asset, amount, bookedAt, ...packet } = await getPeerPacket(
        db.query,
        expectAse(params.ase).key,
        params.peer,
        params.condition,
      );
      const body = { ...packet, ...toAssetBody(asset), amount: `${amount}`, bookedAt: toInstant(bookedAt) };
      return { status: 200, body };
    },
  } satisfies Partial<Handlers<ControlCall>>;
}
