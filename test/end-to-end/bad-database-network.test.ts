/**
 * The network between an ASE and its PostgreSQL server fails in every way that a network has. Nothing hangs for longer
 * than the ASE's patience, the pool recovers when the network does, and every payment that began ends with its exact
 * amounts (RS-OP-30, SET-07).
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { defaultWorld } from '../../src/world/definition/definition.ts';
import { type FaultProxy, type NetworkFault, openFaultProxy } from '../support/fault-proxy.ts';
import { createPayer, type Payer } from '../support/payer.ts';
import { createTestDatabase, needsPostgres } from '../support/postgresql.ts';
import { startProcessTime } from '../support/process-time.ts';
import { clientEnvironment, startWorld, type TestWorld } from '../support/world.ts';
import { bookOf, eventually } from './support/books.ts';

/** Long enough for a statement on a busy machine, short enough to be waited for several times. */
const patienceMs = 2_000;
/** Until a connection that swallows everything is given up, and the statements before and after it. */
const boundMs = 3 * patienceMs + 2_000;
/** A lock that outlives its connection is held for minutes or hours. */
const MAX_LOCK_WAIT_MS = 30_000;
/** A payment whose claim was lost with the connection stays leased for this long. */
const leaseMs = 3_000;
/** Two packets. */
const amount = '1000';
const definition = { ...defaultWorld, maxPacketAmount: 600n };

describe('an ASE and its database, with a bad network between them', { skip: needsPostgres }, () => {
  let database: Awaited<ReturnType<typeof createTestDatabase>>;
  let proxy: FaultProxy;
  let world: TestWorld;
  let payer: Payer;
  let payee: string;

  before(async () => {
    database = await createTestDatabase();
    const url = new URL(database.url);
    proxy = await openFaultProxy(Number(url.port));
    url.port = `${proxy.port}`;
    world = await startWorld({ definition, leaseMs, database: { kind: 'postgresql', url: url.href, patienceMs } });
    payer = await createPayer(clientEnvironment(world));
    payee = clientEnvironment(world).receiver;
  });
  after(async () => {
    proxy?.set(undefined);
    await world?.close();
    proxy?.close();
    await database?.drop();
  });

  /** Pays, whatever becomes of it. */
  async function prepare() {
    const incoming = await payer.receive(payee, amount);
    return { incoming, quote: await payer.quote(incoming) };
  }
  const readReceived = async (incoming: string): Promise<string> =>
    ((await (await fetch(incoming)).json()) as { receivedAmount: { value: string } }).receivedAmount.value;

  /** Asks until there is an answer, because each broken connection of the pool fails one request. It never pays twice. */
  const payAgain = (quoteId: string): Promise<void> =>
    eventually(async () => [201, 400, 403].includes((await payer.pay(quoteId)).status));

  const deadly: readonly [string, NetworkFault][] = [
    ['swallows everything', { kind: 'swallow' }],
    ['swallows the answers', { kind: 'swallow', direction: 'back' }],
    ['breaks in the middle of an answer', { kind: 'reset', afterBytes: 3, direction: 'back' }],
    ['breaks in the middle of a statement', { kind: 'reset', afterBytes: 20, direction: 'there' }],
    ['takes no connection', { kind: 'close' }],
  ];
  for (const [name, fault] of deadly) {
    test(`that ${name}: refused within the bound, then served again; paid once`, async () => {
      const { incoming, quote } = await prepare();
      const under = await prepare();
      const paid = await payer.pay(quote.id);
      assert.equal(paid.status, 201, paid.text);
      proxy.set(fault);
      const passed = startProcessTime();
      const [refused, lost] = await Promise.all([fetch(payee), payer.pay(under.quote.id)]);
      const took = passed();
      assert.ok(took < boundMs, `${took} ms`);
      assert.deepEqual([refused.status, lost.status], [500, 500]);
      assert.equal(((await refused.json()) as { error: { code: string } }).error.code, 'internal_error');
      proxy.set(undefined);
      await eventually(async () => (await fetch(payee)).status === 200);
      await eventually(async () => (await payer.read(paid.body.id)).sentAmount.value === quote.debitAmount.value);
      assert.equal(await readReceived(incoming), amount);

      // The client cannot know if the unanswered payment was stored: a repeated request never pays twice.
      const again = await payer.pay(under.quote.id);
      assert.ok([201, 400, 403].includes(again.status), again.text);
      await eventually(async () => (await readReceived(under.incoming)) === amount);
      assert.equal(
        (await world.controls.ledgers()).every(({ books }) => books.balanced),
        true,
      );
    });
  }

  test('that is slow: all is served', async () => {
    for (const fault of [
      { kind: 'delay', ms: 5 },
      { kind: 'throttle', bytesPerSecond: 200_000 },
    ] as const) {
      const { incoming, quote } = await prepare();
      proxy.set(fault);
      assert.equal((await payer.pay(quote.id)).status, 201);
      await eventually(async () => (await readReceived(incoming)) === amount);
      proxy.set(undefined);
    }
  });

  test('that breaks again and again while payments are under way: each is paid once', async () => {
    const some = await Promise.all(Array.from({ length: 6 }, prepare));
    let cuts = 0;
    const storm = setInterval(() => {
      cuts += proxy.cut();
    }, 60);
    const answers = await Promise.all(some.map(({ quote }) => payer.pay(quote.id)));
    await eventually(async () => cuts > 20);
    clearInterval(storm);
    for (const [index, answer] of answers.entries()) {
      if (answer.status !== 201) await payAgain(some[index]!.quote.id);
    }
    for (const { incoming } of some) await eventually(async () => (await readReceived(incoming)) === amount);
    await eventually(async () => bookOf((await world.controls.ledgers())[0]!, 'hold:USD:2') === 0n);
    const [granite, marble] = await world.controls.ledgers();
    assert.deepEqual([granite!.books.balanced, marble!.books.balanced], [true, true]);
    assert.equal(bookOf(granite!, 'peer:marble:EUR:2'), -bookOf(marble!, 'peer:granite:EUR:2'));
  });

  test('a lock does not outlive the connection of who took it', async () => {
    const { quote } = await prepare();
    const held = Promise.withResolvers<void>();
    const broken = world.db.transaction(async (tx) => {
      await tx.selectFrom('outgoing_payment_grant').selectAll().forUpdate().execute();
      proxy.set({ kind: 'swallow' });
      held.resolve();
      await tx.selectFrom('outgoing_payment_grant').selectAll().execute();
    });
    await held.promise;
    await assert.rejects(broken);
    const direct = new pg.Client({ connectionString: database.url });
    await direct.connect();
    try {
      await direct.query(`set lock_timeout = ${MAX_LOCK_WAIT_MS}`);
      await direct.query('select from outgoing_payment_grant for update');
    } finally {
      await direct.end();
    }
    proxy.set(undefined);
    assert.equal((await payer.pay(quote.id)).status, 201);
  });
});
