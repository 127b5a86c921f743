/** Quotes for receivers of the same and of another ASE (RS-Q-01…24). */
import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
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
let token: string;
beforeEach(() => {
  token = granite.issue([full.quote()]);
});

const quote = (members: object): Promise<Answer> =>
  granite.call({ path: '/quotes', token, body: { walletAddress: granite.alice, method: 'ilp', ...members } });
const amounts = ({ status, body }: Answer): string[] => {
  assert.equal(status, 201, JSON.stringify(body));
  return [body.debitAmount.value, body.receiveAmount.value];
};
const refused = async (answer: Promise<Answer>, status: number, description: string | RegExp): Promise<Answer> => {
  const before = await servers.count('quote');
  assertError(await answer, status, description);
  assert.equal(await servers.count('quote'), before);
  return answer;
};

describe('a quote', () => {
  test('covers what a receiver at another ASE still awaits', async () => {
    const receiver = await createReceiver(marble, { incomingAmount: eur('1000') });
    const { body, status } = await quote({ receiver });
    assert.equal(status, 201);
    assert.deepEqual(body, {
      id: body.id,
      walletAddress: granite.alice,
      receiver,
      receiveAmount: eur('1000'),
      debitAmount: usd('1250'),
      method: 'ilp',
      createdAt: new Date(start).toISOString(),
      expiresAt: new Date(start + 15 * minute).toISOString(),
    });
    assert.deepEqual((await granite.call({ path: body.id, token })).body, body);
    // Public view, grant, full view, wallet address. Later reads take only the full view.
    assert.deepEqual(
      servers.outbound.map(({ method, url }) => [method ?? 'GET', url]),
      [
        ['GET', receiver],
        ['POST', `${marble.origin}/auth/`],
        ['GET', receiver],
        ['GET', marble.bob],
      ],
    );
    await quote({ receiver });
    assert.equal(servers.outbound.length, 5);
  });

  test('starts from the amount to send or to deliver and includes the fee', async () => {
    const receiver = await createReceiver(marble);
    assert.deepEqual(amounts(await quote({ receiver, debitAmount: usd('999') })), ['999', '799']);
    assert.deepEqual(amounts(await quote({ receiver, receiveAmount: eur('799') })), ['999', '799']);
    servers.terms.fee = { basisPoints: 100, fixed: 5n };
    assert.deepEqual(amounts(await quote({ receiver, debitAmount: usd('1000') })), ['1000', '788']);
    assert.deepEqual(amounts(await quote({ receiver, receiveAmount: eur('800') })), ['1015', '800']);
  });

  test('for a receiver of the same ASE makes no outbound request', async () => {
    const receiver = await createReceiver(granite, { incomingAmount: usd('70') });
    assert.deepEqual(amounts(await quote({ receiver })), ['70', '70']);
    assert.deepEqual(amounts(await quote({ receiver: `${receiver}/` })), ['70', '70']);
    assert.deepEqual(servers.outbound, []);
  });

  test('covers the amount not yet received', async () => {
    const receiver = await createReceiver(granite, { incomingAmount: usd('70') });
    const id = receiver.split('/').at(-1)!;
    await servers.db.query
      .updateTable('incoming_payment')
      .set({ received_amount: '30' })
      .where('id', '=', id)
      .execute();
    assert.deepEqual(amounts(await quote({ receiver })), ['40', '40']);
    await refused(quote({ receiver, receiveAmount: usd('41') }), 400, 'invalid amount');
    await refused(quote({ receiver, debitAmount: usd('41') }), 400, 'invalid amount');
    assert.deepEqual(amounts(await quote({ receiver, receiveAmount: usd('40') })), ['40', '40']);
  });

  test('expires with its receiver', async () => {
    const receiver = await createReceiver(marble, { expiresAt: new Date(start + minute).toISOString() });
    const { body } = await quote({ receiver, debitAmount: usd('100') });
    assert.equal(body.expiresAt, new Date(start + minute).toISOString());
    servers.clock.setting = { mode: 'frozen', offset: 0, at: start + minute };
    assert.equal((await granite.call({ path: body.id, token })).status, 200);
    await refused(quote({ receiver, debitAmount: usd('100') }), 400, 'invalid receiver');
  });

  test('is visible only to its client', async () => {
    const { body } = await quote({ receiver: await createReceiver(granite), debitAmount: usd('1') });
    const others = granite.issue([full.quote()], 'https://client.example/other');
    assert.equal((await granite.call({ path: body.id, token: others })).status, 404);
    const all = granite.issue([{ type: 'quote', actions: ['read-all'] }], 'https://client.example/other');
    assert.equal((await granite.call({ path: body.id, token: all })).status, 200);
    for (const id of ['abc', '%00']) assert.equal((await granite.call({ path: `/quotes/${id}`, token })).status, 404);
    assert.ok([404, 405].includes((await granite.call({ path: '/quotes', token })).status));
  });
});

describe('a quote is rejected', () => {
  test('for too small an amount, with the smallest amount that suffices', async () => {
    servers.terms.fee = { basisPoints: 100, fixed: 5n };
    const receiver = await createReceiver(marble);
    const { body } = await refused(quote({ receiver, debitAmount: usd('1') }), 400, /non-positive receive amount/);
    const { minSendAmount } = body.error.details;
    assert.deepEqual(Object.keys(minSendAmount), ['value', 'assetCode', 'assetScale']);
    assert.deepEqual(amounts(await quote({ receiver, debitAmount: minSendAmount })), [minSendAmount.value, '1']);
    const less = { ...minSendAmount, value: `${BigInt(minSendAmount.value) - 1n}` };
    await refused(quote({ receiver, debitAmount: less }), 400, /non-positive receive amount/);
  });

  test('for receivers that cannot be paid', async () => {
    const open = await createReceiver(marble, { incomingAmount: eur('5') });
    const closed = await createReceiver(marble, { incomingAmount: eur('5') });
    await completeReceiver(marble, closed);
    const closedHere = await createReceiver(granite, { incomingAmount: usd('5') });
    await completeReceiver(granite, closedHere);
    const unknown = '00000000-0000-4000-8000-000000000000';
    for (const receiver of [
      closed,
      closedHere,
      `${marble.origin}/incoming-payments/${unknown}`,
      `${granite.origin}/incoming-payments/${unknown}`,
      // An id of granite below the URL of marble, and vice versa.
      `${marble.origin}/incoming-payments/${closedHere.split('/').at(-1)}`,
      `${granite.origin}/incoming-payments/${open.split('/').at(-1)}`,
      `${open}?x=1#y`,
      'http://127.0.0.1:1/incoming-payments/1',
      'http://169.254.169.254/incoming-payments/1',
      `${marble.origin}/incoming-payments/%00`,
    ]) {
      await refused(quote({ receiver }), 400, 'invalid receiver');
    }
    await refused(quote({ receiver: await createReceiver(marble) }), 400, 'invalid receiver');
    servers.terms.canReach = false;
    await refused(quote({ receiver: open }), 400, 'invalid receiver');
    assert.deepEqual(servers.logged, []);
  });

  test('for an amount that does not fit the receiver', async () => {
    const receiver = await createReceiver(marble, { incomingAmount: eur('500') });
    await refused(quote({ receiver, debitAmount: eur('5') }), 400, 'invalid amount');
    await refused(quote({ receiver, debitAmount: usd('0') }), 400, 'invalid amount');
    await refused(quote({ receiver, receiveAmount: usd('5') }), 400, 'invalid amount');
    await refused(quote({ receiver, receiveAmount: eur('0') }), 400, 'invalid amount');
    await refused(quote({ receiver, receiveAmount: eur('501') }), 400, 'invalid amount');
    const any = await createReceiver(marble);
    await refused(quote({ receiver: any, receiveAmount: eur('18446744073709551615') }), 400, 'invalid amount');
    const nearlyFull = await createReceiver(granite);
    const id = nearlyFull.split('/').at(-1)!;
    const received = { received_amount: '18446744073709551614' };
    await servers.db.query.updateTable('incoming_payment').set(received).where('id', '=', id).execute();
    await refused(quote({ receiver: nearlyFull, receiveAmount: usd('2') }), 400, 'invalid amount');
    assert.deepEqual(amounts(await quote({ receiver: nearlyFull, receiveAmount: usd('1') })), ['1', '1']);
  });

  test('for a body that does not match the document', async () => {
    const receiver = await createReceiver(granite);
    for (const members of [
      { receiver: granite.alice },
      { receiver, method: 'card' },
      { receiver, method: undefined },
      { receiver, debitAmount: usd('1'), receiveAmount: usd('1') },
      { receiver, debitAmount: null },
      { receiver, extra: 1 },
      {},
    ]) {
      await refused(quote(members), 400, /./);
    }
    await refused(granite.call({ path: '/quotes', token, body: [] }), 400, /./);
    await refused(
      quote({ receiver, walletAddress: `${granite.origin}/gone`, debitAmount: usd('1') }),
      400,
      /^Could not/,
    );
  });

  test('without a rate', async () => {
    servers.terms.prices = { USD: '1' };
    const receiver = await createReceiver(marble, { incomingAmount: eur('5') });
    await refused(quote({ receiver }), 500, 'could not convert between assets');
    const logged = servers.logged.splice(0);
    assert.deepEqual(
      logged.map(({ level }) => level),
      ['error'],
    );
  });
});
