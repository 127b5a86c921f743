/** Scripts of clients for the probes of continuation, URIs and what is granted. */
import type { Cases, Script } from './cases.ts';
import type { Client, Grant } from './scripted-client.ts';

const code = ({ last }: Grant): unknown => last.body?.error?.code;

/** Continues once with the reference. */
const starts = async (client: Client): Promise<{ grant: Grant; reference: string | null }> => {
  const grant = await client.askToPay();
  const reference = (await client.browse(grant)).get('interact_ref');
  await client.continue(grant, reference);
  return { grant, reference };
};

const stopsAfterAsking = ['not-exercised', (client: Client) => client.askToPay()] as const;

/** Polls until there is a token, with a pause after each pending answer. */
const polls =
  (pause: number): Script =>
  async (client) => {
    const { grant } = await starts(client);
    while (grant.token === undefined && grant.last.status === 200) {
      client.clock.advance(pause);
      await client.continue(grant);
    }
  };

/** Polls a grant without a finish URI so many times, each time with what `choose` takes. */
const pollsWithoutFinish =
  (times: number, choose?: (grant: Grant, first: Pick<Grant, 'uri' | 'continueToken'>) => void): Script =>
  async (client) => {
    const grant = await client.askToPay({ finish: false });
    await client.browse(grant);
    const first = { ...grant };
    for (let poll = 0; poll < times && grant.token === undefined; poll += 1) {
      if (poll > 0) choose?.(grant, first);
      await client.continue(grant);
    }
  };

/** An incoming payment, and its quote. */
async function usesResources(client: Client, change: (uri: string) => string = (uri) => uri): Promise<void> {
  const receiver = await client.receiver();
  const { id } = (await client.receive(receiver)).body;
  await client.call('GET', change(id), receiver.grant.token);
  await client.quote(id);
  await client.call('POST', change(receiver.grant.manage), receiver.grant.token);
  const { grant } = await starts(client);
  await client.call('DELETE', grant.uri, grant.continueToken);
}

/** Tries to pay so often, and as much as the quote says. */
const paysTimes =
  (times: number): Script =>
  async (client) => {
    const receiver = await client.receiver();
    const { id } = (await client.receive(receiver)).body;
    const quote = (await client.quote(id)).body;
    const grant = await client.mayPay(quote.debitAmount.value);
    const granted = grant.access[0]?.limits?.debitAmount?.value ?? '0';
    const isEnough = BigInt(granted) >= BigInt(quote.debitAmount.value);
    for (let time = 0; time < (isEnough ? 1 : times); time += 1) await client.pay(grant, quote.id);
  };

export const grantCases = {
  P10: {
    async obeys(client) {
      const grant = await client.askToPay();
      client.clock.advance(grant.last.body.continue.wait * 1000);
      await client.continue(grant, (await client.browse(grant)).get('interact_ref'));
    },
    falls: starts,
    others: { 'stops early': stopsAfterAsking },
  },
  P11: {
    obeys: polls(5000),
    falls: polls(0),
    others: {
      'polls after two seconds': ['fail weakly', polls(2000)],
      'continues another grant meanwhile': [
        'pass',
        async (client) => {
          const { grant } = await starts(client);
          const { grant: other } = await starts(client);
          client.clock.advance(5000);
          for (const each of [grant, other]) await client.continue(each);
        },
      ],
      'stops after the pending answer': ['fail', starts],
      'stops early': stopsAfterAsking,
    },
  },
  P12: {
    async obeys(client) {
      const { grant, reference } = await starts(client);
      if (code(grant) !== 'too_fast') return;
      client.clock.advance(grant.last.body.continue.wait * 1000);
      await client.continue(grant, reference);
      if (grant.token === undefined) throw new Error('the second continuation brings no token');
    },
    async falls(client) {
      const { grant, reference } = await starts(client);
      if (code(grant) !== 'too_fast') return;
      await client.continue(grant, reference);
      await client.continue(grant, reference);
    },
    others: { 'gives up': ['fail weakly', starts], 'stops early': stopsAfterAsking },
  },
  P13: {
    obeys: polls(1000),
    async falls(client) {
      const { grant, reference } = await starts(client);
      if (grant.token === undefined) await client.continue(grant, reference);
    },
    others: { 'stops after the pending answer': ['pass', starts], 'stops early': stopsAfterAsking },
  },
  P14: {
    obeys: pollsWithoutFinish(3),
    falls: pollsWithoutFinish(3, (grant, { continueToken }) => {
      grant.continueToken = continueToken;
    }),
    control: pollsWithoutFinish(1),
    others: {
      'keeps the first URI': [
        'fail',
        pollsWithoutFinish(3, (grant, { uri }) => {
          grant.uri = uri;
        }),
      ],
      'stops after two polls': ['fail', pollsWithoutFinish(2)],
      'stops early': ['not-exercised', pollsWithoutFinish(1)],
    },
  },
  P15: {
    obeys: pollsWithoutFinish(1),
    falls: pollsWithoutFinish(2),
    others: {
      'never ends': [
        'fail',
        async (client) => {
          await pollsWithoutFinish(1)(client);
          await client.linger(15_000);
        },
      ],
      'stops early': ['not-exercised', (client) => client.askToPay({ finish: false })],
    },
  },
  P16: {
    obeys: usesResources,
    falls: (client) => usesResources(client, (uri) => uri.replace(/\?.*/, '')),
    others: {
      'appends a slash': ['fail', (client) => usesResources(client, (uri) => `${uri}/`)],
      'stops early': ['fail', async (client) => client.receive(await client.receiver())],
    },
  },
  P17: {
    obeys: async (client) => {
      const grant = await client.askToPay();
      const finish = await client.browse(grant);
      if (!client.verifies(grant, finish)) throw new Error('the hash is not made with this endpoint');
      await client.continue(grant, finish.get('interact_ref'));
    },
    falls: async (client) => {
      const { authServer } = await client.wallet();
      await client.ask(authServer.replace(/\?.*/, ''), { type: 'quote', actions: ['create'] });
    },
    others: {
      'calls the usual endpoint': [
        'fail',
        async (client) => {
          const { authServer } = await client.wallet();
          await client.ask(`${new URL(authServer).origin}/auth/`, { type: 'quote', actions: ['create'] });
        },
      ],
      'stops early': ['fail', (client) => client.wallet()],
    },
  },
  P18: {
    obeys: usesResources,
    falls: async (client) => {
      await client.wallet();
      const origin = new URL(client.env.walletAddress).origin;
      await client.ask(`${origin}/auth/`, { type: 'quote', actions: ['create'] });
    },
    others: { 'stops early': ['fail', (client) => client.wallet()] },
  },
  P19: {
    obeys: async (client) => {
      const { wallet, grant } = await client.receiver();
      await client.receive({ wallet: { ...wallet, resourceServer: wallet.resourceServer.replace(/\/$/, '') }, grant });
    },
    falls: async (client) => client.receive(await client.receiver()),
    others: { 'stops early': ['fail', (client) => client.wallet()] },
  },
  P20: {
    obeys: paysTimes(2),
    falls: paysTimes(3),
    others: { 'stops early': stopsAfterAsking },
  },
} satisfies Record<string, Cases>;
