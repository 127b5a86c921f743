/**
 * The STREAM receiver as a correct peer sees it: packets that are fulfilled, amounts announced and credited. ILP-0027,
 * ILP-0029.
 */
import assert from 'node:assert/strict';
import type { Check } from '../../runner/check.ts';
import { decodePrepare } from '../../steps/ilp-packet.ts';
import {
  credentialsOf,
  expectReject,
  outcomeOf,
  readCredentials,
  withIncomingPackets,
} from '../../steps/incoming-packets.ts';
import type { Answered } from '../../steps/peer-ase.ts';
import {
  completeIncomingPayment,
  createIncomingPayment,
  getIncomingPayment,
  incomingToken,
} from '../../steps/scenarios.ts';
import {
  closeFrame,
  fulfillmentOf,
  moneyFrame,
  NO_ERROR,
  readAssetDetails,
  readCloseCode,
  readMaxMoney,
  type StreamPacket,
  sha256,
} from '../../steps/stream-packet.ts';
import { inNewWorld } from '../../steps/world.ts';

/** The STREAM packet of an answer that must have one. */
function streamOf(answer: Answered): StreamPacket {
  assert.ok(answer.stream, `the answer (${outcomeOf(answer)}) holds a STREAM packet`);
  return answer.stream;
}

const count = (answers: readonly Answered[], outcome: string): number =>
  answers.filter((answer) => outcomeOf(answer) === outcome).length;

export const checks: readonly Check[] = [
  {
    id: 'interledger.credited',
    rows: ['ILP-01', 'ILP-02', 'ILP-03', 'ILP-04', 'ILP-05', 'ILP-13', 'ILP-18', 'SET-02', 'RS-IP-23'],
    title: 'a packet is fulfilled for its data, answered in STREAM, and credited when it is answered',
    run: async (context) => {
      const { assetCode, assetScale } = context.receiver;
      await withIncomingPackets(context, { value: 1000n }, async ({ peer, credentials, received, payment }) => {
        const secret = Buffer.from(credentials.sharedSecret, 'base64url');
        let total = 0n;
        for (const [sequence, amount] of [
          [1n, 300n],
          [256n, 0n],
          [255n, 1n],
          [2n ** 64n - 1n, 699n],
        ] as const) {
          const packet = peer.prepare(credentials, { amount, minimum: amount, sequence });
          const { data, condition } = decodePrepare(packet);
          const answer = await peer.give(credentials, packet);
          assert.ok(answer.kind === 'fulfill', `fulfilled, not ${outcomeOf(answer)}`);
          assert.ok(sha256(answer.fulfillment).equals(condition), 'the fulfillment is the preimage of the condition');
          assert.ok(answer.fulfillment.equals(fulfillmentOf(secret, data)), 'made of the secret and the data');
          const stream = streamOf(answer);
          assert.equal(stream.sequence, sequence, 'the sequence of the request');
          assert.equal(stream.prepareAmount, amount, 'what arrived');
          assert.deepEqual(readAssetDetails(stream), { assetCode, assetScale });
          total += amount;
          assert.equal(await received(), total, 'credited');
          assert.equal(await peer.balance(context.receiver), -total, 'and owed by the peer');
        }
        assert.equal((await getIncomingPayment(context, payment.id)).body.completed, true);
      });
    },
  },
  {
    id: 'interledger.frames',
    rows: ['ILP-04', 'ILP-05', 'ILP-06'],
    title:
      'irrelevant frames are ignored; a packet over the cap is answered with the maximum, which is never overstated',
    run: async (context) => {
      await withIncomingPackets(context, { value: 500n }, async ({ peer, credentials, received }) => {
        let highest = 0n;
        let total = 0n;
        for (const frames of [
          [],
          [moneyFrame(1), moneyFrame(3, 2n ** 64n - 1n)],
          [{ type: 0xee, contents: Buffer.from('of a later version') }, moneyFrame(1)],
          [{ type: 0x02, contents: Buffer.from([11, ...Buffer.from('test.sender')]) }, moneyFrame(1)],
          [{ type: 0x14, contents: Buffer.from([1, 1, 1, 0, 3, 1, 2, 3]) }, moneyFrame(1)],
        ]) {
          const answer = await peer.send(credentials, { amount: 100n, frames });
          assert.equal(outcomeOf(answer), 'fulfill');
          total += 100n;
          for (const { receiveMax, totalReceived } of readMaxMoney(streamOf(answer))) {
            assert.ok(totalReceived <= total, 'no more than was received');
            assert.equal(receiveMax - totalReceived, 500n - total, 'the room that is left');
            assert.ok(receiveMax >= highest, 'it never falls');
            highest = receiveMax;
          }
          if (total === 500n) continue;
          const over = await peer.send(credentials, { amount: 501n - total, frames: [moneyFrame(1), moneyFrame(3)] });
          expectReject(over, 'F99', credentials);
          const told = readMaxMoney(streamOf(over)).map((frame) => [frame.receiveMax, frame.totalReceived]);
          const room = [500n, total];
          assert.deepEqual(told, [room, room], 'a sender of too much learns the room, for each of its streams');
        }
        assert.equal(await received(), 500n);
      });
    },
  },
  {
    id: 'interledger.probe',
    rows: ['ILP-04', 'ILP-05', 'ILP-07', 'ILP-18', 'ILP-20'],
    title: 'a probe learns what would arrive and in which asset, and nothing is credited',
    run: async (context) => {
      const { assetCode, assetScale } = context.receiver;
      await withIncomingPackets(context, { value: 1000n }, async ({ peer, credentials, received }) => {
        for (const amount of [1n, 1000n, 0n]) {
          const condition = sha256(Buffer.from(`unknown ${amount}`));
          const answer = await peer.send(credentials, { amount, condition, sequence: 9n });
          expectReject(answer, 'F99', credentials);
          const stream = streamOf(answer);
          assert.deepEqual([stream.sequence, stream.prepareAmount], [9n, amount]);
          assert.deepEqual(readAssetDetails(stream), { assetCode, assetScale });
        }
        const empty = await peer.send(credentials, { amount: 0n });
        assert.equal(outcomeOf(empty), 'fulfill', 'a packet without money that can be fulfilled is');
        assert.equal(streamOf(empty).prepareAmount, 0n);
        assert.equal(await received(), 0n);
        assert.equal(await peer.balance(context.receiver), 0n);
      });
    },
  },
  {
    id: 'interledger.close',
    rows: ['ILP-20', 'ILP-04'],
    title: 'a connection that its client closes is closed in return, without money and without an error',
    run: async (context) => {
      await withIncomingPackets(context, { value: 1000n }, async ({ peer, credentials, received }) => {
        for (const amount of [0n, 100n]) {
          const answer = await peer.send(credentials, { amount, frames: [closeFrame(NO_ERROR, 'bye')], sequence: 5n });
          expectReject(answer, 'F99', credentials);
          const stream = streamOf(answer);
          assert.equal(readCloseCode(stream), NO_ERROR);
          assert.deepEqual([stream.sequence, stream.prepareAmount], [5n, amount]);
        }
        assert.equal(await received(), 0n);
        assert.equal(outcomeOf(await peer.send(credentials, { amount: 1n })), 'fulfill', 'the payment is open still');
      });
    },
  },
  {
    id: 'interledger.minimum',
    rows: ['ILP-08', 'ILP-04'],
    title: 'a packet that delivers a unit less than its minimum is refused',
    run: async (context) => {
      await withIncomingPackets(context, { value: 1000n }, async ({ peer, credentials, received }) => {
        for (const [amount, minimum] of [
          [99n, 100n],
          [0n, 1n],
          [1n, 2n ** 64n - 1n],
        ] as const) {
          const answer = await peer.send(credentials, { amount, minimum });
          expectReject(answer, 'F99', credentials);
          assert.equal(streamOf(answer).prepareAmount, amount);
        }
        assert.equal(await received(), 0n);
        assert.equal(outcomeOf(await peer.send(credentials, { amount: 100n, minimum: 100n })), 'fulfill');
      });
    },
  },
  {
    id: 'interledger.cap',
    rows: ['ILP-19', 'RS-IP-13', 'RS-IP-24'],
    title: 'the incoming amount is a limit over all connections, reached exactly, whatever arrives at once',
    run: async (context) => {
      await withIncomingPackets(context, { value: 100n }, async ({ peer, payment, credentials, received }) => {
        const connections = [credentials, await readCredentials(context, payment)];
        const burst = Array.from({ length: 8 }, (_, index) =>
          peer.send(connections[index % 2]!, { amount: 30n, sequence: BigInt(index) }),
        );
        const answers = await Promise.all(burst);
        assert.deepEqual([count(answers, 'fulfill'), count(answers, 'F99')], [3, 5], 'what does not fit is refused');
        assert.equal(await received(), 90n);
        expectReject(await peer.send(connections[1]!, { amount: 11n }), 'F99', credentials);
        assert.equal(outcomeOf(await peer.send(connections[0]!, { amount: 10n })), 'fulfill');
        const { body } = await getIncomingPayment(context, payment.id);
        assert.deepEqual([body.completed, body.receivedAmount.value], [true, '100']);
        for (const connection of connections) {
          expectReject(await peer.send(connection, { amount: 1n }), 'F02', credentials);
        }
        assert.equal(await peer.balance(context.receiver), -100n);
      });
    },
  },
  {
    id: 'interledger.completed',
    rows: ['ILP-07', 'ILP-19', 'ILP-20'],
    title: 'money to a completed payment is refused for good; without money its connections still answer',
    run: async (context) => {
      await withIncomingPackets(context, {}, async ({ peer, payment, credentials, received }) => {
        const before = peer.prepare(credentials, { amount: 50n });
        assert.equal(outcomeOf(await peer.give(credentials, before)), 'fulfill');
        const { bytes } = await peer.post(before);
        await completeIncomingPayment(context, payment.id);
        expectReject(await peer.send(credentials, { amount: 1n }), 'F02', credentials);
        assert.equal(outcomeOf(await peer.send(credentials, { amount: 0n })), 'fulfill');
        const closing = await peer.send(credentials, { frames: [closeFrame(NO_ERROR)] });
        assert.equal(readCloseCode(streamOf(closing)), NO_ERROR);
        assert.ok((await peer.post(before)).bytes.equals(bytes), 'what was accepted stays so');
        assert.equal(await received(), 50n);
      });
    },
  },
  {
    id: 'interledger.payment-expiry',
    rows: ['ILP-07', 'ILP-19', 'RS-IP-34'],
    title: 'money to an expired payment is refused, over any connection, and what arrived before stays',
    run: async (context) => {
      await inNewWorld(context, {}, async (world) => {
        await withIncomingPackets(world, {}, async ({ peer, payment, credentials, received }) => {
          const second = await readCredentials(world, payment);
          assert.equal(outcomeOf(await peer.send(credentials, { amount: 40n })), 'fulfill');
          await world.control.setClock(payment.expiresAt);
          for (const connection of [credentials, second]) {
            expectReject(await peer.send(connection, { amount: 1n }), 'F02', credentials);
            assert.equal(outcomeOf(await peer.send(connection, { amount: 0n })), 'fulfill');
          }
          assert.equal(await received(), 40n);
        });
      });
    },
  },
  {
    id: 'interledger.credentials',
    rows: ['ILP-09', 'ILP-15', 'ILP-16', 'RS-IP-13'],
    title: 'all issued credentials keep working after a new secret; no two payments share any',
    run: async (context) => {
      await withIncomingPackets(context, {}, async ({ peer, payment, credentials, received }) => {
        const others = await Promise.all([1, 2, 3].map(() => createIncomingPayment(context)));
        const known = new Set<string>();
        for (const { ilpAddress, sharedSecret } of [credentials, ...others.map(credentialsOf)]) {
          assert.match(ilpAddress, /^test[1-3]?([.][A-Za-z0-9_~-]+)+$/);
          assert.ok(ilpAddress.length <= 1023);
          assert.equal(Buffer.from(sharedSecret, 'base64url').length, 32);
          assert.ok(!known.has(ilpAddress) && !known.has(sharedSecret), 'address and secret are fresh');
          known.add(ilpAddress).add(sharedSecret);
          assert.ok(!ilpAddress.includes(payment.id.split('/').at(-1)), 'the address does not reveal the payment');
        }
        const issued = [credentials, await readCredentials(context, payment)];
        assert.equal((await context.control.request('POST', `${peer.ase}/secrets`)).status, 201);
        issued.push(await readCredentials(context, payment));
        assert.ok(issued[2]!.ilpAddress !== credentials.ilpAddress, 'the new secret makes new ones');
        for (const one of issued) assert.equal(outcomeOf(await peer.send(one, { amount: 7n })), 'fulfill');
        assert.equal(await received(), 21n);
        for (const other of others) assert.equal(await received(other), 0n);
      });
    },
  },
  {
    id: 'interledger.repeated',
    rows: ['ILP-18', 'ILP-17', 'SET-02'],
    title: 'a repeated packet gets the same answer and counts once: at the same time, later or after its expiry',
    run: async (context) => {
      await withIncomingPackets(context, { value: 1000n }, async ({ peer, credentials, received }) => {
        const packet = peer.prepare(credentials, { amount: 100n, expiresAt: new Date(Date.now() + 3_000) });
        const together = await Promise.all(Array.from({ length: 6 }, () => peer.post(packet)));
        const [first] = together;
        for (const { status, bytes } of together) {
          assert.equal(status, 200);
          assert.ok(bytes.equals(first!.bytes), 'the same answer, byte for byte');
        }
        assert.equal(outcomeOf(await peer.give(credentials, packet)), 'fulfill');
        const { amount, ...same } = decodePrepare(packet);
        const larger = await peer.send(credentials, { ...same, amount: amount + 1n });
        expectReject(larger, /^F/, credentials);
        await new Promise((resolve) => setTimeout(resolve, same.expiresAt.getTime() - Date.now() + 10));
        assert.ok((await peer.post(packet)).bytes.equals(first!.bytes), 'also when it has expired');
        assert.equal(await received(), 100n);
        assert.equal(await peer.balance(context.receiver), -100n);
      });
    },
  },
  {
    id: 'interledger.large-amounts',
    rows: ['ILP-04', 'ILP-19', 'RS-IP-24'],
    title: 'an amount of 2^64 − 1 arrives exactly, and one unit more is refused',
    run: async (context) => {
      await inNewWorld(context, {}, async (world) => {
        await incomingToken(world);
        await withIncomingPackets(world, {}, async ({ peer, credentials, received }) => {
          const amount = 2n ** 64n - 1n;
          const answer = await peer.send(credentials, { amount, minimum: amount });
          assert.equal(outcomeOf(answer), 'fulfill');
          assert.equal(streamOf(answer).prepareAmount, amount);
          for (const more of [1n, amount]) {
            expectReject(await peer.send(credentials, { amount: more }), 'F99', credentials);
          }
          assert.equal(await received(), amount);
          assert.equal(await peer.balance(world.receiver), -amount);
        });
      });
    },
  },
];
