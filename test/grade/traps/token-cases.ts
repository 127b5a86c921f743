/** Scripts of clients for the probes of access tokens. */
import type { Answer } from '../../support/signed-fetch.ts';
import type { Cases, Script } from './cases.ts';
import type { Client, Grant } from './scripted-client.ts';

const asks: Script = (client) => client.receiver();
const stopsAfterAsking = ['not-exercised', asks] as const;

/** Reads the incoming payments of the receiver: a request with a token, as often as wanted. */
async function lister(client: Client): Promise<{ grant: Grant; list: () => Promise<Answer> }> {
  const { wallet, grant } = await client.receiver();
  const url = `${wallet.resourceServer}/incoming-payments?wallet-address=${encodeURIComponent(wallet.id)}&first=1`;
  return { grant, list: () => client.call('GET', url, grant.token) };
}

/** Lists twice, and each time rotates as often as `rotations` says while the token is rejected. */
const listsTwice =
  (rotations: number, repetitions = 0): Script =>
  async (client) => {
    const { grant, list } = await lister(client);
    for (let time = 0; time < 2; time += 1) {
      let answer = await list();
      for (let left = rotations; answer.status === 401 && left > 0; left -= 1) {
        await client.rotate(grant);
        answer = await list();
      }
      for (let left = repetitions; answer.status === 401 && left > 0; left -= 1) answer = await list();
      if (answer.status === 401) return;
    }
  };

const recovers: Cases = {
  obeys: listsTwice(1),
  falls: listsTwice(0, 1),
  others: {
    'gives up': ['fail weakly', listsTwice(0)],
    'asks for a new grant': [
      'pass',
      async (client) => {
        await (await lister(client)).list();
        await (await lister(client)).list();
      },
    ],
    'never ends': [
      'fail',
      async (client) => {
        await listsTwice(1)(client);
        await client.linger(30_000);
      },
    ],
    'stops early': stopsAfterAsking,
  },
};

/** Rotates, and manages the token twice more at the URI that `choose` takes. */
const manages =
  (choose: (grant: Grant, first: string) => string): Script =>
  async (client) => {
    const { grant } = await client.receiver();
    const first = grant.manage;
    await client.rotate(grant);
    await client.call('POST', choose(grant, first), grant.token);
  };

const rotatesTimes =
  (times: number): Script =>
  async (client) => {
    const { grant, list } = await lister(client);
    for (let time = 0; time < times; time += 1) {
      const { status } = await client.rotate(grant);
      if (status === 200) break;
    }
    await list();
  };

/** Rotates once; what follows a lost answer is `next`. */
const losesRotation =
  (next: (client: Client, parts: Awaited<ReturnType<typeof lister>>) => Promise<unknown>): Script =>
  async (client) => {
    const parts = await lister(client);
    await client.rotate(parts.grant).catch(() => next(client, parts));
    await parts.list();
  };

const createsTimes =
  (times: number): Script =>
  async (client) => {
    const receiver = await client.receiver();
    for (let time = 0; time < times; time += 1) if ((await client.receive(receiver)).status === 201) return;
  };

/** Asks for a quote token and uses it; follows a challenge if `follows` says so. */
const quotes =
  (follows: boolean): Script =>
  async (client) => {
    const answer = await client.quote((await client.receive(await client.receiver())).body.id);
    const [, endpoint] = /as_uri="([^"]+)"/.exec(answer.headers.get('www-authenticate') ?? '') ?? [];
    if (!follows || endpoint === undefined) return;
    const access = { type: 'quote', actions: ['create'], identifier: client.env.walletAddress };
    await client.ask(endpoint, access);
  };

export const tokenCases = {
  P21: {
    async obeys(client) {
      const { grant, list } = await lister(client);
      await list();
      if (grant.last.body.access_token.expires_in === 2) await client.rotate(grant);
      await list();
    },
    async falls(client) {
      const { list } = await lister(client);
      for (let time = 0; time < 3; time += 1) await list();
    },
    others: { 'notices the 401': ['fail weakly', listsTwice(1)], 'stops early': stopsAfterAsking },
  },
  P22: recovers,
  P23: { ...recovers, others: { ...recovers.others, 'gives up': ['fail', listsTwice(0)] } },
  P24: {
    obeys: listsTwice(3),
    falls: listsTwice(4),
    others: {
      'repeats without an end': ['fail', listsTwice(1, 5)],
      'never ends': [
        'fail',
        async (client) => {
          await listsTwice(1)(client);
          await client.linger(15_000);
        },
      ],
      'gives up before it rotates': ['not-exercised', listsTwice(0)],
      'stops early': stopsAfterAsking,
    },
  },
  P25: {
    obeys: manages(({ manage }) => manage),
    falls: manages((_grant, first) => first),
    others: {
      'stops after the rotation': ['fail', async (client) => client.rotate((await client.receiver()).grant)],
      'stops early': stopsAfterAsking,
    },
  },
  P26: { obeys: rotatesTimes(3), falls: rotatesTimes(4), others: { 'stops early': stopsAfterAsking } },
  P27: {
    obeys: losesRotation((client, { grant }) => client.rotate(grant)),
    falls: losesRotation((_client, { list }) => list()),
    others: { 'stops early': stopsAfterAsking },
  },
  P28: {
    obeys: createsTimes(3),
    falls: createsTimes(4),
    others: {
      rotates: [
        'fail weakly',
        async (client) => {
          const receiver = await client.receiver();
          await client.receive(receiver);
          await client.rotate(receiver.grant);
        },
      ],
      'stops early': ['not-exercised', asks],
    },
  },
  P29: {
    obeys: quotes(false),
    falls: quotes(true),
    others: { 'stops early': ['not-exercised', async (client) => client.receive(await client.receiver())] },
  },
} satisfies Record<string, Cases>;
