/** The packets of the STREAM sender: their amounts, sizes and contents, and the quotes they keep to. ILP-0029. */
import assert from 'node:assert/strict';
import type { Check } from '../../runner/check.ts';
import { balanceOf } from '../../steps/control.ts';
import { expectDelivered, withReceiver } from '../../steps/hosted-receiver.ts';
import { octetStream } from '../../steps/peer-ase.ts';
import { amountOf, createQuote } from '../../steps/scenarios.ts';
import { fulfillmentOf, sha256, streamType } from '../../steps/stream-packet.ts';

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
        const before = await balanceOf(context, context.sender.url);
        const paid = await pay(1_001n);
        await expectDelivered(arranged, paid, asset);
        assert.equal(
          before - (await balanceOf(context, context.sender.url)),
          BigInt(paid.quote.debitAmount.value),
          'as much was debited',
        );
        const { sharedSecret } = receiver.payment.methods[0];
        const sequences = new Set<bigint>();
        for (const packet of receiver.packets) {
          assert.ok(packet.amount <= 400n, 'no packet is larger than agreed');
          assert.equal(packet.path, `/ilp/${asset.assetCode}/${asset.assetScale}`);
          assert.equal(packet.headers['content-type'], octetStream);
          assert.equal(packet.stream.type, streamType.prepare);
          assert.equal(packet.stream.prepareAmount, packet.amount, 'no less may arrive');
          assert.ok(!sequences.has(packet.stream.sequence), 'a sequence is used once');
          sequences.add(packet.stream.sequence);
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
];
