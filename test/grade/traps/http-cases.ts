/** Scripts of clients for the probes of redirects, broken connections and servers that fail. */
import { type Answer, send } from '../../support/signed-fetch.ts';
import type { Cases, Script } from './cases.ts';
import type { Client } from './scripted-client.ts';

const reads: Script = (client) => client.wallet(client.env.receiver);
const stopsBefore = ['not-exercised', (client: Client) => client.wallet()] as const;

/** Follows redirects of a GET, at most so many. */
async function follow(client: Client, url: string, most: number): Promise<Answer> {
  let answer = await client.get(url);
  for (let step = 0; step < most && answer.status === 302; step += 1)
    answer = await client.get(answer.headers.get('location')!);
  return answer;
}

/** Repeats the call after `pause` says how many milliseconds, at most so many times. */
const repeats =
  (
    call: (client: Client) => Promise<Answer>,
    pause: (answer: Answer, client: Client) => number,
    most: number,
  ): Script =>
  async (client) => {
    let answer = await call(client);
    for (let time = 0; time < most && answer.status >= 400; time += 1) {
      client.clock.advance(pause(answer, client));
      answer = await call(client);
    }
  };

const retryAfter = (answer: Answer, { clock }: Client): number => {
  const field = answer.headers.get('retry-after') ?? '0';
  return /^\d+$/.test(field) ? Number(field) * 1000 : Date.parse(field) - clock.wallNow();
};

/** Reads an incoming payment. */
const readsPayment: (client: Client) => Promise<Answer> = async (client) => {
  const receiver = await client.receiver();
  const { id } = (await client.receive(receiver)).body;
  return client.call('GET', id, receiver.grant.token);
};

/** Meets an odd answer of each kind, continues after `too_fast`, and reports as `report` does. */
const meetsOddErrors =
  (report: (client: Client, answer: Pick<Answer, 'status'>) => unknown): Script =>
  async (client) => {
    // `send` throws for truncated JSON, which has the status 400.
    const reported = async (call: Promise<Answer>) => void report(client, await call.catch(() => ({ status: 400 })));
    await reported(client.get(client.env.receiver));
    const { resourceServer } = await client.wallet();
    const list = `${resourceServer}/outgoing-payments?wallet-address=${encodeURIComponent(client.env.walletAddress)}`;
    const grant = await client.askToPay();
    const reference = (await client.browse(grant)).get('interact_ref');
    await client.continue(grant, reference);
    if (grant.last.body?.error === 'too_fast') {
      client.clock.advance(5000);
      await client.continue(grant, reference);
    }
    await reported(client.call('GET', list, grant.token));
    await reported(client.call('DELETE', grant.last.body.access_token.manage, grant.token));
  };

/** One GET again and again. */
const getsAgain = (most: number, pause: (answer: Answer, client: Client) => number): Script =>
  repeats((client) => client.get(client.env.walletAddress), pause, most);

/** The whole flow up to the payment; `again` is done after a POST that failed. */
const paysWith =
  (again: (client: Client, repeat: () => Promise<Answer>) => Promise<Answer | undefined>): Script =>
  async (client) => {
    const tried = async (call: () => Promise<Answer>): Promise<Answer> => {
      const answer = await call().catch(() => undefined);
      if (answer && answer.status < 500) return answer;
      const next = await again(client, call);
      if (next === undefined || next.status >= 500) throw new Error('given up');
      return next;
    };
    const receiver = await client.wallet(client.env.receiver);
    const grant = { last: undefined as unknown, token: '' };
    const asked = await tried(() =>
      client.call('POST', receiver.authServer, undefined, {
        client: client.env.client,
        access_token: { access: [{ type: 'incoming-payment', actions: ['create', 'read'] }] },
      }),
    );
    grant.token = asked.body.access_token.value;
    const { assetCode, assetScale } = receiver;
    const incoming = await tried(() =>
      client.call('POST', `${receiver.resourceServer}/incoming-payments`, grant.token, {
        walletAddress: receiver.id,
        incomingAmount: { value: '100', assetCode, assetScale },
      }),
    );
    const payer = await client.wallet();
    const quoting = await client.ask(payer.authServer, { type: 'quote', actions: ['create'] });
    const quote = await tried(() =>
      client.call('POST', `${payer.resourceServer}/quotes`, quoting.token, {
        walletAddress: payer.id,
        receiver: incoming.body.id,
        method: 'ilp',
      }),
    );
    const paying = await client.mayPay();
    await tried(() =>
      client.call('POST', `${payer.resourceServer}/outgoing-payments`, paying.token, {
        walletAddress: payer.id,
        quoteId: quote.body.id,
      }),
    );
  };

const givesUp: Script = paysWith(async () => undefined);
const repeatsAtOnce: Script = paysWith((_client, repeat) => repeat());
const looksFirst: Script = paysWith(async (client, repeat) => {
  const { resourceServer, id } = await client.wallet();
  const { token } = await client.mayPay();
  await client.call('GET', `${resourceServer}/outgoing-payments?wallet-address=${encodeURIComponent(id)}`, token);
  return repeat();
});

/** Continues with what the first answer of each kind holds; a strict client stops at a member that it does not know. */
const readsStrictly =
  (known: readonly string[]): Script =>
  async (client) => {
    const document = await client.wallet(client.env.receiver);
    if (Object.keys(document).some((name) => !known.includes(name))) return;
    await usesWallet(client);
  };

const walletMembers = ['id', 'publicName', 'assetCode', 'assetScale', 'authServer', 'resourceServer'];

const usesWallet: Script = async (client) => {
  const receiver = await client.receiver();
  const answer = await client.receive(receiver);
  if (answer.body.id) await client.call('GET', answer.body.id, receiver.grant.token);
};

/** Sends a POST again wherever a redirect leads, with the same bytes and fields. */
async function forwardsBlindly(client: Client): Promise<void> {
  const { authServer } = await client.wallet();
  const access = [{ type: 'quote', actions: ['create'] }];
  const body = JSON.stringify({ client: client.env.client, access_token: { access } });
  let headers: Record<string, string> = {};
  const first = await send(client.env, {
    method: 'POST',
    url: authServer,
    body,
    spoil: (sent) => {
      headers = sent;
    },
  });
  const location = first.headers.get('location');
  if (location) await fetch(location, { method: 'POST', headers, body, redirect: 'manual' });
}

const asksOnce: Script = async (client) =>
  client.ask((await client.wallet()).authServer, { type: 'quote', actions: ['create'] });

/** Opens an incoming payment wherever the address of the receiver leads. */
const paysWhoever: Script = async (client) => {
  const { body: wallet } = await follow(client, client.env.receiver, 1);
  const { grant } = await client.receiver(wallet.id);
  await client.receive({ wallet, grant });
};

export const httpCases = {
  P31: {
    obeys: async (client) => {
      const { body } = await client.get(client.env.receiver);
      if (body?.id !== client.env.receiver) return;
      await client.receive(await client.receiver());
    },
    falls: paysWhoever,
    others: { 'stops early': stopsBefore },
  },
  P32: {
    obeys: asksOnce,
    falls: forwardsBlindly,
    control: async (client) => {
      await asksOnce(client);
      await readsPayment(client);
    },
    others: {
      'takes its token to another origin': [
        'fail',
        async (client) => {
          const receiver = await client.receiver();
          const { id } = (await client.receive(receiver)).body;
          const answer = await client.call('GET', id, receiver.grant.token);
          const location = answer.headers.get('location');
          if (location) await client.call('GET', location, receiver.grant.token);
        },
      ],
      'signs a new request': [
        'pass',
        async (client) => {
          const { last } = await client.ask((await client.wallet()).authServer, { type: 'quote', actions: ['create'] });
          const location = last.headers.get('location');
          if (location) await client.ask(location, { type: 'quote', actions: ['create', 'read'] });
        },
      ],
      'stops early': stopsBefore,
    },
  },
  P33: {
    obeys: (client) => follow(client, client.env.receiver, 20),
    falls: (client) => follow(client, client.env.receiver, 300),
    others: {
      'never ends': [
        'fail',
        async (client) => {
          await follow(client, client.env.receiver, 5);
          await client.linger(15_000);
        },
      ],
      'stops early': stopsBefore,
    },
  },
  P34: {
    obeys: usesWallet,
    falls: readsStrictly(walletMembers),
    others: { 'stops early': ['fail', reads] },
  },
  P35: {
    obeys: usesWallet,
    falls: async (client) => {
      const { wallet, grant } = await client.receiver();
      if ('x-nothing' in (grant.last.body.access_token ?? {})) return;
      const { body } = await client.receive({ wallet, grant });
      await client.call('GET', body.id, grant.token);
    },
    others: { 'stops early': ['not-exercised', reads] },
  },
  P36: {
    obeys: async (client) => {
      const { wallet, grant } = await client.receiver();
      if (wallet.assetScale === undefined) return;
      const { id } = (await client.receive({ wallet, grant })).body;
      await client.call('GET', id, grant.token);
    },
    falls: async (client) => {
      const { wallet, grant } = await client.receiver();
      if (grant.last.body.continue.wait === undefined) return;
      await client.receive({ wallet, grant });
    },
    control: usesWallet,
    others: {
      'takes a scale of two for granted': [
        'fail',
        async (client) => {
          const { wallet, grant } = await client.receiver();
          const { body } = await client.receive({ wallet: { ...wallet, assetScale: wallet.assetScale ?? 2 }, grant });
          await client.call('GET', body.id, grant.token);
        },
      ],
      'stops early': ['fail', reads],
    },
  },
  P37: {
    obeys: meetsOddErrors((client, { status }) => {
      client.outcomes.push(status < 400 ? { outcome: 'success' } : { outcome: 'error', status });
    }),
    falls: async (client) => {
      const answer = await client.get(client.env.receiver);
      const grant = await client.mayPay();
      if (answer.status === 404) {
        const { wallet, grant: asked } = await client.receiver(client.env.walletAddress);
        await client.receive({ wallet: { ...wallet, id: client.env.receiver }, grant: asked });
      }
      return grant;
    },
    control: meetsOddErrors(() => {}),
    others: {
      'repeats a read without an end': [
        'fail',
        async (client) => {
          const { wallet, grant } = await client.receiver();
          const list = `${wallet.resourceServer}/incoming-payments?wallet-address=${encodeURIComponent(wallet.id)}`;
          for (let time = 0; time < 4; time += 1) await client.call('GET', list, grant.token);
        },
      ],
      'stops at too_fast': ['fail', (client) => client.mayPay()],
      'writes no outcome file': ['pass', meetsOddErrors(() => {})],
      'reports no error': ['fail', meetsOddErrors((client) => client.outcomes.push({ outcome: 'success' }))],
      'loses the statuses': ['fail weakly', meetsOddErrors((client) => client.outcomes.push({ outcome: 'error' }))],
      'stops early': ['not-exercised', reads],
    },
  },
  P38: {
    obeys: getsAgain(1, retryAfter),
    falls: getsAgain(2, () => 500),
    others: {
      'tries for a third time': ['fail weakly', getsAgain(2, retryAfter)],
      'ignores the date': ['fail', getsAgain(2, (answer) => (answer.headers.get('retry-after') === '2' ? 2000 : 500))],
      'gives up': ['pass', (client) => client.get(client.env.walletAddress)],
    },
  },
  P39: {
    obeys: givesUp,
    falls: repeatsAtOnce,
    others: {
      'waits for ten seconds': [
        'pass',
        paysWith(async (client, repeat) => {
          client.clock.advance(10_000);
          const answer = await repeat();
          client.clock.advance(10_000);
          return answer.status < 500 ? answer : repeat();
        }),
      ],
      'stops early': ['not-exercised', reads],
    },
  },
  P40: {
    obeys: looksFirst,
    falls: repeatsAtOnce,
    others: {
      'gives up': ['pass', givesUp],
      'stops early': ['not-exercised', async (client) => client.receive(await client.receiver())],
    },
  },
  P41: {
    obeys: (client) => Promise.race([client.getUntilKilled(client.env.receiver), client.clock.reached]),
    falls: (client) => Promise.race([client.getUntilKilled(client.env.receiver), client.linger(30_000)]),
    others: { 'stops early': stopsBefore },
  },
  P48: {
    obeys: async (client) => {
      await client.get(`${client.env.receiver}/jwks.json`);
      await reads(client);
    },
    falls: async (client) => {
      const { keys } = (await client.get(`${client.env.receiver}/jwks.json`)).body;
      if (keys.every(({ kty }: { kty: string }) => kty === 'OKP')) await reads(client);
    },
    others: { 'stops early': ['not-exercised', reads] },
  },
} satisfies Record<string, Cases>;
