/** The STREAM sender against a receiver that the check controls: packets, retries, rates and proofs. ILP-0029. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Check, CheckContext } from '../../runner/check.ts';
import { type HostedReceiver, hostReceiver } from '../../steps/hosted-receiver.ts';
import { octetStream, type PeerAse, type PeerOptions, withPeer } from '../../steps/peer-ase.ts';
import { amountOf, createQuote, outgoingToken, pause, payQuote, waitUntilSettled } from '../../steps/scenarios.ts';
import type { Json } from '../../steps/signed-client.ts';
import { fulfillmentOf, sha256, streamType } from '../../steps/stream-packet.ts';

interface Arranged {
  readonly peer: PeerAse;
  readonly receiver: HostedReceiver;
  /** Quotes and pays this amount to the receiver. @returns both as they were created */
  pay(value: bigint): Promise<{ quote: Json; payment: Json }>;
  settled(payment: Json): Promise<Json>;
}

/** A receiver at a peer of the sender's ASE that expects `value`. */
async function withReceiver(
  context: CheckContext,
  options: Partial<PeerOptions>,
  work: (arranged: Arranged) => Promise<void>,
): Promise<void> {
  const terms = { asset: context.receiver, ...options };
  await withPeer(context, context.sender, terms, async (peer) => {
    const receiver = hostReceiver(peer, terms);
    const token = await outgoingToken(context);
    await work({
      peer,
      receiver,
      async pay(value) {
        const { assetCode, assetScale } = terms.asset;
        const receiveAmount = { value: String(value), assetCode, assetScale };
        const quote = await createQuote(context, receiver.url, { receiveAmount });
        return { quote, payment: await payQuote(context, quote.id, token) };
      },
      settled: ({ id }) => waitUntilSettled(context, id, token),
    });
  });
}

/** Asserts that the quoted amount was delivered exactly once, in the answers and in the books. */
async function expectDelivered(
  { peer, receiver, settled }: Arranged,
  paid: { quote: Json; payment: Json },
  asset: Json,
) {
  const { quote, payment } = paid;
  const end = await settled(payment);
  assert.deepEqual([end.failed, end.sentAmount], [false, quote.debitAmount]);
  assert.equal(String(receiver.total()), quote.receiveAmount.value, 'exactly what was quoted arrived');
  assert.equal(await peer.balance(asset), receiver.total(), 'the books know of it');
}

/** Balance of the wallet according to the control API. */
async function readBalance({ control, sender }: CheckContext): Promise<bigint> {
  const { ases } = (await control.request('GET', '/')).body;
  const wallets: Json[] = ases.flatMap(({ walletAddresses }: Json) => walletAddresses);
  return BigInt(wallets.find(({ url }) => url === sender.url).balance);
}

const equalTo = (first: Buffer) => (other: Buffer) => first.equals(other);

/** 16 bytes: the amount received and the maximum accepted. */
function limitData(received: bigint, maximum: bigint): Buffer {
  const data = Buffer.alloc(16);
  data.writeBigUInt64BE(received, 0);
  data.writeBigUInt64BE(maximum, 8);
  return data;
}

/** A decimal as a fraction. */
function parseDecimal(text: string): { numerator: bigint; denominator: bigint } {
  const [whole, fraction = ''] = text.split('.');
  return { numerator: BigInt(whole + fraction), denominator: 10n ** BigInt(fraction.length) };
}

export const checks: readonly Check[] = [
  {
    id: 'interledger.sends-as-quoted',
    rows: ['ILP-02', 'ILP-03', 'ILP-11', 'ILP-13', 'SET-07', 'RS-OP-16'],
    title: 'the quoted amount is sent in packets that only the receiver can fulfill, none larger than the peer accepts',
    run: async (context) => {
      const { receiver: asset } = context;
      await withReceiver(context, { maxPacketAmount: 400n }, async (arranged) => {
        const { peer, receiver, pay } = arranged;
        const before = await readBalance(context);
        const paid = await pay(1_001n);
        await expectDelivered(arranged, paid, asset);
        assert.equal(
          before - (await readBalance(context)),
          BigInt(paid.quote.debitAmount.value),
          'as much was debited',
        );
        const { sharedSecret } = receiver.payment.methods[0];
        let sequence = 0n;
        for (const packet of receiver.packets) {
          assert.ok(packet.amount <= 400n, 'no packet is larger than agreed');
          assert.equal(packet.path, `/ilp/${asset.assetCode}/${asset.assetScale}`);
          assert.equal(packet.headers['content-type'], octetStream);
          assert.equal(packet.stream.type, streamType.prepare);
          assert.equal(packet.stream.prepareAmount, packet.amount, 'no less may arrive');
          assert.ok(packet.stream.sequence > sequence, 'the sequence rises');
          sequence = packet.stream.sequence;
          const fulfillment = fulfillmentOf(Buffer.from(sharedSecret, 'base64url'), packet.data);
          assert.ok(sha256(fulfillment).equals(packet.condition), 'the receiver can fulfill it');
          assert.ok(packet.expiresAt.getTime() > Date.now(), 'it has a while to do so');
        }
        assert.equal(receiver.packets.length, 3, 'as few packets as it takes');
        assert.equal(await peer.balance(asset), 1_001n);
      });
    },
  },
  {
    id: 'interledger.quotes-exactly',
    rows: ['ILP-11', 'SET-03', 'SET-04', 'SET-10'],
    title: 'a quote is the exact conversion, without slippage, in every scale',
    run: async (context) => {
      const { sender, control } = context;
      for (const asset of [context.receiver, { assetCode: sender.assetCode, assetScale: 9 }]) {
        await withReceiver(context, { asset }, async ({ peer, receiver }) => {
          const { prices } = (await control.request('GET', `${peer.ase}/prices`)).body;
          const priceOf = (code: string) => parseDecimal(asset.assetCode === sender.assetCode ? '1' : prices[code]);
          const [from, to] = [priceOf(sender.assetCode), priceOf(asset.assetCode)];
          const up = from.numerator * to.denominator * 10n ** BigInt(asset.assetScale);
          const down = from.denominator * to.numerator * 10n ** BigInt(sender.assetScale);
          for (const value of [2n, 3n, 99n, 12_345n, 999_999_999n, 10n ** 17n + 7n]) {
            if ((value * up) / down > 2n ** 64n - 1n) continue;
            const send = await createQuote(context, receiver.url, { debitAmount: amountOf(sender, String(value)) });
            assert.equal(send.receiveAmount.value, String((value * up) / down), `${value} sent, rounded down`);
            assert.equal(send.debitAmount.value, String(value));
            const receiveAmount = { value: String(value), assetCode: asset.assetCode, assetScale: asset.assetScale };
            const receive = await createQuote(context, receiver.url, { receiveAmount });
            assert.equal(
              receive.debitAmount.value,
              String((value * down + up - 1n) / up),
              `${value} received, rounded up`,
            );
            assert.deepEqual(receive.receiveAmount, receiveAmount);
          }
        });
      }
    },
  },
  {
    id: 'interledger.sender-shrinks',
    rows: ['ILP-11', 'ILP-12'],
    title: 'packets that are too large for the receiver become smaller, and the same amount arrives',
    run: async (context) => {
      for (const data of [limitData(1000n, 250n), limitData(7n, 7n), Buffer.alloc(0), Buffer.alloc(3)]) {
        await withReceiver(context, {}, async (arranged) => {
          const { receiver, pay } = arranged;
          receiver.answer = (packet) =>
            packet.amount > 250n ? receiver.refuse('F08', { data }) : receiver.accept(packet);
          await expectDelivered(arranged, await pay(1_000n), context.receiver);
          assert.equal(receiver.packets.filter(({ amount }) => amount <= 250n).length, 4);
        });
      }
      // The sender does not shrink packets unit by unit for a peer with a false maximum.
      await withReceiver(context, {}, async ({ receiver, pay, settled }) => {
        receiver.answer = ({ amount }) => receiver.refuse('F08', { data: limitData(amount, amount - 1n) });
        const end = await settled((await pay(100_000n)).payment);
        assert.deepEqual([end.failed, end.sentAmount.value], [true, '0']);
        assert.ok(
          receiver.packets.length > 1 && receiver.packets.length <= 64,
          `${receiver.packets.length} packets for nothing`,
        );
      });
    },
  },
  {
    id: 'interledger.sender-gives-up-tiny-packets',
    rows: ['ILP-12', 'ILP-22'],
    title: 'a payment that would take too many packets is not quoted, and fails if the peer makes it so',
    run: async (context) => {
      const { sender, receiver: to } = context;
      await withReceiver(context, { maxPacketAmount: 1n }, async ({ receiver }) => {
        const quote = (value: bigint) =>
          createQuote(context, receiver.url, {
            receiveAmount: { value: String(value), assetCode: to.assetCode, assetScale: to.assetScale },
          });
        assert.equal((await quote(1_000n)).receiveAmount.value, '1000');
        await assert.rejects(quote(1_001n), `more packets than a payment from ${sender.assetCode} may take`);
      });
      const asset = { assetCode: sender.assetCode, assetScale: 9 };
      await withReceiver(context, { asset, maxPacketAmount: 100n }, async ({ receiver }) => {
        const receiveAmount = { ...asset, value: String(10n ** 9n) };
        const quote = await createQuote(context, receiver.url, { receiveAmount });
        assert.deepEqual(quote.receiveAmount, receiveAmount, 'the maximum is a value, whatever the scale');
      });
      await withReceiver(context, {}, async ({ receiver, pay, settled }) => {
        receiver.answer = ({ amount }) => receiver.refuse('F08', { data: limitData(amount, 1n) });
        const end = await settled((await pay(100_000n)).payment);
        assert.deepEqual([end.failed, end.sentAmount.value], [true, '0']);
        assert.equal(receiver.packets.length, 1);
      });
    },
  },
  {
    id: 'interledger.sender-not-deceived',
    rows: ['ILP-02', 'ILP-12', 'SET-07'],
    title: 'an answer without proof is ignored: the same packet is sent until one arrives, and counts once',
    run: async (context) => {
      await withReceiver(context, { maxPacketAmount: 100n }, async ({ receiver, peer, pay, settled }) => {
        const lies = [
          { kind: 'fulfill', fulfillment: randomBytes(32), data: Buffer.alloc(0) } as const,
          Buffer.from('no packet'),
          500,
        ];
        receiver.answer = (packet, n) => lies[n] ?? receiver.accept(packet);
        const { quote, payment } = await pay(150n);
        const end = await settled(payment);
        assert.deepEqual([end.failed, end.sentAmount], [false, quote.debitAmount]);
        assert.equal(receiver.total(), 150n, 'exactly what was quoted arrived');
        const [first, ...rest] = receiver.packets.map(({ bytes }) => bytes);
        assert.ok(rest.slice(0, lies.length).every(equalTo(first!)), 'the same bytes each time');
        assert.ok(
          rest.slice(lies.length).every((bytes) => !bytes.equals(first!)),
          'until there was an answer',
        );
        assert.equal(await peer.balance(context.receiver), 150n);
      });
    },
  },
  {
    id: 'interledger.sender-believes-the-link',
    rows: ['ILP-12', 'ILP-21'],
    title: 'a Reject on the link is the answer of the peer, whichever node triggered it',
    run: async (context) => {
      await withReceiver(context, {}, async ({ receiver, peer, pay, settled }) => {
        for (const triggeredBy of [`${peer.prefix}.behind`, 'test.somebody.else', '']) {
          receiver.answer = () => receiver.refuse('F02', { triggeredBy });
          const end = await settled((await pay(100n)).payment);
          assert.deepEqual([end.failed, end.sentAmount.value], [true, '0'], `triggered by "${triggeredBy}"`);
        }
        assert.equal(receiver.packets.length, 3, 'one packet each');
      });
    },
  },
  {
    id: 'interledger.sender-believes-the-fulfillment',
    rows: ['ILP-11', 'ILP-12'],
    title: 'a fulfillment proves the whole packet, whatever amount the reply claims',
    run: async (context) => {
      await withReceiver(context, { maxPacketAmount: 100n }, async (arranged) => {
        const { receiver, pay } = arranged;
        const told = [0n, 1n, 2n ** 64n - 1n];
        receiver.answer = (packet, n) => receiver.accept(packet, told[n]);
        await expectDelivered(arranged, await pay(300n), context.receiver);
        assert.equal(receiver.packets.length, 3);
      });
    },
  },
  {
    id: 'interledger.sender-answer-lost',
    rows: ['ILP-12', 'ILP-18', 'SET-07'],
    title: 'a packet whose answer is lost is sent again unchanged; only R00 releases its money for another',
    run: async (context) => {
      await withReceiver(context, { maxPacketAmount: 100n }, async (arranged) => {
        const { receiver, pay } = arranged;
        // The packet is accepted but the answer is lost; the copy gets the same answer.
        receiver.answer = (packet, n) => {
          const answer = receiver.accept(packet);
          return n === 1 ? 'vanish' : answer;
        };
        await expectDelivered(arranged, await pay(300n), context.receiver);
        const sent = receiver.packets.map(({ bytes }) => bytes);
        assert.equal(sent.length, 4);
        assert.ok(sent[1]!.equals(sent[2]!), 'the same packet again');
      });
      await withReceiver(context, {}, async (arranged) => {
        const { receiver, pay } = arranged;
        // The outcome of an expired packet is unknown. A copy may overtake other rejects, but not R00.
        const answers = ['vanish', receiver.refuse('F99'), receiver.refuse('R00')] as const;
        receiver.answer = (packet, n) => answers[n] ?? receiver.accept(packet);
        await expectDelivered(arranged, await pay(70n), context.receiver);
        const [first, second, third, fourth] = receiver.packets.map(({ bytes }) => bytes);
        assert.ok([second!, third!].every(equalTo(first!)), 'the same packet until its fate is known');
        assert.ok(!fourth!.equals(first!), 'then another one');
      });
    },
  },
  {
    id: 'interledger.sender-sends-once',
    rows: ['ILP-18'],
    title: 'a packet to a peer that may deliver copies is sent only once; without an answer it stays in doubt',
    run: async (context) => {
      await withReceiver(context, { answersRepeats: false }, async ({ peer, receiver, pay, settled }) => {
        receiver.answer = (packet) => {
          receiver.accept(packet);
          return 'vanish';
        };
        const { payment } = await pay(70n);
        for (const end = Date.now() + 5_000; receiver.packets.length === 0 && Date.now() < end; ) await pause(25);
        // A sender that repeats packets does so in less than a second.
        for (const end = Date.now() + 1_000; receiver.packets.length === 1 && Date.now() < end; ) await pause(25);
        const { packets } = (await context.control.request('GET', `${peer.ase}/packets-in-doubt?first=100`)).body;
        const inDoubt = packets.find((candidate: Json) => candidate.peer === peer.name);
        assert.deepEqual([receiver.packets.length, inDoubt?.amount], [1, '70']);
        const secret = Buffer.from(receiver.payment.methods[0].sharedSecret, 'base64url');
        const fulfillment = fulfillmentOf(secret, receiver.packets[0]!.data).toString('base64url');
        const path = `${peer.ase}/packets-in-doubt/${inDoubt.payment}/${inDoubt.condition}`;
        assert.equal((await context.control.request('POST', path, { fate: 'fulfilled', fulfillment })).status, 200);
        const { failed } = await settled(payment);
        assert.deepEqual([failed, receiver.packets.length, receiver.total()], [false, 1, 70n]);
      });
    },
  },
  {
    id: 'interledger.sender-refused',
    rows: ['ILP-12', 'SET-07', 'SET-09', 'SET-12', 'RS-OP-18', 'RS-OP-31'],
    title: 'a final reject ends the payment with the amount sent so far; the payer keeps the rest',
    run: async (context) => {
      for (const code of ['F02', 'F99', 'F05']) {
        await withReceiver(context, { maxPacketAmount: 100n }, async ({ peer, receiver, pay, settled }) => {
          const before = await readBalance(context);
          receiver.answer = (packet, n) => (n < 2 ? receiver.accept(packet) : receiver.refuse(code));
          const { quote, payment } = await pay(500n);
          const end = await settled(payment);
          const debit = BigInt(quote.debitAmount.value);
          const sent = BigInt(end.sentAmount.value);
          assert.equal(end.failed, true);
          assert.equal(sent, (debit * 200n + 499n) / 500n, 'in proportion to what arrived, rounded up');
          assert.equal(before - (await readBalance(context)), sent, 'the rest is the payer’s again');
          assert.equal(await peer.balance(context.receiver), 200n);
          assert.deepEqual(await settled(payment), end);
          assert.equal(receiver.packets.length, 3, 'nothing is sent after that');
        });
      }
    },
  },
  {
    id: 'interledger.sender-tries-again',
    rows: ['ILP-11', 'SET-01', 'RS-OP-29'],
    title: 'temporary errors do not end a payment',
    run: async (context) => {
      for (const code of ['T00', 'T04', 'R00', 'R01']) {
        await withReceiver(context, {}, async (arranged) => {
          const { receiver, pay } = arranged;
          receiver.answer = (packet, n) => {
            receiver.status = n === 0 ? 503 : undefined;
            if (n === 0) setTimeout(() => Object.assign(receiver, { status: undefined }), 300).unref();
            return n === 0 ? receiver.refuse(code) : receiver.accept(packet);
          };
          await expectDelivered(arranged, await pay(80n), context.receiver);
          const [first, second] = receiver.packets;
          assert.equal(receiver.packets.length, 2);
          assert.ok(!first!.condition.equals(second!.condition), 'a new packet, for the first is known to be dead');
        });
      }
    },
  },
  {
    id: 'interledger.sender-stops',
    rows: ['ILP-12', 'RS-OP-18'],
    title: 'nothing more is sent to a receiver that is completed, full or now in another asset',
    run: async (context) => {
      const { assetCode, assetScale } = context.receiver;
      const amount = (value: string) => ({ value, assetCode, assetScale });
      for (const change of [
        { completed: true, methods: [] },
        { incomingAmount: amount('150') },
        { receivedAmount: { ...amount('100'), assetCode: 'XTS' } },
        { methods: [{ type: 'ilp', ilpAddress: 'test.nowhere.abc', sharedSecret: 'A'.repeat(43) }] },
      ]) {
        await withReceiver(context, { maxPacketAmount: 100n }, async ({ receiver, pay, settled }) => {
          receiver.answer = (packet, n) => {
            if (n === 0) return receiver.accept(packet);
            Object.assign(receiver.payment, change);
            return receiver.refuse('T00');
          };
          const { quote, payment } = await pay(310n);
          const end = await settled(payment);
          assert.deepEqual([end.failed, receiver.total()], [true, 100n]);
          assert.equal(BigInt(end.sentAmount.value), (BigInt(quote.debitAmount.value) * 100n + 309n) / 310n);
          assert.equal(receiver.packets.length, 2, 'nothing more came');
        });
      }
    },
  },
];
