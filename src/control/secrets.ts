/** Secrets from which an ASE derives keys, tokens and STREAM credentials. */
import type { Handlers } from '../../generated/control/routes.ts';
import { addSecret, listSecrets } from '../administration/secrets.ts';
import { type AdministrationDeps, type ControlCall, createAseAccess } from './ase-access.ts';

export function createSecretHandlers(deps: AdministrationDeps) {
  const { db } = deps;
  const { expectAse, changeSettings } = createAseAccess(deps);
  return {
    'list-secrets': async (_call, { params }) => ({
      status: 200,
      body: { secrets: await listSecrets(db.query, expectAse(params.ase).key) },
    }),
    'add-secret': (call, { params }) =>
      changeSettings(call, params.ase, async (tx, ase) => ({
        status: 201,
        body: await addSecret(tx, ase.key, ase.ids),
      })),
  } satisfies Partial<Handlers<ControlCall>>;
}
