/**
 * The network between two ASEs fails in every way that a network has: payments end with their exact amounts when it is
 * over, none of them twice, and meanwhile all other requests are served (ILP-18, RS-OP-30).
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { NetworkFault } from '../support/fault-proxy.ts';
import { maxPacketAmount, startTwoWorlds, type TwoWorlds } from '../support/two-worlds.ts';
import { bookOf, eventually } from './support/books.ts';

/** Long enough for an exchange on a busy machine, short enough to be waited for several times. */
const linkTimeoutMs = 2_000;
/** Two packets. */
const amount = `${maxPacketAmount + 400n}`;

/** Packets of granite that have no answer yet, and those that have failed but whose failure is held back. */
let pending = 0;
/** While set, no packet of granite ends. */
let held: PromiseWithResolvers<void> | undefined;
let worlds: TwoWorlds;
before(async () => {
  worlds = await startTwoWorlds({
    granite: {
      linkTimeoutMs,
      wrapLink: (_from, _to, link) => ({
        async send(...packet) {
          pending += 1;
          try {
            return await link.send(...packet);
          } finally {
            await held?.promise;
            pending -= 1;
          }
        },
      }),
    },
  });
});
after(() => worlds?.close());

const readReceived = async (incoming: string): Promise<string> =>
  ((await (await fetch(incoming)).json()) as { receivedAmount: { value: string } }).receivedAmount.value;

async function prepare(walletAddress: string, value = amount) {
  const incoming = await worlds.payer.receive(walletAddress, value);
  return { incoming, quote: await worlds.payer.quote(incoming) };
}
type Prepared = Awaited<ReturnType<typeof prepare>>;

async function pay({ quote }: Prepared): Promise<string> {
  const { status, body, text } = await worlds.payer.pay(quote.id);
  assert.equal(status, 201, text);
  return body.id;
}

/** Completed, with all of the quote's amounts and not a unit more. */
async function endsExactly(payment: string, { incoming, quote }: Prepared): Promise<void> {
  await eventually(async () => (await worlds.payer.read(payment)).sentAmount.value === quote.debitAmount.value);
  assert.equal((await worlds.payer.read(payment)).failed, false);
  assert.equal(await readReceived(incoming), amount);
}

/** Both ASEs agree on the debt between them, and nothing is held any more. */
async function booksAgree(): Promise<void> {
  const [[granite], [marble]] = await Promise.all([
    worlds.granite.controls.ledgers(),
    worlds.marble.controls.ledgers(),
  ]);
  assert.deepEqual([granite!.books.balanced, marble!.books.balanced], [true, true]);
  assert.equal(bookOf(granite!, 'peer:marble:EUR:2'), -bookOf(marble!, 'peer:granite:EUR:2'));
  assert.equal(bookOf(granite!, 'hold:USD:2'), 0n);
}

/** Pays across the bad network. Before any of the packets ends, a local payment completes and a wallet address is served. */
async function payWhileOthersAreServed(across: readonly Prepared[]): Promise<string[]> {
  const local = await prepare(worlds.neighbour, '100');
  held = Promise.withResolvers();
  try {
    const payments = await Promise.all(across.map(pay));
    await eventually(async () => pending > 0);
    await pay(local);
    await eventually(async () => (await readReceived(local.incoming)) === '100');
    assert.equal((await fetch(worlds.payee)).status, 200);
    assert.ok(pending > 0, 'the others still wait');
    return payments;
  } finally {
    held.resolve();
    held = undefined;
  }
}

describe('packets between two ASEs, over a network', () => {
  const slow: readonly [string, NetworkFault][] = [
    ['is slow to answer', { kind: 'delay', ms: 60 }],
    ['passes a few bytes at a time', { kind: 'throttle', bytesPerSecond: 20_000 }],
  ];
  for (const [name, fault] of slow) {
    test(`that ${name}: paid`, async () => {
      const prepared = await prepare(worlds.payee);
      worlds.proxy.set(fault);
      await endsExactly(await pay(prepared), prepared);
      worlds.proxy.set(undefined);
      await booksAgree();
    });
  }

  const deadly: readonly [string, NetworkFault][] = [
    ['takes no connection', { kind: 'close' }],
    ['swallows packets', { kind: 'swallow', direction: 'there' }],
    ['swallows answers', { kind: 'swallow', direction: 'back' }],
    ['breaks in the middle of a packet', { kind: 'reset', afterBytes: 300, direction: 'there' }],
    ['breaks in the middle of an answer', { kind: 'reset', afterBytes: 40, direction: 'back' }],
    ['is too slow for an answer', { kind: 'throttle', bytesPerSecond: 300, direction: 'back' }],
  ];
  for (const [name, fault] of deadly) {
    test(`that ${name}: tried until it is over, then paid once`, async () => {
      const prepared = await prepare(worlds.payee);
      const { struck, connections } = worlds.proxy.seen;
      worlds.proxy.set(fault);
      const [payment] = (await payWhileOthersAreServed([prepared])) as [string];
      const tries = () => worlds.proxy.seen.connections - connections + worlds.proxy.seen.struck - struck;
      await eventually(async () => tries() > 1);
      const meanwhile = await worlds.payer.read(payment);
      assert.deepEqual([meanwhile.sentAmount.value, meanwhile.failed], ['0', false]);
      worlds.proxy.set(undefined);
      await endsExactly(payment, prepared);
      await booksAgree();
    });
  }

  test('that swallows the packets of many payments: a local payment does not wait for them', async () => {
    const many = await Promise.all(Array.from({ length: 12 }, () => prepare(worlds.payee)));
    worlds.proxy.set({ kind: 'swallow' });
    const payments = await payWhileOthersAreServed(many);
    worlds.proxy.set(undefined);
    await Promise.all(payments.map((payment, index) => endsExactly(payment, many[index]!)));
    await booksAgree();
  });
});
