/** For each probe, scripts of clients: what it does right, how it falls for the trap, and other reactions. */
import type { ProbeId } from '../../../src/grade/probes.ts';
import type { Client } from './scripted-client.ts';

export type Script = (client: Client) => Promise<unknown>;

export interface Cases {
  readonly obeys: Script;
  readonly falls: Script;
  /** In place of `obeys` in the control run. */
  readonly control?: Script;
  /** Further scripts by name, with the result, and `weakly` for one that only warns. */
  readonly others?: Readonly<Record<string, readonly [result: string, script: Script]>>;
}

/** Continues if the hash is right. */
const verifies: Script = async (client) => {
  const grant = await client.askToPay();
  const finish = await client.browse(grant);
  if (client.verifies(grant, finish)) await client.continue(grant, finish.get('interact_ref'));
};

/** Continues with whatever reference comes. */
const trusts: Script = async (client) => {
  const grant = await client.askToPay();
  await client.continue(grant, (await client.browse(grant)).get('interact_ref'));
};

const stopsAfterAsking = ['not-exercised', (client: Client) => client.askToPay()] as const;

const finishes: Cases = { obeys: verifies, falls: trusts, others: { 'stops early': stopsAfterAsking } };

export const cases: Readonly<Partial<Record<ProbeId, Cases>>> = {
  P01: finishes,
  P02: {
    ...finishes,
    others: {
      'stops early': stopsAfterAsking,
      'takes an absent hash for a right one': [
        'fail',
        async (client) => {
          const grant = await client.askToPay();
          const finish = await client.browse(grant);
          if (!finish.has('hash') || client.verifies(grant, finish))
            await client.continue(grant, finish.get('interact_ref'));
        },
      ],
      'takes an empty hash for a right one': [
        'fail',
        async (client) => {
          const grant = await client.askToPay();
          const finish = await client.browse(grant);
          if (finish.get('hash') === '' || client.verifies(grant, finish)) {
            await client.continue(grant, finish.get('interact_ref'));
          }
        },
      ],
    },
  },
  P03: finishes,
  P04: finishes,
};
