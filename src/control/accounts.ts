/** Accounts, deposits and withdrawals of an ASE. */
import type { Handlers } from '../../generated/control/routes.ts';
import { createAccount, listAccounts, type Movement, moveMoney } from '../administration/accounts.ts';
import type { Asset } from '../open-payments/amount.ts';
import { type AdministrationDeps, type ControlCall, createAseAccess } from './ase-access.ts';
import { toAssetBody } from './bodies.ts';

const toAccountBody = ({ id, asset, balance }: { id: string; asset: Asset; balance: bigint }) => ({
  id,
  ...toAssetBody(asset),
  balance: `${balance}`,
});

export function createAccountHandlers(deps: AdministrationDeps) {
  const { db, businessNow } = deps;
  const { expectAse } = createAseAccess(deps);
  async function book(
    call: ControlCall,
    name: string,
    kind: 'deposit' | 'withdrawal',
    body: { id: string; account: string; amount: string },
  ) {
    const { key } = expectAse(name);
    const movement: Movement = { ...body, amount: BigInt(body.amount) };
    return call.transaction(async (tx) => {
      const isNew = await moveMoney(tx, key, kind, movement, businessNow());
      return isNew ? { status: 201 as const, body } : { status: 200 as const, body };
    });
  }

  return {
    'list-accounts': async (_call, { params }) => {
      const accounts = await listAccounts(db.query, expectAse(params.ase).key);
      return { status: 200, body: { accounts: accounts.map(toAccountBody) } };
    },
    'create-account': async (call, { params, body }) => {
      const { key } = expectAse(params.ase);
      const account = { id: body.id, asset: { code: body.assetCode, scale: body.assetScale } };
      return call.transaction(async (tx) => ({
        status: 201,
        body: toAccountBody(await createAccount(tx, key, account)),
      }));
    },
    'create-deposit': (call, { params, body }) => book(call, params.ase, 'deposit', body),
    'create-withdrawal': (call, { params, body }) => book(call, params.ase, 'withdrawal', body),
  } satisfies Partial<Handlers<ControlCall>>;
}
