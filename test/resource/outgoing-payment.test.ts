/** Outgoing payments and the amounts spent under a grant (RS-OP-01…32, RS-G-01…09). */
import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import type { Limits } from '../../src/open-payments/access.ts';
import {
  type Answer,
  assertError,
  completeReceiver,
  createReceiver,
  eur,
  full,
  start,
  usd,
  useResourceServers,
} from './support/two-resource-servers.ts';

const minute = 60_000;
const { servers, granite, marble } = useResourceServers();
let receiver: string;
beforeEach(async () => {
  receiver = await createReceiver(marble);
});

const quoted = async (members: object = { debitAmount: usd('1000') }): Promise<string> => {
  const body = { walletAddress: granite.alice, method: 'ilp', receiver, ...members };
  const answer = await granite.call({ path: '/quotes', token: granite.issue([full.quote()]), body });
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
  return answer.body.id;
};
const grant = (limits?: Limits, clientId?: string, grantId?: string): string =>
  granite.issue([full.outgoing(granite.alice, limits)], clientId, grantId);
const pay = (token: string, members: object): Promise<Answer> =>
  granite.call({ path: '/outgoing-payments', token, body: { walletAddress: granite.alice, ...members } });
const spent = async (token: string): Promise<unknown[]> => {
  const { status, body } = await granite.call({ path: '/outgoing-payment-grant', token });
  assert.equal(status, 200, JSON.stringify(body));
  return [body.spentDebitAmount, body.spentReceiveAmount];
};
const counts = async () => [
  await servers.count('outgoing_payment'),
  await servers.count('quote'),
  await servers.db.query.selectFrom('grant_spending').select(['id', 'spent_debit']).orderBy('id').execute(),
];
/** Asserts the error, and that nothing is stored and no worker is woken. */
const refused = async (
  answer: () => Promise<Answer>,
  status: number,
  description: string | RegExp,
): Promise<Answer> => {
  const before = await counts();
  const received = await answer();
  assertError(received, status, description);
  assert.deepEqual(await counts(), before);
  assert.deepEqual(servers.woken, []);
  return received;
};

describe('a payment', () => {
  test('takes its amounts from a quote', async () => {
    const quoteId = await quoted();
    const token = grant();
    const { status, body } = await pay(token, { quoteId, metadata: { note: 'x\u0000\ud800' } });
    assert.equal(status, 201);
    const { grantSpentDebitAmount, grantSpentReceiveAmount, ...payment } = body;
    assert.deepEqual(payment, {
      id: body.id,
      walletAddress: granite.alice,
      quoteId,
      failed: false,
      receiver,
      receiveAmount: eur('800'),
      debitAmount: usd('1000'),
      sentAmount: usd('0'),
      metadata: { note: 'x\u0000\ud800' },
      createdAt: new Date(start).toISOString(),
    });
    assert.deepEqual([grantSpentDebitAmount, grantSpentReceiveAmount], [usd('1000'), eur('800')]);
    assert.deepEqual(await spent(token), [usd('1000'), eur('800')]);
    assert.deepEqual(servers.woken, ['granite']);
    assert.deepEqual((await granite.call({ path: body.id, token })).body, payment);
    const list = await granite.call({ path: `/outgoing-payments?wallet-address=${granite.alice}`, token });
    assert.deepEqual(list.body.result[0], payment);
    const id = body.id.split('/').at(-1)!;
    const row = await servers.db.query
      .selectFrom('outgoing_payment')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    assert.deepEqual([row.state, row.funded, row.attempts, row.lease_owner], ['pending', false, 0, null]);
    assert.ok(Math.abs(Date.parse(row.next_attempt_at!) - Date.now()) < 60_000);
  });

  test('of a debit amount creates a quote', async () => {
    const token = grant();
    const { status, body } = await pay(token, { incomingPayment: receiver, debitAmount: usd('1000') });
    assert.equal(status, 201, JSON.stringify(body));
    assert.deepEqual([body.debitAmount, body.receiveAmount], [usd('1000'), eur('800')]);
    const read = await granite.call({ path: body.quoteId, token: granite.issue([full.quote()]) });
    assert.equal(read.body.receiver, receiver);
  });

  test('keeps the quoted amounts when rates and fees have changed', async () => {
    const quoteId = await quoted();
    Object.assign(servers.terms, { fee: { basisPoints: 500, fixed: 0n }, prices: { USD: '1', EUR: '2' } });
    const { body } = await pay(grant(), { quoteId: `${quoteId}/` });
    assert.deepEqual([body.debitAmount, body.receiveAmount], [usd('1000'), eur('800')]);
  });

  test('accepts an equivalent spelling of the quote URL', async () => {
    const quoteId = await quoted();
    assert.equal((await pay(grant(), { quoteId: quoteId.replace('http:', 'HTTP:') })).status, 201);
  });

  test('accepts a quote of another client', async () => {
    assert.equal(
      (await pay(grant(undefined, 'https://client.example/other'), { quoteId: await quoted() })).status,
      201,
    );
  });

  test('shows whether it completed or failed', async () => {
    const token = grant();
    const { body } = await pay(token, { quoteId: await quoted() });
    const id = body.id.split('/').at(-1)!;
    const set = (state: 'completed' | 'failed', sent_amount: string) =>
      servers.db.query.updateTable('outgoing_payment').set({ state, sent_amount }).where('id', '=', id).execute();
    const read = async () => (await granite.call({ path: body.id, token })).body;
    await set('failed', '300');
    assert.deepEqual([(await read()).failed, (await read()).sentAmount], [true, usd('300')]);
    await set('completed', '1000');
    assert.deepEqual([(await read()).failed, (await read()).sentAmount], [false, usd('1000')]);
  });

  test('is visible to its client, and to every client with read-all and list-all', async () => {
    const token = grant();
    const { body } = await pay(token, { quoteId: await quoted() });
    const others = grant(undefined, 'https://client.example/other2');
    assert.equal((await granite.call({ path: body.id, token: others })).status, 404);
    const list = `/outgoing-payments?wallet-address=${encodeURIComponent(granite.alice)}`;
    assert.deepEqual((await granite.call({ path: list, token: others })).body.result, []);
    const access = [
      { type: 'outgoing-payment' as const, actions: ['read-all', 'list-all'], identifier: granite.alice },
    ];
    const all = granite.issue(access, 'https://client.example/other2');
    assert.equal((await granite.call({ path: body.id, token: all })).status, 200);
    const { result } = (await granite.call({ path: `${list}&first=100`, token: all })).body;
    assert.ok(result.some(({ id }: { id: string }) => id === body.id));
    for (const id of ['abc', '%00']) {
      assert.equal((await granite.call({ path: `/outgoing-payments/${id}`, token })).status, 404);
    }
    assert.equal((await granite.call({ path: `/outgoing-payments?wallet-address=${granite.bob}`, token })).status, 403);
  });
});

describe('a payment is rejected', () => {
  test('with an unusable quote', async () => {
    const token = grant();
    const quoteId = await quoted();
    const unknown = '00000000-0000-4000-8000-000000000000';
    await refused(() => pay(token, { quoteId: `${granite.origin}/quotes/${unknown}` }), 404, 'unknown quote');
    await refused(() => pay(token, { quoteId: `${granite.origin}/quotes/abc` }), 404, 'unknown quote');
    await refused(
      () => pay(token, { quoteId: `${marble.origin}/quotes/${quoteId.split('/').at(-1)}` }),
      400,
      'invalid quote',
    );
    await refused(() => pay(token, { quoteId: quoteId.replace('quotes', 'outgoing-payments') }), 400, 'invalid quote');
    const bob = granite.bob;
    const bobs = granite.issue([full.outgoing(bob)]);
    await refused(() => pay(bobs, { quoteId, walletAddress: bob }), 400, 'invalid quote');
    await refused(() => pay(bobs, { quoteId }), 403, 'Insufficient Grant');
    const gone = `${granite.origin}/gone`;
    await refused(
      () => pay(granite.issue([full.outgoing(gone)]), { quoteId, walletAddress: gone }),
      400,
      /^Could not get/,
    );
    await refused(() => pay(granite.issue([full.quote()]), { quoteId }), 403, 'Insufficient Grant');
    servers.clock.setting = { mode: 'frozen', offset: 0, at: start + 15 * minute };
    await refused(() => pay(token, { quoteId }), 400, 'invalid quote');
    servers.clock.setting = { mode: 'frozen', offset: 0, at: start + 15 * minute - 1 };
    assert.equal((await pay(token, { quoteId })).status, 201);
    servers.woken.length = 0;
    await refused(() => pay(token, { quoteId, metadata: {} }), 400, 'invalid quote');
    await refused(() => pay(grant(), { quoteId }), 400, 'invalid quote');
  });

  test('with a quote that expires while its receiver is read', async () => {
    const quoteId = await quoted();
    let isRead = false;
    const terms = Object.getOwnPropertyDescriptors(servers.terms);
    Object.defineProperty(servers.terms, 'canReach', {
      configurable: true,
      get() {
        isRead = true;
        servers.clock.setting = { mode: 'frozen', offset: 0, at: start + 15 * minute };
        return true;
      },
    });
    await refused(() => pay(grant(), { quoteId }), 400, 'invalid quote').finally(() =>
      Object.defineProperties(servers.terms, terms),
    );
    assert.ok(isRead);
  });

  test('if the receiver has changed', async () => {
    receiver = await createReceiver(granite, { incomingAmount: usd('50') });
    const full = await quoted({});
    const id = receiver.split('/').at(-1)!;
    await servers.db.query.updateTable('incoming_payment').set({ received_amount: '1' }).where('id', '=', id).execute();
    await refused(() => pay(grant(), { quoteId: full }), 400, 'invalid quote');
    const rest = await quoted({});
    await completeReceiver(granite, receiver);
    await refused(() => pay(grant(), { quoteId: rest }), 400, 'invalid quote');
    await refused(() => pay(grant(), { incomingPayment: receiver, debitAmount: usd('1') }), 400, 'invalid receiver');
    receiver = await createReceiver(marble);
    const remote = await quoted();
    await completeReceiver(marble, receiver);
    await refused(() => pay(grant(), { quoteId: remote }), 400, 'invalid quote');
    await refused(() => pay(grant(), { incomingPayment: receiver, debitAmount: usd('1') }), 400, 'invalid receiver');
    await refused(
      () => pay(grant(), { incomingPayment: granite.alice, debitAmount: usd('1') }),
      400,
      'invalid receiver',
    );
  });

  test('with an unsuitable amount', async () => {
    const direct = (debitAmount: object) => () => pay(grant(), { incomingPayment: receiver, debitAmount });
    await refused(direct(eur('5')), 400, 'invalid amount');
    await refused(direct(usd('0')), 400, 'invalid amount');
    const { body } = await refused(direct(usd('1')), 400, 'negative receive amount');
    assert.deepEqual(body.error.details.minSendAmount, usd('2'));
    receiver = await createReceiver(marble, { incomingAmount: eur('10') });
    await refused(direct(usd('100')), 400, 'invalid amount');
  });

  test('beyond the limits of its grant, and the quote remains usable', async () => {
    const quoteId = await quoted();
    const tooMuch = () => pay(grant({ debitAmount: usd('999') }), { quoteId });
    await refused(tooMuch, 403, 'unauthorized');
    await refused(() => pay(grant({ debitAmount: eur('99999') }), { quoteId }), 403, 'unauthorized');
    await refused(() => pay(grant({ receiveAmount: eur('799') }), { quoteId }), 403, 'unauthorized');
    await refused(() => pay(grant({ receiver: `${receiver}x` }), { quoteId }), 403, 'unauthorized');
    await refused(() => pay(grant({ interval: 'R1/2026-04-01T00:00:00Z/P1M' }), { quoteId }), 403, 'unauthorized');
    const direct = { incomingPayment: receiver, debitAmount: usd('1000') };
    await refused(() => pay(grant({ debitAmount: usd('999') }), direct), 403, 'unauthorized');
    assert.equal((await pay(grant({ debitAmount: usd('1000'), receiver }), { quoteId })).status, 201);
  });

  test('if a parallel one pays the same quote', async () => {
    const quoteId = await quoted();
    const answers = await Promise.all([1, 2, 3, 4].map(() => pay(grant(), { quoteId })));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 400, 400, 400]);
    assert.ok(answers.every(({ status, body }) => status === 201 || body.error.description === 'invalid quote'));
  });

  test('beyond what parallel ones leave of the limit', async () => {
    const token = grant({ debitAmount: usd('2500') });
    const quotes = await Promise.all([1, 2, 3, 4].map(() => quoted()));
    const answers = await Promise.all(quotes.map((quoteId) => pay(token, { quoteId })));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 201, 403, 403]);
    assert.deepEqual(await spent(token), [usd('2000'), eur('1600')]);
  });

  test('for a body that does not match the document', async () => {
    const quoteId = await quoted();
    for (const members of [
      {},
      { quoteId, incomingPayment: receiver, debitAmount: usd('1') },
      { quoteId, debitAmount: usd('1') },
      { incomingPayment: receiver },
      { quoteId, metadata: null },
      { quoteId, metadata: [] },
      { quoteId, extra: true },
      { quoteId: 'abc' },
    ]) {
      await refused(() => pay(grant(), members), 400, /./);
    }
  });
});

describe('the amounts spent under a grant', () => {
  test('are null at first, and then the sum over all tokens of the grant', async () => {
    const token = grant(undefined, undefined, 'grant-1');
    assert.deepEqual(await spent(token), [null, null]);
    const first = await pay(token, { quoteId: await quoted() });
    const second = await pay(grant(undefined, undefined, 'grant-1'), { quoteId: await quoted() });
    assert.deepEqual(first.body.grantSpentDebitAmount, usd('1000'));
    assert.deepEqual(second.body.grantSpentDebitAmount, usd('2000'));
    assert.deepEqual(await spent(token), [usd('2000'), eur('1600')]);
    assert.deepEqual(await spent(grant()), [null, null]);
  });

  test('are visible only to outgoing-payment grants', async () => {
    const answer = await granite.call({ path: '/outgoing-payment-grant', token: granite.issue([full.incoming()]) });
    assert.equal(answer.status, 403);
    assert.equal((await granite.call({ path: '/outgoing-payment-grant', signed: false })).status, 401);
  });
});
