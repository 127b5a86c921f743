/** Quotes for receivers of this and of another ASE (RS-Q-01…24). */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { noFee } from '../../src/payments/fees.ts';
import {
  type Answer,
  full,
  type ResourceWorld,
  start,
  startResourceWorld,
  type TestAse,
} from './support/two-resource-servers.ts';

const minute = 60_000;
const usd = (value: string) => ({ value, assetCode: 'USD', assetScale: 2 });
const eur = (value: string) => ({ value, assetCode: 'EUR', assetScale: 2 });
let world: ResourceWorld;
let granite: TestAse;
let marble: TestAse;
let alice: string;
let token: string;
before(async () => {
  world = await startResourceWorld();
  ({ granite, marble } = world);
  alice = `${granite.origin}/alice`;
});
after(() => world.close());
beforeEach(() => {
  world.clock.setting = { mode: 'frozen', offset: 0, at: start };
  Object.assign(world.terms, { fee: noFee, prices: { USD: '1', EUR: '1.25' }, canReach: true });
  token = granite.issue([full.quote()]);
  world.logged.length = 0;
  world.outbound.length = 0;
});

const receiverAt = async (ase: TestAse, members: object = {}): Promise<string> => {
  const body = { walletAddress: `${ase.origin}/bob`, ...members };
  const answer = await ase.call({ path: '/incoming-payments', token: ase.issue([full.incoming()]), body });
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
  return answer.body.id;
};
const complete = (ase: TestAse, url: string): Promise<Answer> =>
  ase.call({ method: 'POST', path: `${url}/complete`, token: ase.issue([full.incoming()]) });
const quote = (members: object): Promise<Answer> =>
  granite.call({ path: '/quotes', token, body: { walletAddress: alice, method: 'ilp', ...members } });
const amounts = ({ status, body }: Answer): string[] => {
  assert.equal(status, 201, JSON.stringify(body));
  return [body.debitAmount.value, body.receiveAmount.value];
};
const refused = async (answer: Promise<Answer>, status: number, description: string | RegExp): Promise<Answer> => {
  const before = await world.count('quote');
  const { body, ...rest } = await answer;
  assert.equal(rest.status, status, JSON.stringify(body));
  if (typeof description === 'string') assert.equal(body.error.description, description);
  else assert.match(body.error.description, description);
  assert.equal(await world.count('quote'), before);
  return { body, ...rest };
};

describe('a quote', () => {
  test('of what the receiver awaits, at another ASE', async () => {
    const receiver = await receiverAt(marble, { incomingAmount: eur('1000') });
    const { body, status } = await quote({ receiver });
    assert.equal(status, 201);
    assert.deepEqual(body, {
      id: body.id,
      walletAddress: alice,
      receiver,
      receiveAmount: eur('1000'),
      debitAmount: usd('1250'),
      method: 'ilp',
      createdAt: new Date(start).toISOString(),
      expiresAt: new Date(start + 15 * minute).toISOString(),
    });
    assert.deepEqual((await granite.call({ path: body.id, token })).body, body);
    // Public view, grant, full view; then the token is kept.
    assert.deepEqual(
      world.outbound.map(({ method, url }) => [method ?? 'GET', url]),
      [
        ['GET', receiver],
        ['POST', `${marble.origin}/auth/`],
        ['GET', receiver],
      ],
    );
    await quote({ receiver });
    assert.equal(world.outbound.length, 5);
  });

  test('of an amount to send, or to deliver, with the fee inside', async () => {
    const receiver = await receiverAt(marble);
    assert.deepEqual(amounts(await quote({ receiver, debitAmount: usd('999') })), ['999', '799']);
    assert.deepEqual(amounts(await quote({ receiver, receiveAmount: eur('799') })), ['999', '799']);
    world.terms.fee = { basisPoints: 100, fixed: 5n };
    assert.deepEqual(amounts(await quote({ receiver, debitAmount: usd('1000') })), ['1000', '788']);
    assert.deepEqual(amounts(await quote({ receiver, receiveAmount: eur('800') })), ['1015', '800']);
  });

  test('for a receiver of the same ASE needs no network', async () => {
    const receiver = await receiverAt(granite, { incomingAmount: usd('70') });
    assert.deepEqual(amounts(await quote({ receiver })), ['70', '70']);
    assert.deepEqual(amounts(await quote({ receiver: `${receiver}/` })), ['70', '70']);
    assert.deepEqual(world.outbound, []);
  });

  test('of what is still missing', async () => {
    const receiver = await receiverAt(granite, { incomingAmount: usd('70') });
    const id = receiver.split('/').at(-1)!;
    await world.db.query.updateTable('incoming_payment').set({ received_amount: '30' }).where('id', '=', id).execute();
    assert.deepEqual(amounts(await quote({ receiver })), ['40', '40']);
    await refused(quote({ receiver, receiveAmount: usd('41') }), 400, 'invalid amount');
    await refused(quote({ receiver, debitAmount: usd('41') }), 400, 'invalid amount');
    assert.deepEqual(amounts(await quote({ receiver, receiveAmount: usd('40') })), ['40', '40']);
  });

  test('ends with its receiver', async () => {
    const receiver = await receiverAt(marble, { expiresAt: new Date(start + minute).toISOString() });
    const { body } = await quote({ receiver, debitAmount: usd('100') });
    assert.equal(body.expiresAt, new Date(start + minute).toISOString());
    world.clock.setting = { mode: 'frozen', offset: 0, at: start + minute };
    assert.equal((await granite.call({ path: body.id, token })).status, 200);
    await refused(quote({ receiver, debitAmount: usd('100') }), 400, 'invalid receiver');
  });

  test('is seen by its client only', async () => {
    const { body } = await quote({ receiver: await receiverAt(granite), debitAmount: usd('1') });
    const others = granite.issue([full.quote()], 'https://client.example/other');
    assert.equal((await granite.call({ path: body.id, token: others })).status, 404);
    const all = granite.issue([{ type: 'quote', actions: ['read-all'] }], 'https://client.example/other');
    assert.equal((await granite.call({ path: body.id, token: all })).status, 200);
    for (const id of ['abc', '%00']) assert.equal((await granite.call({ path: `/quotes/${id}`, token })).status, 404);
    assert.ok([404, 405].includes((await granite.call({ path: '/quotes', token })).status));
  });
});

describe('no quote', () => {
  test('of too little; the smallest amount is told and suffices', async () => {
    world.terms.fee = { basisPoints: 100, fixed: 5n };
    const receiver = await receiverAt(marble);
    const { body } = await refused(quote({ receiver, debitAmount: usd('1') }), 400, /non-positive receive amount/);
    const { minSendAmount } = body.error.details;
    assert.deepEqual(Object.keys(minSendAmount), ['value', 'assetCode', 'assetScale']);
    assert.deepEqual(amounts(await quote({ receiver, debitAmount: minSendAmount })), [minSendAmount.value, '1']);
    const less = { ...minSendAmount, value: `${BigInt(minSendAmount.value) - 1n}` };
    await refused(quote({ receiver, debitAmount: less }), 400, /non-positive receive amount/);
  });

  test('for receivers that cannot be paid', async () => {
    const open = await receiverAt(marble, { incomingAmount: eur('5') });
    const closed = await receiverAt(marble, { incomingAmount: eur('5') });
    await complete(marble, closed);
    const closedHere = await receiverAt(granite, { incomingAmount: usd('5') });
    await complete(granite, closedHere);
    const unknown = '00000000-0000-4000-8000-000000000000';
    for (const receiver of [
      closed,
      closedHere,
      `${marble.origin}/incoming-payments/${unknown}`,
      `${granite.origin}/incoming-payments/${unknown}`,
      // The id is one of ours, but the URL says otherwise, and the other way round.
      `${marble.origin}/incoming-payments/${closedHere.split('/').at(-1)}`,
      `${granite.origin}/incoming-payments/${open.split('/').at(-1)}`,
      `${open}?x=1#y`,
      'http://127.0.0.1:1/incoming-payments/1',
      'http://169.254.169.254/incoming-payments/1',
      `${marble.origin}/incoming-payments/%00`,
    ]) {
      await refused(quote({ receiver }), 400, 'invalid receiver');
    }
    await refused(quote({ receiver: await receiverAt(marble) }), 400, 'invalid receiver');
    world.terms.canReach = false;
    await refused(quote({ receiver: open }), 400, 'invalid receiver');
    assert.deepEqual(world.logged, []);
  });

  test('for amounts that do not fit', async () => {
    const receiver = await receiverAt(marble, { incomingAmount: eur('500') });
    await refused(quote({ receiver, debitAmount: eur('5') }), 400, 'invalid amount');
    await refused(quote({ receiver, debitAmount: usd('0') }), 400, 'invalid amount');
    await refused(quote({ receiver, receiveAmount: usd('5') }), 400, 'invalid amount');
    await refused(quote({ receiver, receiveAmount: eur('0') }), 400, 'invalid amount');
    await refused(quote({ receiver, receiveAmount: eur('501') }), 400, 'invalid amount');
    const any = await receiverAt(marble);
    await refused(quote({ receiver: any, receiveAmount: eur('18446744073709551615') }), 400, 'invalid amount');
    const nearlyFull = await receiverAt(granite);
    const id = nearlyFull.split('/').at(-1)!;
    const received = { received_amount: '18446744073709551614' };
    await world.db.query.updateTable('incoming_payment').set(received).where('id', '=', id).execute();
    await refused(quote({ receiver: nearlyFull, receiveAmount: usd('2') }), 400, 'invalid amount');
    assert.deepEqual(amounts(await quote({ receiver: nearlyFull, receiveAmount: usd('1') })), ['1', '1']);
  });

  test('for bodies against the document', async () => {
    const receiver = await receiverAt(granite);
    for (const members of [
      { receiver: alice },
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
    world.terms.prices = { USD: '1' };
    const receiver = await receiverAt(marble, { incomingAmount: eur('5') });
    await refused(quote({ receiver }), 500, 'could not convert between assets');
  });
});
