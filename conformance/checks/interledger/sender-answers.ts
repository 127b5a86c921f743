/** The STREAM sender when the peer refuses, lies, repeats, stays silent or closes the payment. ILP-0029. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Check } from '../../runner/check.ts';
import { balanceOf } from '../../steps/control.ts';
import { expectDelivered, withReceiver } from '../../steps/hosted-receiver.ts';
import { pause } from '../../steps/scenarios.ts';
import type { Json } from '../../steps/signed-client.ts';
import { fulfillmentOf } from '../../steps/stream-packet.ts';

const equalTo = (first: Buffer) => (other: Buffer) => first.equals(other);

export const checks: readonly Check[] = [
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
        // The second packet and the third are in flight at once.
        const sent = receiver.packets.map(({ bytes }) => bytes);
        assert.equal(sent.length, 4);
        assert.ok(sent[1]!.equals(sent[3]!), 'the same packet again');
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
        const ofPayment = `${peer.ase}/outgoing-payments/${new URL(payment.id).pathname.split('/').at(-1)}`;
        const attemptsOfPayment = async (): Promise<number> =>
          (await context.control.request('GET', ofPayment)).body.attempts;
        // A sender that repeats packets does so with its second attempt.
        for (const end = Date.now() + 15_000; (await attemptsOfPayment()) < 2 && Date.now() < end; ) await pause(25);
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
          const before = await balanceOf(context, context.sender.url);
          receiver.answer = (packet, n) => (n < 2 ? receiver.accept(packet) : receiver.refuse(code));
          const { quote, payment } = await pay(500n);
          const end = await settled(payment);
          const debit = BigInt(quote.debitAmount.value);
          const sent = BigInt(end.sentAmount.value);
          assert.equal(end.failed, true);
          assert.equal(sent, (debit * 200n + 499n) / 500n, 'in proportion to what arrived, rounded up');
          assert.equal(before - (await balanceOf(context, context.sender.url)), sent, 'the rest is the payer’s again');
          assert.equal(await peer.balance(context.receiver), 200n);
          assert.deepEqual(await settled(payment), end);
          const { length } = receiver.packets;
          assert.ok(length >= 3 && length <= 5, 'nothing is sent after that, apart from what is in flight');
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
          const { length } = receiver.packets;
          assert.ok(length >= 2 && length <= 4, 'nothing more came than was in flight');
        });
      }
    },
  },
];
