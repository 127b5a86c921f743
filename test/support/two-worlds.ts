/** Two deployments in the test's process, granite and marble, with a bad network on the way of granite's packets. */

import { defaultWorld } from '../../src/world/definition/definition.ts';
import type { EmbeddedWorldOptions as CreateWorldOptions } from '../../src/world/embedded.ts';
import { type FaultProxy, openFaultProxy } from './fault-proxy.ts';
import { createPayer, type Payer } from './payer.ts';
import { clientEnvironment, startWorld, type TestWorld } from './world.ts';

export interface TwoWorlds {
  readonly granite: TestWorld;
  readonly marble: TestWorld;
  /** Between granite's link and marble's connector. */
  readonly proxy: FaultProxy;
  /** Pays from a wallet at granite. */
  readonly payer: Payer;
  /** Wallet addresses at marble and at granite. */
  readonly payee: string;
  readonly neighbour: string;
  close(): Promise<void>;
}

export interface TwoWorldsOptions {
  readonly granite?: CreateWorldOptions;
  readonly marble?: CreateWorldOptions;
}

/** Maximum amount of a packet, in minor units. */
export const maxPacketAmount = 600n;

const tokens = { toGranite: 'what-marble-shows-to-granite-0001', toMarble: 'what-granite-shows-to-marble-0001' };

/** Each has only the other as a peer, and shares no database, secret or clock with it. */
export async function startTwoWorlds(options: TwoWorldsOptions = {}): Promise<TwoWorlds> {
  const definitionFor = (self: string, other: string, endpoint: string, incoming: string, outgoing: string) => ({
    ...defaultWorld,
    maxPacketAmount,
    ases: defaultWorld.ases.map((ase) => {
      const elsewhere = { prefix: `test.${other}`, endpoint, incomingToken: incoming, outgoingToken: outgoing };
      return ase.name === self ? { ...ase, peers: [{ name: other, elsewhere }] } : ase;
    }),
  });
  const marble = await startWorld({
    ...options.marble,
    only: 'marble',
    definition: definitionFor('marble', 'granite', 'http://localhost:1', tokens.toMarble, tokens.toGranite),
  });
  const { origin } = marble.ases[0]!;
  const proxy = await openFaultProxy(Number(new URL(origin).port));
  const granite = await startWorld({
    ...options.granite,
    only: 'granite',
    definition: definitionFor('granite', 'marble', proxy.origin, tokens.toGranite, tokens.toMarble),
  });
  return {
    granite,
    marble,
    proxy,
    payer: await createPayer(clientEnvironment(granite)),
    payee: `${origin}/bob`,
    neighbour: `${granite.ases[0]!.origin}/amelia`,
    async close() {
      proxy.set(undefined);
      await Promise.all([granite.close(), marble.close()]);
      proxy.close();
    },
  };
}
