/**
 * The receiver of a payment changes after the quote: it shrinks, closes, lies, stalls or disappears; and peers forget
 * packets or are removed. The payment fails at once with its reason and a refund, or is retried until there is an
 * answer; amounts that arrived are paid for once (RS-OP-16…18, ILP-18).
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Reply } from '../../src/http/reply.ts';
import { ilpReject } from '../../src/payments/ilp/ilp-reply.ts';
import { controlOf } from '../support/administration.ts';
import { maxPacketAmount, startTwoWorlds, type TwoWorlds } from '../support/two-worlds.ts';
import { bookOf, eventually } from './support/books.ts';

/** Two packets. */
const amount = `${maxPacketAmount + 400n}`;
const first = `${maxPacketAmount}`;

/** Falsifies marble's view of incoming payments. */
let lie: ((body: FullView) => object) | undefined;
/** Runs when a payment is stored, before it is sent. */
let onceStored: (() => void) | undefined;
/** Runs before granite sends its n-th packet of a test. */
let beforePacket: ((n: number) => Promise<unknown>) | undefined;
let packets = 0;
let worlds: TwoWorlds;

interface FullView {
  readonly incomingAmount: { readonly value: string };
  readonly receivedAmount: { readonly value: string };
  readonly methods: readonly [{ readonly ilpAddress: string; readonly sharedSecret: string }];
}

before(async () => {
  worlds = await startTwoWorlds({
    granite: {
      // Each is read again before it is paid, as in another process or after half a minute.
      worker: { recentReceiver: () => undefined },
      failpoint(name) {
        if (name === 'payment-stored') onceStored?.();
      },
      wrapLink: (_from, _to, link) => ({
        async send(...packet) {
          packets += 1;
          await beforePacket?.(packets);
          return link.send(...packet);
        },
      }),
    },
    marble: {
      tamper: (operation, reply) => (operation === 'get-incoming-payment' ? tell(reply) : reply),
    },
  });
});
after(() => worlds?.close());
beforeEach(() => {
  lie = undefined;
  onceStored = undefined;
  beforePacket = undefined;
  packets = 0;
});

/** The public view stays true. */
function tell(reply: Reply): Reply {
  const body = reply.body as Partial<FullView>;
  return lie && body.methods ? { ...reply, body: { ...body, ...lie(body as FullView) } } : reply;
}

async function prepare() {
  const incoming = await worlds.payer.receive(worlds.payee, amount);
  return { incoming, quote: await worlds.payer.quote(incoming) };
}

async function pay({ quote }: Awaited<ReturnType<typeof prepare>>) {
  const spentBefore = await worlds.payer.spent();
  const { status, body, text } = await worlds.payer.pay(quote.id);
  assert.equal(status, 201, text);
  return { id: body.id as string, debit: BigInt(quote.debitAmount.value), spentBefore };
}
type Paying = Awaited<ReturnType<typeof pay>>;

const readReceived = async (incoming: string): Promise<string> =>
  ((await (await fetch(incoming)).json()) as { receivedAmount: { value: string } }).receivedAmount.value;
const books = async () => {
  const [[granite], [marble]] = await Promise.all([
    worlds.granite.controls.ledgers(),
    worlds.marble.controls.ledgers(),
  ]);
  assert.deepEqual([granite!.books.balanced, marble!.books.balanced], [true, true]);
  return { granite: granite!, marble: marble! };
};
const spentValue = ({ spentDebitAmount }: { spentDebitAmount: { value: string } | null }): bigint =>
  BigInt(spentDebitAmount?.value ?? '0');

/** Failed for this reason, with so much paid and the rest given back to payer and grant. */
async function failsWith(reason: string, { id, spentBefore }: Paying, sent = 0n): Promise<void> {
  await eventually(async () => (await worlds.payer.read(id)).failed === true);
  assert.equal(BigInt((await worlds.payer.read(id)).sentAmount.value), sent);
  assert.equal(spentValue(await worlds.payer.spent()) - spentValue(spentBefore), sent);
  const row = await worlds.granite.db.query
    .selectFrom('outgoing_payment')
    .select('failure')
    .where('id', '=', id.split('/').at(-1)!)
    .executeTakeFirstOrThrow();
  assert.equal(row.failure, reason);
  assert.equal(bookOf((await books()).granite, 'hold:USD:2'), 0n);
}

async function completes({ id, debit }: Paying, incoming: string): Promise<void> {
  await eventually(async () => BigInt((await worlds.payer.read(id)).sentAmount.value) === debit);
  assert.equal(await readReceived(incoming), amount);
  const { granite, marble } = await books();
  assert.equal(bookOf(granite, 'peer:marble:EUR:2'), -bookOf(marble, 'peer:granite:EUR:2'));
  assert.equal(bookOf(granite, 'hold:USD:2'), 0n);
}

describe('a receiver that is not what it was when it was quoted', () => {
  const lies: readonly [string, string, (body: FullView) => object][] = [
    [
      'awaits less',
      'receiver_amount_exceeded',
      ({ incomingAmount }) => ({ incomingAmount: { ...incomingAmount, value: '999' } }),
    ],
    [
      'has got a part already',
      'receiver_amount_exceeded',
      ({ receivedAmount }) => ({ receivedAmount: { ...receivedAmount, value: '1' } }),
    ],
    [
      'is in another asset',
      'receiver_asset_changed',
      ({ incomingAmount, receivedAmount }) => ({
        incomingAmount: { ...incomingAmount, assetCode: 'GBP' },
        receivedAmount: { ...receivedAmount, assetCode: 'GBP' },
      }),
    ],
    ['says that it is completed', 'invalid_receiver', () => ({ completed: true, methods: [] })],
    [
      'is at an address to which no way leads',
      'no_route',
      ({ methods: [method] }) => ({ methods: [{ ...method, ilpAddress: 'test.basalt.abc' }] }),
    ],
    [
      'is at an address that was never issued',
      'packet_rejected_F06',
      ({ methods: [method] }) => ({ methods: [{ ...method, ilpAddress: `${method.ilpAddress}A` }] }),
    ],
    [
      'tells another secret',
      'packet_rejected_F06',
      ({ methods: [method] }) => ({
        methods: [{ ...method, sharedSecret: Buffer.alloc(32, 7).toString('base64url') }],
      }),
    ],
  ];
  for (const [name, reason, falsify] of lies) {
    test(`and ${name}: the payment fails, nothing is paid`, async () => {
      const prepared = await prepare();
      onceStored = () => {
        lie = falsify;
      };
      await failsWith(reason, await pay(prepared));
      assert.equal(await readReceived(prepared.incoming), '0');
    });
  }

  test('and awaits less, or is completed, before the payment is made: there is none, and nothing is spent', async () => {
    const prepared = await prepare();
    const spent = await worlds.payer.spent();
    lie = lies[0]![2];
    assert.equal((await worlds.payer.pay(prepared.quote.id)).status, 400);
    lie = undefined;
    await worlds.payer.complete(prepared.incoming);
    assert.equal((await worlds.payer.pay(prepared.quote.id)).status, 400);
    assert.deepEqual(await worlds.payer.spent(), spent);
  });

  test('and is completed while the first packet is on its way: nothing is paid', async () => {
    const prepared = await prepare();
    beforePacket = () => worlds.payer.complete(prepared.incoming);
    await failsWith('packet_rejected_F02', await pay(prepared));
    assert.equal(await readReceived(prepared.incoming), '0');
  });

  test('and is completed between two packets: the first is paid for, the rest given back', async () => {
    const prepared = await prepare();
    beforePacket = async (n) => n === 2 && worlds.payer.complete(prepared.incoming);
    const paying = await pay(prepared);
    const sent = (paying.debit * maxPacketAmount + BigInt(amount) - 1n) / BigInt(amount);
    await eventually(async () => (await worlds.payer.read(paying.id)).failed === true);
    const { sentAmount } = await worlds.payer.read(paying.id);
    assert.ok([sent, sent - 1n].includes(BigInt(sentAmount.value)), `${sentAmount.value} for ${sent}`);
    await failsWith('packet_rejected_F02', paying, BigInt(sentAmount.value));
    assert.equal(await readReceived(prepared.incoming), first);
  });

  for (const [name, fault] of [
    ['is gone for a while', { kind: 'reset', times: 3 }],
    ['is broken for a while', { kind: 'status', status: 503, times: 3 }],
    ['stalls for longer than anybody waits', { kind: 'delay', delayMs: 5500, times: 1 }],
  ] as const) {
    test(`and ${name}: the payment is tried until it answers, and others are served`, async () => {
      const prepared = await prepare();
      const faults = worlds.marble.controls.faults!;
      onceStored = () => void faults.add({ operation: 'get-incoming-payment', nth: 1, ...fault });
      const paying = await pay(prepared);
      onceStored = undefined;
      const local = await worlds.payer.receive(worlds.neighbour, '100');
      await worlds.payer.pay((await worlds.payer.quote(local)).id);
      await eventually(async () => (await readReceived(local)) === '100');
      await eventually(async () => faults.list()[0]!.struck === fault.times);
      faults.clear();
      await completes(paying, prepared.incoming);
    });
  }
});

describe('a peer', () => {
  const control = () => controlOf(worlds.granite);
  const inDoubt = async (): Promise<string | undefined> => {
    const { TOUCHSTONE_CONTROL: url, TOUCHSTONE_CONTROL_TOKEN: token } = worlds.granite.env;
    const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
    return /touchstone_outgoing_packets\{ase="granite",state="prepared"\} (\d+)/.exec(await response.text())?.[1];
  };
  let forgetful: Server;
  let remembers = false;

  before(async () => {
    // Books the first copy of a packet and keeps the answer to itself; of further copies it knows nothing.
    const known = new Set<string>();
    forgetful = createServer(async (req, res) => {
      const prepare = Buffer.concat(await req.toArray());
      const isKnown = known.has(prepare.toString('hex'));
      known.add(prepare.toString('hex'));
      if (isKnown && !remembers) return void res.end(ilpReject('F99', 'test.marble', 'never heard of it'));
      const { origin } = worlds.marble.ases[0]!;
      const headers = { authorization: req.headers.authorization!, 'content-type': req.headers['content-type']! };
      const answer = await fetch(origin + req.url, { method: 'POST', headers, body: prepare });
      if (!remembers) return void req.socket.destroy();
      res.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer()));
    });
    forgetful.listen(0, '127.0.0.1');
    await once(forgetful, 'listening');
  });
  after(() => {
    forgetful?.closeAllConnections();
    forgetful?.close();
  });

  test('that forgets what it booked: the packet stays in doubt, in sight of the operator, and is not paid back', async () => {
    const prepared = await prepare();
    const endpoint = `http://localhost:${(forgetful.address() as AddressInfo).port}`;
    const moved = await control()('PATCH', '/ases/granite/peers/marble', { endpoint });
    assert.equal(moved.status, 200, moved.text);
    const paying = await pay(prepared);
    await eventually(async () => packets >= 3);
    assert.equal(await readReceived(prepared.incoming), first);
    assert.equal((await worlds.payer.read(paying.id)).failed, false);
    assert.equal(BigInt((await worlds.payer.read(paying.id)).sentAmount.value), 0n);
    assert.equal(await inDoubt(), '1');
    assert.equal(bookOf((await books()).granite, 'hold:USD:2'), paying.debit, 'the money is held');
    remembers = true;
    await completes(paying, prepared.incoming);
    assert.equal(await inDoubt(), undefined);
  });

  test('that is one no more: no payment, and one that is stored already fails at once, for want of a route', async () => {
    const [stored, late] = [await prepare(), await prepare()];
    let removed: Promise<{ readonly status: number }> | undefined;
    // The settlement's reading of the receiver waits at marble until the peer is gone.
    worlds.marble.controls.faults!.clear();
    onceStored = () => {
      worlds.marble.controls.faults!.add({
        ...{ operation: 'get-incoming-payment', nth: 1, times: 1 },
        ...{ kind: 'delay', delayMs: 700 },
      });
      removed = control()('DELETE', '/ases/granite/peers/marble');
    };
    const paying = await pay(stored);
    assert.equal((await removed!).status, 204);
    await failsWith('no_route', paying);
    onceStored = undefined;
    const refused = await worlds.payer.pay(late.quote.id);
    assert.equal(refused.status, 400, refused.text);
  });
});
