/** Public keys of wallet addresses. */
import type { Handlers } from '../../generated/control/routes.ts';
import { listKeys, registerKey, revokeKey } from '../administration/keys.ts';
import { getWalletAddress } from '../administration/wallet-addresses.ts';
import { type AdministrationDeps, type ControlCall, createAseAccess } from './ase-access.ts';

export function createWalletAddressKeyHandlers(deps: AdministrationDeps) {
  const { db, businessNow } = deps;
  const { expectAse } = createAseAccess(deps);
  return {
    'list-wallet-address-keys': async (_call, { params }) => {
      const { key } = expectAse(params.ase);
      const { id } = await getWalletAddress(db.query, key, params.walletAddress);
      return { status: 200, body: { keys: await listKeys(db.query, key, id) } };
    },
    'register-wallet-address-key': async (call, { params, body }) => {
      const ase = expectAse(params.ase);
      const { id, url } = await getWalletAddress(db.query, ase.key, params.walletAddress);
      const reply = await call.transaction(async (tx) => ({
        status: 201 as const,
        body: { ...(await registerKey(tx, ase.key, id, body, businessNow())) },
      }));
      ase.forgetKeys(url);
      return reply;
    },
    'revoke-wallet-address-key': async (call, { params }) => {
      const ase = expectAse(params.ase);
      const { id, url } = await getWalletAddress(db.query, ase.key, params.walletAddress);
      const reply = await call.transaction(async (tx) => {
        await revokeKey(tx, ase.key, id, params.kid);
        return { status: 204 as const };
      });
      ase.forgetKeys(url);
      return reply;
    },
  } satisfies Partial<Handlers<ControlCall>>;
}
