/** Ledger transfers of an ASE and their reversals. */
import type { Handlers } from '../../generated/control/routes.ts';
import type { Page } from '../administration/cursor-page.ts';
import { listTransfers, reverseTransfer, type Transfer } from '../administration/transfers.ts';
import { toInstant } from '../database/columns.ts';
import { type AdministrationDeps, type ControlCall, createAseAccess } from './ase-access.ts';
import { toAssetBody, toPageBody } from './bodies.ts';

const toTransferBody = ({ createdAt, reverses, reason, entries, ...transfer }: Transfer) => ({
  ...transfer,
  createdAt: toInstant(createdAt),
  reverses: reverses ?? null,
  reason: reason ?? null,
  entries: entries.map(({ account, asset, amount }) => ({ account, ...toAssetBody(asset), amount: `${amount}` })),
});

const toTransferList = ({ items, ...page }: Page<Transfer>) => ({
  transfers: items.map(toTransferBody),
  ...toPageBody(page),
});

export function createTransferHandlers(deps: AdministrationDeps) {
  const { db, businessNow } = deps;
  const { expectAse } = createAseAccess(deps);
  return {
    'list-transfers': async (_call, { params, query }) => ({
      status: 200,
      body: toTransferList(await listTransfers(db.query, expectAse(params.ase).key, query)),
    }),
    'list-reversals': async (_call, { params, query }) => ({
      status: 200,
      body: toTransferList(await listTransfers(db.query, expectAse(params.ase).key, query, { onlyReversals: true })),
    }),
    'create-reversal': async (call, { params, body }) => {
      const key = expectAse(params.ase).key;
      return call.transaction(async (tx) => ({
        status: 201,
        body: toTransferBody(await reverseTransfer(tx, key, body, businessNow())),
      }));
    },
  } satisfies Partial<Handlers<ControlCall>>;
}
