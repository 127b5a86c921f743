/** Wallet addresses of an ASE. */
import type { Handlers } from '../../generated/control/routes.ts';
import {
  changeWalletAddress,
  createWalletAddresses,
  listWalletAddresses,
  type WalletAddress,
} from '../administration/wallet-addresses.ts';
import { toInstant } from '../database/columns.ts';
import { type AdministrationDeps, type ControlCall, createAseAccess } from './ase-access.ts';
import { toAssetBody } from './bodies.ts';

const toWalletAddressBody = ({ publicName, asset, createdAt, ...walletAddress }: WalletAddress) => ({
  ...walletAddress,
  publicName: publicName ?? null,
  ...toAssetBody(asset),
  createdAt: toInstant(createdAt),
});

export function createWalletAddressHandlers(deps: AdministrationDeps) {
  const { db, businessNow } = deps;
  const { expectAse } = createAseAccess(deps);
  return {
    'list-wallet-addresses': async (_call, { params }) => {
      const walletAddresses = await listWalletAddresses(db.query, expectAse(params.ase).key);
      return { status: 200, body: { walletAddresses: walletAddresses.map(toWalletAddressBody) } };
    },
    'create-wallet-address': async (call, { params, body }) => {
      const ase = expectAse(params.ase);
      return call.transaction(async (tx) => {
        const [created] = await createWalletAddresses(tx, ase.key, ase, [body], ase.ids, businessNow());
        return { status: 201, body: toWalletAddressBody(created!) };
      });
    },
    'change-wallet-address': async (call, { params, body }) => {
      const ase = expectAse(params.ase);
      const reply = await call.transaction(async (tx) => {
        const changed = await changeWalletAddress(tx, ase.key, params.walletAddress, body, businessNow());
        return { status: 200 as const, body: toWalletAddressBody(changed) };
      });
      ase.forgetKeys(reply.body.url);
      return reply;
    },
  } satisfies Partial<Handlers<ControlCall>>;
}
