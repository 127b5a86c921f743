/** For each probe, scripts of clients: what it does right, how it falls for the trap, and other reactions. */
import type { ProbeId } from '../../../src/grade/probes.ts';
import { grantCases } from './grant-cases.ts';
import { httpCases } from './http-cases.ts';
import { paymentCases } from './payment-cases.ts';
import type { Client, Grant } from './scripted-client.ts';
import { tokenCases } from './token-cases.ts';

export type Script = (client: Client) => Promise<unknown>;

export interface Cases {
  readonly obeys: Script;
  readonly falls: Script;
  /** In place of `obeys` in the control run. */
  readonly control?: Script;
  /** Further scripts by name, with the result, and `weakly` for one that only warns. */
  readonly others?: Readonly<Record<string, readonly [result: string, script: Script]>>;
}

/** Continues the grant if the finish redirect is as it wants. */
const finishesIf =
  (isRight: (client: Client, grant: Grant, finish: URLSearchParams) => boolean): Script =>
  async (client) => {
    const grant = await client.askToPay();
    const finish = await client.browse(grant);
    if (isRight(client, grant, finish)) await client.continue(grant, finish.get('interact_ref'));
  };

const verifies = finishesIf((client, grant, finish) => client.verifies(grant, finish));
const trusts = finishesIf(() => true);
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
        finishesIf((client, grant, finish) => !finish.has('hash') || client.verifies(grant, finish)),
      ],
      'takes an empty hash for a right one': [
        'fail',
        finishesIf((client, grant, finish) => finish.get('hash') === '' || client.verifies(grant, finish)),
      ],
    },
  },
  P03: finishes,
  P04: finishes,
  P05: {
    obeys: verifies,
    falls: finishesIf((client, grant, finish) => client.verifies(grant, finish, ['base64'])),
    others: { 'stops early': stopsAfterAsking },
  },
  P06: {
    obeys: verifies,
    async falls(client) {
      const grant = await client.askToPay();
      client.clock.during = () => client.continue(grant);
      await client.browse(grant);
    },
    others: { 'stops early': stopsAfterAsking },
  },
  P07: {
    obeys: finishesIf((_client, _grant, finish) => finish.has('interact_ref')),
    falls: trusts,
    others: { 'stops early': stopsAfterAsking },
  },
  P08: {
    obeys: verifies,
    async falls(client) {
      const grant = await client.askToPay();
      const reference = (await client.browse(grant)).get('interact_ref');
      await client.continue(grant, reference);
      await client.continue(grant, reference);
    },
    others: {
      'stops early': stopsAfterAsking,
      'continues once for each callback': ['fail', continuesForEachCallback],
    },
  },
  P09: {
    obeys: (client) => waitsForCallback(client, (grant, query) => client.verifies(grant, query)),
    falls: (client) => waitsForCallback(client, () => true),
    others: {
      'does not listen': ['not-exercised', verifies],
      'gives up': ['fail weakly', (client) => waitsForCallback(client, () => false)],
    },
  },
  ...grantCases,
  ...tokenCases,
  ...httpCases,
  ...paymentCases,
};

/** Continues with the first callback that is right, once its browser has visited the interaction. */
async function waitsForCallback(
  client: Client,
  isRight: (grant: Grant, query: URLSearchParams) => boolean,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<string | null>();
  let grant: Grant | undefined;
  const early: URLSearchParams[] = [];
  const take = (query: URLSearchParams) => {
    if (!grant) early.push(query);
    else if (isRight(grant, query)) resolve(query.get('interact_ref'));
  };
  const uri = await client.listen(take);
  grant = await client.askToPay({ finish: uri });
  for (const query of early) take(query);
  take(await client.browse(grant));
  await client.continue(grant, await Promise.race([promise, new Promise<never>((_, reject) => setImmediate(reject))]));
}

async function continuesForEachCallback(client: Client): Promise<void> {
  const called = Promise.withResolvers<URLSearchParams>();
  const uri = await client.listen(called.resolve);
  const grant = await client.askToPay({ finish: uri });
  const finish = await client.browse(grant);
  await client.continue(grant, finish.get('interact_ref'));
  await client.continue(grant, (await called.promise).get('interact_ref'));
}
