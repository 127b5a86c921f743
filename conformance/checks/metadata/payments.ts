/** `metadata` of payments, and the words of errors. Open Payments resource-server; RFC 8259 §6. */
import assert from 'node:assert/strict';
import type { Check, CheckContext } from '../../runner/check.ts';
import { expectResourceError, expectStatus } from '../../steps/expect.ts';
import {
  createIncomingPayment,
  createQuote,
  getIncomingPayment,
  incomingToken,
  outgoingToken,
  postIncomingPayment,
  postOutgoingPayment,
  waitUntilReceived,
} from '../../steps/scenarios.ts';
import type { Json } from '../../steps/signed-client.ts';

const treasure = {
  empty: {},
  list: [[], [{}], null, false, 0, -1.5, 1e21, 9007199254740991],
  'ключ \u0000 "quoted" \\': 'ä 🎉 \u2028 é \ud83d\ude00',
  __proto: { constructor: 'x', toString: [] },
  deep: { a: { b: { c: { d: { e: 'f' } } } } },
};

/** The request as text, so that a number stays as it is written. */
async function postRaw(context: CheckContext, metadata: string) {
  const { receiver } = context;
  return context.call({
    operation: 'create-incoming-payment',
    url: `${receiver.resourceServer}/incoming-payments`,
    raw: `{"walletAddress":${JSON.stringify(receiver.url)},"metadata":${metadata}}`,
    contentType: 'application/json',
    token: await incomingToken(context),
  });
}

/** The payment in its list, on any page: nothing here depends on the order. */
async function findInList(
  context: CheckContext,
  operation: string,
  list: string,
  token: string,
  id: string,
): Promise<Json> {
  for (let url = `${list}&first=20`; ; ) {
    const { result, pagination } = expectStatus(await context.call({ operation, url, token }), 200).body;
    const item = result.find((one: Json) => one.id === id);
    if (item) return item;
    assert.ok(pagination.hasNextPage, `${id} is in the list`);
    url = `${list}&first=20&cursor=${encodeURIComponent(pagination.endCursor)}`;
  }
}

export const checks: readonly Check[] = [
  {
    id: 'metadata.kept',
    rows: ['RS-27', 'RS-19'],
    title: 'metadata comes back unchanged in every answer and state',
    run: async (context) => {
      const { receiver, sender } = context;
      // PostgreSQL's json cannot hold NUL: metadata is either refused or kept unchanged.
      const { 'ключ \u0000 "quoted" \\': text, ...rest } = treasure;
      const metadata = { ...rest, 'ключ "quoted" \\': text };
      const incoming = await createIncomingPayment(context, { value: '10', metadata });
      assert.deepEqual(incoming.metadata, metadata);
      const same = async () => (await getIncomingPayment(context, incoming.id)).body.metadata;
      assert.deepEqual(await same(), metadata);
      const quote = await createQuote(context, incoming.id);
      const token = await outgoingToken(context);
      const json = { walletAddress: sender.url, quoteId: quote.id, metadata };
      const outgoing = expectStatus(await postOutgoingPayment(context, json, token), 201).body;
      await waitUntilReceived(context, incoming.id, '10');
      assert.deepEqual(await same(), metadata, 'after completion');
      const read = await context.call({ operation: 'get-outgoing-payment', url: outgoing.id, token });
      assert.deepEqual([outgoing.metadata, expectStatus(read, 200).body.metadata], [metadata, metadata]);
      for (const [party, kind, id, shown] of [
        [receiver, 'incoming', incoming.id, await incomingToken(context)],
        [sender, 'outgoing', outgoing.id, token],
      ] as const) {
        const url = `${party.resourceServer}/${kind}-payments?wallet-address=${encodeURIComponent(party.url)}`;
        const item = await findInList(context, `list-${kind}-payments`, url, shown, id);
        assert.deepEqual(item.metadata, metadata, `in the list of ${kind} payments`);
      }
      const plain = await createIncomingPayment(context, { metadata: {} });
      assert.deepEqual(plain.metadata, {}, 'an empty object stays one');
    },
  },
  {
    id: 'metadata.nothing-lost',
    rows: ['RS-27'],
    title: 'numbers that would lose precision are refused, and those that only look unusual are kept',
    run: async (context) => {
      for (const number of ['9007199254740993', '1e400', '0.12345678901234567890123', '-18446744073709551615']) {
        expectResourceError(await postRaw(context, `{"deep":[{"n":${number}}]}`), 400);
      }
      for (const number of ['9007199254740992', '1.50e3', '-0.1', '1E-7', '100000000000000000000']) {
        const { body } = expectStatus(await postRaw(context, `{"n":${number}}`), 201);
        assert.equal(body.metadata.n, Number(number));
      }
    },
  },
  {
    id: 'metadata.size',
    rows: ['RS-IP-30'],
    title: 'a page of metadata is kept, and excessive metadata is refused with 400 or 413',
    run: async (context) => {
      const page = { text: 'x'.repeat(8_000) };
      assert.deepEqual((await createIncomingPayment(context, { metadata: page })).metadata, page);
      const json = { walletAddress: context.receiver.url, metadata: { text: 'x'.repeat(2_000_000) } };
      expectResourceError(await postIncomingPayment(context, json), [400, 413]);
      for (const levels of [100, 5_000, 10_000]) {
        expectResourceError(await postRaw(context, `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`), [400, 413]);
      }
      expectResourceError(await postIncomingPayment(context, { ...json, metadata: { text: 'x'.repeat(50_000) } }), 400);
      // A lossless number of any length would have to be compared digit by digit.
      expectResourceError(await postRaw(context, `{"n":1${'0'.repeat(99_000)}1}`), 400);
      expectResourceError(await postRaw(context, `{"n":1.${'0'.repeat(9_000)}}`), 400);
    },
  },
];
