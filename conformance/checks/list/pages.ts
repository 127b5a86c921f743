/**
 * Lists of payments and their cursors. Open Payments resource-server GET /incoming-payments, GET /outgoing-payments.
 */
import assert from 'node:assert/strict';
import type { Check, CheckContext, Party } from '../../runner/check.ts';
import { expectResourceError, expectStatus } from '../../steps/expect.ts';
import { createIncomingPayment, incomingToken, outgoingToken, requestToken } from '../../steps/scenarios.ts';
import type { Answer, Json } from '../../steps/signed-client.ts';

const listIncoming = async (context: CheckContext, query = '', token?: string): Promise<Answer> => {
  const { resourceServer, url } = context.receiver;
  const target = `${resourceServer}/incoming-payments?wallet-address=${encodeURIComponent(url)}${query}`;
  return context.call({
    operation: 'list-incoming-payments',
    url: target,
    token: token ?? (await incomingToken(context)),
  });
};

const ids = (answer: Answer): string[] => answer.body.result.map((item: { id: string }) => item.id);

/** Pages refused with 400. */
const refusals: readonly { readonly id: string; readonly rows: readonly string[]; readonly query: string }[] = [
  {
    id: 'list.refuses-first-zero',
    rows: ['RS-L-04'],
    query: '&first=0',
  },
  {
    id: 'list.refuses-first-101',
    rows: ['RS-L-04'],
    query: '&first=101',
  },
  {
    id: 'list.refuses-first-word',
    rows: ['RS-L-04'],
    query: '&first=abc',
  },
  {
    id: 'list.refuses-first-fraction',
    rows: ['RS-L-17'],
    query: '&first=10.0',
  },
  {
    id: 'list.refuses-first-plus',
    rows: ['RS-L-17'],
    query: '&first=%2B5',
  },
  {
    id: 'list.refuses-first-empty',
    rows: ['RS-L-17'],
    query: '&first=',
  },
  {
    id: 'list.refuses-first-twice',
    rows: ['RS-L-17'],
    query: '&first=1&first=2',
  },
  {
    id: 'list.refuses-last-zero',
    rows: ['RS-L-04'],
    query: '&last=0&cursor=x',
  },
  {
    id: 'list.refuses-last-without-cursor',
    rows: ['RS-L-07'],
    query: '&last=1',
  },
  {
    id: 'list.refuses-cursor-empty',
    rows: ['RS-L-05', 'RS-L-17'],
    query: '&cursor=',
  },
  {
    id: 'list.refuses-cursor-malformed',
    rows: ['RS-L-11'],
    query: '&cursor=nonsense',
  },
  {
    id: 'list.refuses-cursor-unknown',
    rows: ['RS-L-11'],
    query: `&cursor=${crypto.randomUUID()}`,
  },
];

/** Five payments of this run, oldest first. */
const fivePayments = (context: CheckContext): Promise<string[]> =>
  context.shared('five payments', async () => {
    const made: string[] = [];
    for (let i = 0; i < 5; i += 1) made.push((await createIncomingPayment(context)).id);
    return made;
  });

export const checks: readonly Check[] = [
  ...(
    [
      { id: 'list.incoming-without-wallet-address', kind: 'incoming' },
      { id: 'list.outgoing-without-wallet-address', kind: 'outgoing' },
    ] as const
  ).map(
    ({ id, kind }): Check => ({
      id,
      rows: ['RS-L-01'],
      title: `the list of ${kind} payments needs a wallet address`,
      run: async (context) => {
        const party = kind === 'incoming' ? context.receiver : context.sender;
        const token = kind === 'incoming' ? await incomingToken(context) : await outgoingToken(context);
        for (const query of ['', '?first=10']) {
          const url = `${party.resourceServer}/${kind}-payments${query}`;
          expectResourceError(await context.call({ operation: `list-${kind}-payments`, url, token }), 400);
        }
      },
    }),
  ),
  ...refusals.map(
    ({ id, rows, query }): Check => ({
      id,
      rows: [...rows, 'RS-02'],
      title: `refused with 400: ${query.slice(1)}`,
      run: async (context) => {
        expectResourceError(await listIncoming(context, query), 400);
      },
    }),
  ),
  {
    id: 'list.refuses-first-and-last',
    rows: ['RS-L-06', 'RS-02'],
    title: 'refused with 400: first and last together, with a valid cursor and without',
    run: async (context) => {
      await fivePayments(context);
      const { endCursor } = expectStatus(await listIncoming(context, '&first=1'), 200).body.pagination;
      for (const cursor of ['', `&cursor=${encodeURIComponent(endCursor)}`]) {
        expectResourceError(await listIncoming(context, `&first=1&last=1${cursor}`), 400);
      }
    },
  },
  {
    id: 'list.items',
    rows: ['RS-L-01', 'RS-L-02', 'RS-L-03', 'RS-18', 'RS-20', 'ILP-10'],
    title: 'items are payments of that wallet address, without methods and secrets',
    run: async (context) => {
      const made = await fivePayments(context);
      const answer = expectStatus(await listIncoming(context, '&first=10'), 200);
      assert.deepEqual(Object.keys(answer.body).sort(), ['pagination', 'result']);
      for (const item of answer.body.result as Json[]) {
        assert.ok(!('methods' in item) && !('updatedAt' in item), 'neither methods nor updatedAt');
        assert.equal(item.walletAddress, context.receiver.url);
      }
      assert.ok(!answer.text.includes('sharedSecret'));
      for (const id of made) assert.ok(ids(answer).includes(id), `${id} is listed`);
    },
  },
  {
    id: 'list.pages',
    rows: ['RS-L-05', 'RS-L-08', 'RS-L-09', 'RS-L-10', 'RS-L-12'],
    title: 'pages follow each other newest first, once each, and back again in the same order',
    run: async (context) => {
      const made = await fivePayments(context);
      const whole = ids(expectStatus(await listIncoming(context, '&first=100'), 200));
      const positions = made.map((id) => whole.indexOf(id));
      assert.deepEqual(
        positions,
        [...positions].sort((a, b) => b - a),
        'newest first',
      );
      const first = expectStatus(await listIncoming(context, '&first=2'), 200);
      assert.deepEqual(ids(first), whole.slice(0, 2));
      const { startCursor, endCursor, hasNextPage, hasPreviousPage } = first.body.pagination;
      assert.equal(typeof startCursor, 'string');
      assert.deepEqual([hasNextPage, hasPreviousPage], [true, false]);
      // A new payment appears while the client turns pages.
      await createIncomingPayment(context);
      const second = expectStatus(await listIncoming(context, `&first=2&cursor=${encodeURIComponent(endCursor)}`), 200);
      assert.deepEqual(ids(second), whole.slice(2, 4));
      assert.equal(second.body.pagination.hasPreviousPage, true);
      const back = encodeURIComponent(second.body.pagination.startCursor);
      assert.deepEqual(
        ids(expectStatus(await listIncoming(context, `&last=2&cursor=${back}`), 200)),
        whole.slice(0, 2),
      );
      const rest = expectStatus(await listIncoming(context, `&cursor=${encodeURIComponent(endCursor)}`), 200);
      assert.deepEqual(ids(rest), whole.slice(2, 22), 'without a size a cursor leads to a page of twenty');
    },
  },
  {
    id: 'list.own-only',
    rows: ['RS-10', 'RS-L-10', 'RS-L-13'],
    title: 'list shows the payments of the same client; an empty page comes without cursors',
    run: async (context) => {
      await fivePayments(context);
      const identity = context.newIdentity('lister');
      const { receiver } = context;
      const access = [{ type: 'incoming-payment', actions: ['list'], identifier: receiver.url }];
      const json = { client: { jwk: identity.jwk }, access_token: { access } };
      const granted = await context.call({ operation: 'post-request', url: receiver.authServer, json, sign: identity });
      const token = expectStatus(granted, 200).body.access_token.value;
      const url = `${receiver.resourceServer}/incoming-payments?wallet-address=${encodeURIComponent(receiver.url)}`;
      const answer = expectStatus(
        await context.call({ operation: 'list-incoming-payments', url, token, sign: identity }),
        200,
      );
      assert.deepEqual(answer.body, { pagination: { hasNextPage: false, hasPreviousPage: false }, result: [] });
    },
  },
  {
    id: 'list.cursor-of-another-list',
    rows: ['RS-L-16', 'RS-L-11'],
    title: 'a cursor is bound to its collection, its wallet address and its client',
    run: async (context) => {
      await fivePayments(context);
      const { receiver, sender, target } = context;
      const { endCursor } = expectStatus(await listIncoming(context, '&first=2'), 200).body.pagination;
      const cursor = `&cursor=${encodeURIComponent(endCursor)}`;
      const list = (party: Party, kind: string, url: string, token: string) =>
        context.call({
          operation: `list-${kind}-payments`,
          url: `${party.resourceServer}/${kind}-payments?wallet-address=${encodeURIComponent(url)}${cursor}`,
          token,
        });
      expectResourceError(await list(sender, 'outgoing', sender.url, await outgoingToken(context)), 400);
      const access = [{ type: 'incoming-payment', actions: ['list'] }];
      const anywhere = (await requestToken(context, sender, access)).access_token.value;
      expectResourceError(await list(sender, 'incoming', target.client, anywhere), 400);
      const all = [{ type: 'incoming-payment', actions: ['list-all'], identifier: receiver.url }];
      const ofAll = await requestToken(context, receiver, all).catch(() => undefined);
      if (ofAll) expectResourceError(await list(receiver, 'incoming', receiver.url, ofAll.access_token.value), 400);
      expectStatus(await list(receiver, 'incoming', receiver.url, await incomingToken(context)), 200);
    },
  },
];
