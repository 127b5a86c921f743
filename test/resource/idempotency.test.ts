/** Repeated creations: the same request gets the same answer and creates nothing more (OPI-071, RS-OP-24, RS-OP-28). */
import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { sql } from 'kysely';
import {
  type Answer,
  assertError,
  completeReceiver,
  createReceiver,
  eur,
  full,
  start,
  type TestAse,
  usd,
  useResourceServers,
} from './support/two-resource-servers.ts';

const { servers, granite, marble } = useResourceServers();
/** Requests are signed at this time. Ed25519 gives equal requests of one second the same signature. */
let signedAt: number;
const passSecond = (): void => {
  signedAt += 1_000;
};
let receiver: string;
let paymentsBefore = 0;
const paymentsMade = async () => (await servers.count('outgoing_payment')) - paymentsBefore;
beforeEach(async () => {
  signedAt = Date.now() - 10_000;
  paymentsBefore = await servers.count('outgoing_payment');
  receiver = await createReceiver(marble, { incomingAmount: eur('100000') });
});

const create = (ase: TestAse, path: string, token: string, body: object, key?: string): Promise<Answer> =>
  ase.call({ path, token, body, signedAt, ...(key !== undefined && { tamper: { 'idempotency-key': key } }) });
const grant = (clientId?: string): string => granite.issue([full.outgoing(granite.alice)], clientId);
const quote = async (): Promise<string> => {
  const body = { walletAddress: granite.alice, method: 'ilp', receiver, debitAmount: usd('1000') };
  return (await create(granite, '/quotes', granite.issue([full.quote()]), body)).body.id;
};
const pay = (token: string, members: object, key?: string): Promise<Answer> =>
  create(granite, '/outgoing-payments', token, { walletAddress: granite.alice, ...members }, key);

describe('a quote that is paid again', () => {
  test('by the same request is answered with its payment, even when nothing could be paid any more', async () => {
    const quoteId = await quote();
    const token = grant();
    const first = await pay(token, { quoteId, metadata: { order: '\u0000\ud800' } });
    assert.equal(first.status, 201);
    passSecond();
    await completeReceiver(marble, receiver);
    servers.clock.setting = { mode: 'frozen', offset: 0, at: start + 3_600_000 };
    const again = await pay(token, { quoteId, metadata: { order: '\u0000\ud800' } });
    assert.deepEqual([again.status, again.body], [201, first.body]);
    assert.equal(await paymentsMade(), 1);
    assert.equal(first.body.grantSpentDebitAmount.value, '1000');
  });

  test('uses up the key of its request, which gets the answer of then', async () => {
    const [quoteId, otherQuoteId] = [await quote(), await quote()];
    const token = grant();
    const first = await pay(token, { quoteId }, 'quote-paid');
    passSecond();
    const again = await pay(token, { quoteId }, 'quote-paid-again');
    assert.equal(again.body.id, first.body.id);
    const refused = await pay(token, { quoteId: otherQuoteId }, 'quote-paid-again');
    assertError(refused, 400, 'the idempotency key was used for another request');
    await servers.db.query.updateTable('outgoing_payment').set({ sent_amount: '1' }).execute();
    passSecond();
    assert.deepEqual((await pay(token, { quoteId }, 'quote-paid')).body, first.body);
    assert.deepEqual((await pay(token, { quoteId }, 'quote-paid-again')).body, again.body);
    assert.equal(await paymentsMade(), 1);
  });

  test('by several equal requests at once makes one payment', async () => {
    const quoteId = await quote();
    const token = grant();
    const answers = await Promise.all([1, 2, 3, 4].map(() => pay(token, { quoteId })));
    assert.deepEqual(new Set(answers.map(({ status, body }) => `${status} ${body.id}`)).size, 1);
    assert.equal(answers[0]!.status, 201);
    assert.equal(await paymentsMade(), 1);
  });

  test('by another request, under another grant or by another client is refused', async () => {
    const quoteId = await quote();
    const token = grant();
    assert.equal((await pay(token, { quoteId })).status, 201);
    for (const [other, metadata] of [
      [token, { order: 8 }],
      [grant(), undefined],
      [grant('https://client.example/other'), undefined],
    ] as const) {
      assertError(await pay(other, { quoteId, ...(metadata && { metadata }) }), 400, 'invalid quote');
    }
    assert.equal(await paymentsMade(), 1);
  });
});

test('the very bytes of a signed payment request are the same request, whatever unsigned header is added', async () => {
  const token = grant();
  const direct = { incomingPayment: receiver, debitAmount: usd('1000') };
  const [first, copy, other] = [
    await pay(token, direct),
    await pay(token, direct),
    await pay(token, direct, 'added-by-another'),
  ];
  assert.deepEqual([first.status, copy.body, other.body], [201, first.body, first.body]);
  passSecond();
  assert.notEqual((await pay(token, direct)).body.id, first.body.id);
  assert.equal(await paymentsMade(), 2);
});

test('a repetition is repeated itself: with its key in a later second, or its signature without the key', async () => {
  const token = grant();
  const direct = { incomingPayment: receiver, debitAmount: usd('1000') };
  const first = await pay(token, direct, 'one');
  const withKey = await pay(token, direct, 'two');
  passSecond();
  const later = await pay(token, direct, 'two');
  // The signature of the repetition, from which somebody has removed the key.
  const stripped = await pay(token, direct);
  assert.equal(first.status, 201);
  assert.deepEqual([withKey.body, later.body, stripped.body], [first.body, first.body, first.body]);
  assert.equal(await paymentsMade(), 1);
});

test('the answer is that to the key, where the signature has another', async () => {
  const token = grant();
  const direct = { incomingPayment: receiver, debitAmount: usd('1000') };
  const first = await pay(token, direct, 'first');
  passSecond();
  const second = await pay(token, direct, 'second');
  assert.notEqual(second.body.id, first.body.id);
  assert.deepEqual((await pay(token, direct, 'first')).body, first.body);
  assert.deepEqual((await pay(token, direct, 'second')).body, second.body);
});

test('a repetition of which nothing can be stored is answered, unless its key is new', async () => {
  const [quoteId, token] = [await quote(), grant()];
  const first = await pay(token, { quoteId }, 'before-the-outage');
  const setReadOnly = (value: 'on' | 'off') =>
    sql`set default_transaction_read_only = ${sql.raw(value)}`.execute(servers.db.query);
  await setReadOnly('on');
  try {
    for (const key of ['before-the-outage', undefined]) {
      passSecond();
      const again = await pay(token, { quoteId }, key);
      assert.deepEqual([again.status, again.body.id], [201, first.body.id]);
    }
    assert.equal((await pay(token, { quoteId }, 'during-the-outage')).status, 500);
    assert.equal(servers.logged.splice(0).length, 1);
  } finally {
    await setReadOnly('off');
  }
});

describe('an idempotency key', () => {
  const operations = {
    'incoming-payment': () => ({
      path: '/incoming-payments',
      issue: (client?: string) => granite.issue([full.incoming()], client),
      body: { walletAddress: granite.alice, metadata: { order: 1 } } as object,
    }),
    quote: () => ({
      path: '/quotes',
      issue: (client?: string) => granite.issue([full.quote()], client),
      body: { walletAddress: granite.alice, method: 'ilp', receiver, debitAmount: usd('1000') } as object,
    }),
    'outgoing-payment': () => ({
      path: '/outgoing-payments',
      issue: (client?: string) => grant(client),
      body: { walletAddress: granite.alice, incomingPayment: receiver, debitAmount: usd('1000') } as object,
    }),
  };

  for (const [name, describeOperation] of Object.entries(operations)) {
    test(`makes one ${name} of equal requests, and refuses it for another`, async () => {
      const { path, issue, body } = describeOperation();
      const token = issue();
      const first = await create(granite, path, token, body, 'the-same');
      assert.equal(first.status, 201, JSON.stringify(first.body));
      passSecond();
      const again = await create(granite, path, token, body, 'the-same');
      assert.deepEqual([again.status, again.body], [201, first.body]);
      const atOnce = await Promise.all([1, 2, 3].map(() => create(granite, path, token, body, 'at-once')));
      assert.equal(new Set(atOnce.map((answer) => answer.body.id)).size, 1);
      const changed = { ...body, metadata: { order: 2 }, debitAmount: usd('999') };
      const { debitAmount: _, ...unpriced } = changed;
      const other = path === '/incoming-payments' ? unpriced : changed;
      const { metadata: __, ...plain } = other as { metadata: object };
      const refused = await create(granite, path, token, path === '/quotes' ? plain : other, 'the-same');
      assertError(refused, 400, 'the idempotency key was used for another request');
      const ofAnother = await create(granite, path, issue('https://client.example/other'), body, 'the-same');
      assert.equal(ofAnother.status, 201);
      assert.notEqual(ofAnother.body.id, first.body.id);
    });
  }

  test('is not used up by a request that was refused', async () => {
    const token = grant();
    const body = { incomingPayment: receiver, debitAmount: usd('1000') };
    assert.equal((await pay(token, { ...body, incomingPayment: `${receiver}x` }, 'refused')).status, 400);
    assert.equal((await pay(token, body, 'refused')).status, 201);
  });

  test('is forgotten after a day', async () => {
    const token = grant();
    const body = { incomingPayment: receiver, debitAmount: usd('1000') };
    const first = await pay(token, body, 'yesterday');
    await servers.db.query.updateTable('idempotency_key').set({ expires_at: new Date().toISOString() }).execute();
    passSecond();
    assert.notEqual((await pay(token, body, 'yesterday')).body.id, first.body.id);
    const now = new Date().toISOString();
    const rows = await servers.db.query
      .selectFrom('idempotency_key')
      .select('key')
      .where('expires_at', '>', now)
      .execute();
    assert.equal(rows.length, 2, 'one of the key and one of the signature');
  });

  test('has 1 to 255 printable characters', async () => {
    const token = granite.issue([full.incoming()]);
    for (const key of ['x'.repeat(256), 'a b', '']) {
      assertError(
        await create(granite, '/incoming-payments', token, { walletAddress: granite.alice }, key),
        400,
        /^Idempotency-Key/,
      );
    }
    const longest = await create(
      granite,
      '/incoming-payments',
      token,
      { walletAddress: granite.alice },
      'x'.repeat(255),
    );
    assert.equal(longest.status, 201);
  });
});
