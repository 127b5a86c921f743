/**
 * Races for payments between two server processes on one PostgreSQL (RS-OP-28, OPI-071). Rows are locked until the
 * requests and workers wait for each other. Each race also runs with a mutant that lacks its lock or key, to prove that
 * the test would notice.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startTwoServers, type TwoServers } from '../auth/support/two-servers.ts';
import { needsPostgres } from '../support/postgresql.ts';
import { startPaymentActors } from './support/payment-actors.ts';

describe('two resource servers', { skip: needsPostgres, timeout: 120_000 }, () => {
  let servers: TwoServers;
  let actors: Awaited<ReturnType<typeof startPaymentActors>>;
  let token: string;
  before(async () => {
    servers = await startTwoServers();
    actors = await startPaymentActors(servers);
    token = await actors.outgoingToken();
    // The first payment opens accounts of the ASE, which takes further transactions.
    const quote = await actors.quote(await actors.receiver(), '10');
    await actors.settled((await actors.pay(0, quote.id, token)).body.id);
  });
  after(async () => {
    await actors?.close();
    await servers?.close();
  });

  async function withMutant(id: string, work: () => Promise<void>): Promise<void> {
    await servers.mutate(id);
    await work().finally(() => servers.mutate(''));
  }

  /** Either the payment or the completion queues first for the lock on the receiver's row. */
  async function completeWhilePaid(first: 'payment' | 'completion', incomingAmount?: string) {
    const receiver = await actors.receiver(incomingAmount);
    const quote = await actors.quote(receiver, '10');
    const held = await actors.holdReceiver(receiver);
    const pay = () => actors.pay(0, quote.id, token);
    const complete = () => actors.complete(1, receiver);
    let [paying, completing] = [first === 'payment' ? pay() : undefined, first === 'payment' ? undefined : complete()];
    await held.blocked(1);
    paying ??= pay();
    completing ??= complete();
    await held.blocked(2).finally(held.release);
    const [payment, completion] = await Promise.all([paying, completing]);
    assert.equal(payment.status, 201);
    const end = await actors.settled(payment.body.id);
    return {
      reported: completion.status === 200 ? completion.body.receivedAmount.value : completion.status,
      payment: end,
      received: await actors.received(receiver),
    };
  }

  test('complete ∥ a payment arrives: completion reports the final received amount', async () => {
    assert.deepEqual(await completeWhilePaid('payment'), { reported: '10', payment: 'completed 10', received: '10' });
    assert.deepEqual(await completeWhilePaid('completion'), { reported: '0', payment: 'failed 0', received: '0' });
  });

  test('complete ∥ the payment that fills it: one of them completes it', async () => {
    assert.deepEqual(await completeWhilePaid('payment', '10'), {
      reported: 409,
      payment: 'completed 10',
      received: '10',
    });
    assert.deepEqual(await completeWhilePaid('completion', '10'), {
      reported: '0',
      payment: 'failed 0',
      received: '0',
    });
  });

  test('the mutant that completes without the lock reports too small an amount', () =>
    withMutant('payment-races.completion-without-lock', async () => {
      assert.deepEqual(await completeWhilePaid('payment'), { reported: '0', payment: 'completed 10', received: '10' });
    }));

  test('the mutant that credits without the lock credits a closed payment', () =>
    withMutant('payment-races.credit-without-lock', async () => {
      const { reported, received } = await completeWhilePaid('completion');
      assert.deepEqual([reported, received], ['0', '10']);
    }));

  async function completeTwice(): Promise<number[]> {
    const receiver = await actors.receiver();
    const held = await actors.holdReceiver(receiver);
    const completing = [actors.complete(0, receiver), actors.complete(1, receiver)];
    await held.blocked(2).finally(held.release);
    return (await Promise.all(completing)).map(({ status }) => status).sort();
  }

  test('complete ∥ complete: once', async () => assert.deepEqual(await completeTwice(), [200, 409]));

  test('the mutant that completes without the lock completes twice', () =>
    withMutant('payment-races.completion-without-lock', async () =>
      assert.deepEqual(await completeTwice(), [200, 200]),
    ));

  /**
   * Two payments that each fill the receiver, the second while the first waits: one process would pay both together.
   * They have different payers, so that both wait for the receiver, and none for the account of its payer.
   */
  async function fillTwice() {
    const { otherPayer } = actors;
    const otherToken = await actors.outgoingToken(otherPayer);
    const receiver = await actors.receiver('10');
    const quotes = [await actors.quote(receiver, '10'), await actors.quote(receiver, '10', otherPayer)];
    const held = await actors.holdReceiver(receiver);
    const first = await actors.pay(0, quotes[0].id, token);
    await held.blocked(1);
    const answers = [first, await actors.pay(1, quotes[1].id, otherToken, otherPayer)];
    await held.blocked(2).finally(held.release);
    const ends = await Promise.all(answers.map(({ body }) => actors.settled(body.id)));
    return {
      ends: ends.sort(),
      received: await actors.received(receiver),
      completed: await actors.isCompleted(receiver),
    };
  }

  test('payment ∥ payment for the last amount: one completes, the other fails and sends nothing', async () => {
    const ends = ['completed 10', 'failed 0'];
    assert.deepEqual(await fillTwice(), { ends, received: '10', completed: true });
  });

  test('the mutant that credits without the lock exceeds the incoming amount', () =>
    withMutant('payment-races.credit-without-lock', async () => assert.equal((await fillTwice()).received, '20')));

  test('a quote expires while its payment is on its way: paid within its time, or not at all', async () => {
    const outcome = await payWhileExpiring();
    assert.deepEqual(outcome, { early: '201 in time', late: '400 invalid quote' });
  });

  test('the mutant that does not look at the time pays late', () =>
    withMutant('payment-races.quote-without-end', async () => {
      assert.equal((await payWhileExpiring()).late, '201 late');
    }));

  /** One payment waits for its grant when the quote's time is up; another comes for a second quote of that time. */
  async function payWhileExpiring(): Promise<{ early: string; late: string }> {
    const own = await actors.outgoingToken();
    const receiver = await actors.receiver();
    const quotes = [await actors.quote(receiver, '10'), await actors.quote(receiver, '10')];
    const first = await actors.pay(0, (await actors.quote(receiver, '1')).id, own);
    const held = await actors.hold(
      `select from outgoing_payment_grant where grant_id = (select grant_id from outgoing_payment where id = $1)
        for update`,
      [first.body.id.split('/').at(-1)],
    );
    const early = actors.pay(0, quotes[0].id, own);
    await held.blocked(1);
    await servers.control('/clock', { set: quotes[1].expiresAt });
    const fresh = await actors.outgoingToken();
    const late = await actors.pay(1, quotes[1].id, fresh);
    await held.release();
    const describeEnd = ({ status, body }: Awaited<typeof early>, quote: { expiresAt: string }): string => {
      if (status !== 201) return `${status} ${body.error.description}`;
      return `201 ${body.createdAt < quote.expiresAt ? 'in time' : 'late'}`;
    };
    const outcome = { early: describeEnd(await early, quotes[0]), late: describeEnd(late, quotes[1]) };
    await servers.control('/clock', { set: new Date().toISOString() });
    return outcome;
  }

  /** Two grants pay one quote. Both have seen that it is unused when they wait to insert their payment. */
  async function payTwice(): Promise<string[]> {
    const tokens = [await actors.outgoingToken(), await actors.outgoingToken()] as const;
    const quote = await actors.quote(await actors.receiver(), '10');
    const held = await actors.hold('lock table outgoing_payment in share mode', []);
    const paying = [actors.pay(0, quote.id, tokens[0]), actors.pay(1, quote.id, tokens[1])];
    await held.blocked(2, 'insert into outgoing_payment (').finally(held.release);
    const answers = await Promise.all(paying);
    return answers.map(({ status, body }) => `${status} ${body.error?.description ?? ''}`.trim()).sort();
  }

  test('pay ∥ pay with one quote and two grants: once', async () =>
    assert.deepEqual(await payTwice(), ['201', '400 invalid quote']));

  /** Two copies of a payment without a quote, with one key. Both wait to store the key until a third claim is rolled back. */
  async function repeatWithKey(key: string) {
    const [receiver, earlier] = [await actors.receiver(), `earlier-${key}`];
    assert.equal((await actors.payWithKey(0, await actors.receiver(), token, earlier)).status, 201);
    const held = await actors.hold(
      `insert into idempotency_key select (jsonb_populate_record(claim, jsonb_build_object('key', $1::text))).*
        from idempotency_key as claim where key = $2`,
      [`key ${key}`, `key ${earlier}`],
    );
    const paying = ([0, 1] as const).map((which) => actors.payWithKey(which, receiver, token, key));
    await held.blocked(2).finally(held.release);
    const answers = await Promise.all(paying);
    return {
      statuses: answers.map(({ status }) => status),
      ids: new Set(answers.map(({ body }) => body.id)).size,
      payments: await actors.paymentsTo(receiver),
    };
  }

  test('pay ∥ pay with one idempotency key: one payment, and the same answer to both', async () =>
    assert.deepEqual(await repeatWithKey('one'), { statuses: [201, 201], ids: 1, payments: 1 }));

  test('the mutant that claims a key which another request has claimed pays twice', () =>
    withMutant('payment-races.key-claimed-twice', async () =>
      assert.deepEqual(await repeatWithKey('two'), { statuses: [201, 201], ids: 2, payments: 2 }),
    ));

  /** A client pays a quote twice by the same request in other bytes, under a grant that is locked until both wait for it. */
  async function repeatWithQuote() {
    const own = await actors.outgoingToken();
    const receiver = await actors.receiver();
    const first = await actors.pay(0, (await actors.quote(await actors.receiver(), '1')).id, own);
    const quote = await actors.quote(receiver, '10');
    const held = await actors.hold(
      `select from outgoing_payment_grant where grant_id = (select grant_id from outgoing_payment where id = $1)
        for update`,
      [first.body.id.split('/').at(-1)],
    );
    const paying = [actors.pay(0, quote.id, own), actors.payInOtherBytes(1, quote.id, own)];
    await held.blocked(2).finally(held.release);
    const answers = await Promise.all(paying);
    return {
      statuses: answers.map(({ status }) => status).sort(),
      ids: new Set(answers.map(({ body }) => body.id)).size,
      payments: await actors.paymentsTo(receiver),
    };
  }

  test('pay ∥ pay with one quote and one grant: one payment, and the same answer to both', async () =>
    assert.deepEqual(await repeatWithQuote(), { statuses: [201, 201], ids: 1, payments: 1 }));

  test('the mutant that does not look for the payment of the other refuses one of them', () =>
    withMutant('payment-races.repetition-refused', async () => {
      const { statuses, payments } = await repeatWithQuote();
      assert.deepEqual([statuses, payments], [[201, 400], 1]);
    }));

  test('without the unique key of the quote, it is paid twice', async () => {
    await actors.run('alter table outgoing_payment drop constraint outgoing_payment_ase_quote_id_unique');
    assert.deepEqual(await payTwice(), ['201', '201']);
  });
});
