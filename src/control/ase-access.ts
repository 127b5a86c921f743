/** Finds the ASE that a request names and applies changes of its settings. */
import type { AseAdministration } from '../administration/ase-administration.ts';
import type { Database, Transaction } from '../database/database.ts';
import { Problem } from '../errors.ts';
import type { Reply } from '../http/reply.ts';
import type { Call } from '../http/server.ts';

export type ControlCall = Call<undefined>;

export interface AdministrationDeps {
  readonly db: Database;
  readonly businessNow: () => number;
  readonly wallNow: () => number;
  /** The ASE of this name, if this process hosts it. */
  readonly findAse: (name: string) => AseAdministration | undefined;
}

export function createAseAccess({ findAse }: Pick<AdministrationDeps, 'findAse'>) {
  function expectAse(name: string): AseAdministration {
    const ase = findAse(name);
    if (!ase) throw new Problem('not_found', { description: 'unknown ASE' });
    return ase;
  }

  /** Changes settings in a transaction, then refreshes the copy that the ASE keeps in memory. */
  async function changeSettings<R extends Reply>(
    call: ControlCall,
    name: string,
    work: (tx: Transaction, ase: AseAdministration) => Promise<R>,
  ): Promise<R> {
    const ase = expectAse(name);
    const reply = await call.transaction((tx) => work(tx, ase));
    await ase.settings.refresh();
    return reply;
  }

  return { expectAse, changeSettings };
}
