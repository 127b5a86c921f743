/** Peers of an ASE. */
import type { Handlers } from '../../generated/control/routes.ts';
import { changePeer, createPeer, listPeers, type PeerDescription, removePeer } from '../administration/peers.ts';
import { type AdministrationDeps, type ControlCall, createAseAccess } from './ase-access.ts';

const toPeerBody = ({ maxPacketAmount, balanceLimit, routes, ...peer }: PeerDescription) => ({
  ...peer,
  routes: [...routes],
  maxPacketAmount: `${maxPacketAmount}`,
  balanceLimit: balanceLimit === undefined ? null : `${balanceLimit}`,
});

/** Includes only the members that the body has, so that a change keeps the others. */
const readPeerAmounts = (body: { maxPacketAmount?: string; balanceLimit?: string | null }) => ({
  ...(body.maxPacketAmount !== undefined && { maxPacketAmount: BigInt(body.maxPacketAmount) }),
  ...(body.balanceLimit !== undefined && {
    balanceLimit: body.balanceLimit === null ? null : BigInt(body.balanceLimit),
  }),
});

export function createPeerHandlers(deps: AdministrationDeps) {
  const { db } = deps;
  const { expectAse, changeSettings } = createAseAccess(deps);
  return {
    'list-peers': async (_call, { params }) => {
      const peers = await listPeers(db.query, expectAse(params.ase).key);
      return { status: 200, body: { peers: peers.map(toPeerBody) } };
    },
    'create-peer': (call, { params, body }) =>
      changeSettings(call, params.ase, async (tx, ase) => {
        const rules = { prefix: ase.prefix, allowHttp: ase.local };
        const { maxPacketAmount, balanceLimit: _limit, ...rest } = body;
        const peer = { ...rest, ...readPeerAmounts(body), maxPacketAmount: BigInt(maxPacketAmount) };
        return { status: 201, body: toPeerBody(await createPeer(tx, ase.key, rules, peer)) };
      }),
    'change-peer': (call, { params, body }) =>
      changeSettings(call, params.ase, async (tx, ase) => {
        const rules = { prefix: ase.prefix, allowHttp: ase.local };
        const { maxPacketAmount: _amount, balanceLimit: _limit, ...rest } = body;
        const change = { ...rest, ...readPeerAmounts(body) };
        return { status: 200, body: toPeerBody(await changePeer(tx, ase.key, rules, params.peer, change)) };
      }),
    'remove-peer': (call, { params }) =>
      changeSettings(call, params.ase, async (tx, { key }) => {
        await removePeer(tx, key, params.peer);
        return { status: 204 };
      }),
  } satisfies Partial<Handlers<ControlCall>>;
}
