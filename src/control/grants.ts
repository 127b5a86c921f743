/** Grants of an ASE, their tokens and the payments made with them. */
import type { Handlers } from '../../generated/control/routes.ts';
import { type GrantPayment, listGrantPayments } from '../administration/grant-payments.ts';
import { type GrantDescription, getGrant, listGrants, revokeGrant } from '../administration/grants.ts';
import { toInstant } from '../database/columns.ts';
import { type AdministrationDeps, type ControlCall, createAseAccess } from './ase-access.ts';
import { toAssetBody, toPageBody } from './bodies.ts';

const toGrantBody = ({ clientName, createdAt, access, ...grant }: GrantDescription) => ({
  ...grant,
  clientName: clientName ?? null,
  access: access.map((item) => ({ ...item })),
  createdAt: toInstant(createdAt),
});

const toPaymentBody = ({ asset, amount, moved, createdAt, ...payment }: GrantPayment) => ({
  ...payment,
  ...toAssetBody(asset),
  createdAt: toInstant(createdAt),
  amount: amount === undefined ? null : `${amount}`,
  moved: `${moved}`,
});

export function createGrantHandlers(deps: AdministrationDeps) {
  const { db } = deps;
  const { expectAse } = createAseAccess(deps);
  return {
    'list-grants': async (_call, { params, query }) => {
      const { items, ...page } = await listGrants(db.query, expectAse(params.ase).key, query);
      return { status: 200, body: { grants: items.map(toGrantBody), ...toPageBody(page) } };
    },
    'revoke-grant': async (call, { params }) => {
      const { key } = expectAse(params.ase);
      return call.transaction(async (tx) => {
        await revokeGrant(tx, key, params.grant);
        return { status: 204 };
      });
    },
    'get-grant': async (_call, { params }) => {
      const { tokens, ...grant } = await getGrant(db.query, expectAse(params.ase).key, params.grant);
      const list = tokens.map(({ createdAt, expiresAt, revokedAt }) => ({
        createdAt: toInstant(createdAt),
        expiresAt: toInstant(expiresAt),
        revokedAt: revokedAt === undefined ? null : toInstant(revokedAt),
      }));
      return { status: 200, body: { ...toGrantBody(grant), tokens: list } };
    },
    'list-grant-payments': async (_call, { params, query }) => {
      const { items, ...page } = await listGrantPayments(db.query, expectAse(params.ase).key, params.grant, query);
      return { status: 200, body: { payments: items.map(toPaymentBody), ...toPageBody(page) } };
    },
  } satisfies Partial<Handlers<ControlCall>>;
}
