/**
 * Any bytes that a peer sends (ILP-01, ILP-04, ILP-18, ILP-0035): the answer is a packet or an HTTP status, nothing is
 * thrown, no secret is revealed, and what was not fulfilled was not credited. The packets are made and read by the
 * codec of the conformance checks, which is independent of this one.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { decodePrepare, decodeReply, encodePrepare } from '../../../conformance/steps/ilp-packet.ts';
import {
  closeFrame,
  encodeStreamPacket,
  fulfillmentOf,
  moneyFrame,
  seal,
  sha256,
} from '../../../conformance/steps/stream-packet.ts';
import { createCredentials } from '../../../src/payments/ilp/credentials.ts';
import { createIlpOverHttpHandler } from '../../../src/payments/ilp/ilp-over-http.ts';
import { useTestDatabase } from '../../database/support/open.ts';
import fc from '../../support/fast-check.ts';
import {
  createIncomingPayment,
  EUR,
  prefixOf,
  readBalances,
  readIncomingPayment,
  secretOf,
  TestClock,
} from '../support/payment-rows.ts';
import { createTwoAses } from '../support/two-ases.ts';

const db = useTestDatabase();

const MAX_PACKET = 10n ** 6n;

/** An open incoming payment of marble, and packets that granite sends there. */
async function arrange() {
  const clock = new TestClock();
  const { granite, marble } = createTwoAses({ db, clock, maxPacketAmount: MAX_PACKET });
  const id = await createIncomingPayment(marble, { incomingAmount: undefined });
  const { ilpAddress, sharedSecret } = createCredentials([secretOf(marble.ase)], prefixOf(marble.ase), id);
  const received = async () => (await readIncomingPayment(marble, id)).receivedAmount;

  /** The answer to these bytes, read by the other codec. Fails if it tells anything secret. */
  async function give(bytes: Buffer) {
    const answer = await marble.connector.receive(granite.ase, EUR, bytes);
    for (const secret of [sharedSecret, Buffer.from(secretOf(marble.ase), 'base64')]) {
      assert.ok(!answer.includes(secret), 'the answer holds a secret');
      assert.ok(!answer.includes(secret.toString('base64url').slice(0, 20)), 'the answer holds a secret as text');
    }
    const reply = decodeReply(answer);
    if (reply.kind === 'reject') {
      assert.match(reply.code, /^[FTR][0-9]{2}$/);
      assert.equal(reply.triggeredBy, prefixOf(marble.ase));
    }
    return reply;
  }

  function makePacket(amount: bigint, plain: Buffer, destination = ilpAddress): Buffer {
    const data = seal(sharedSecret, plain);
    const condition = sha256(fulfillmentOf(sharedSecret, data));
    return encodePrepare({ amount, expiresAt: new Date(clock.wall + 30_000), condition, destination, data });
  }
  const money = (amount: bigint, minimum = amount) =>
    makePacket(amount, encodeStreamPacket({ type: 12, sequence: 1n, prepareAmount: minimum, frames: [moneyFrame(1)] }));

  return { clock, granite, marble, ilpAddress, sharedSecret, give, received, makePacket, money };
}

const bytes = fc.uint8Array({ maxLength: 400 }).map((array) => Buffer.from(array));
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

describe('a hostile peer', () => {
  it('gets a Reject for any bytes, in a Prepare or not', async () => {
    const { give, received, makePacket, ilpAddress, clock } = await arrange();
    const garbage = fc.oneof(
      bytes,
      bytes.map((rest) => Buffer.concat([Buffer.of(12), rest])),
      // A good envelope around anything
      fc
        .record({ amount: uint64, condition: fc.uint8Array({ minLength: 32, maxLength: 32 }), data: bytes })
        .map((any) =>
          encodePrepare({
            amount: any.amount,
            condition: Buffer.from(any.condition),
            data: any.data,
            destination: ilpAddress,
            expiresAt: new Date(clock.wall + 30_000),
          }),
        ),
      fc.tuple(uint64, bytes).map(([amount, plain]) => makePacket(amount, Buffer.concat([Buffer.of(1, 13), plain]))),
    );
    await fc.assert(
      fc.asyncProperty(garbage, async (packet) => {
        assert.equal((await give(packet)).kind, 'reject');
      }),
      { numRuns: 300 },
    );
    assert.equal(await received(), 0n);
  });

  it('is credited exactly what is fulfilled, whatever the STREAM packet contains', async () => {
    const { give, received, makePacket, marble, granite } = await arrange();
    const frame = fc.oneof(
      fc.record({ type: fc.integer({ min: 0, max: 255 }), contents: bytes }),
      fc.constant(moneyFrame(1)),
      fc.constant(closeFrame(1, 'bye')),
    );
    let total = 0n;
    let fulfilled = 0;
    const sealed = fc.record({
      type: fc.oneof(
        { weight: 9, arbitrary: fc.constant(12) },
        { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }) },
      ),
      sequence: uint64,
      prepareAmount: fc.oneof(fc.bigInt({ min: 0n, max: 200n }), uint64),
      frames: fc.array(frame, { maxLength: 3 }),
    });
    const amounts = fc.oneof(
      { weight: 9, arbitrary: fc.bigInt({ min: 0n, max: 300n }) },
      { weight: 1, arbitrary: uint64 },
    );
    await fc.assert(
      fc.asyncProperty(amounts, sealed, async (amount, packet) => {
        const reply = await give(makePacket(amount, encodeStreamPacket(packet)));
        if (reply.kind === 'fulfill') {
          assert.equal(packet.type, 12);
          assert.ok(amount >= packet.prepareAmount && amount <= MAX_PACKET);
          total += amount;
          fulfilled += 1;
        }
        assert.equal(await received(), total);
      }),
      { numRuns: 150 },
    );
    assert.ok(fulfilled > 10, 'some of them were good');
    assert.equal((await readBalances(marble))[`peer:${granite.ase}:EUR:2`], -total);
  });

  it('changes any bit of a good packet: it is not fulfilled, unless that bit does not matter', async () => {
    const { give, received, money, ilpAddress } = await arrange();
    const before = decodePrepare(money(100n));
    let total = 0n;
    const outcomes = { fulfill: 0, reject: 0 };
    for (let bit = 0; bit < money(100n).length * 8; bit += 1) {
      const packet = money(100n);
      packet[bit >> 3]! ^= 1 << (bit & 7);
      const reply = await give(packet);
      outcomes[reply.kind] += 1;
      if (reply.kind === 'reject') continue;
      // More than the minimum, another moment of expiry: that is between the peers, and not sealed.
      const changed = decodePrepare(packet);
      assert.ok(changed.amount >= 100n, 'no less than the minimum');
      assert.equal(changed.destination, ilpAddress, 'to the same payment');
      assert.equal(changed.data.length, before.data.length);
      assert.ok(sha256(reply.fulfillment).equals(changed.condition));
      assert.ok(bit >> 3 < packet.indexOf(ilpAddress), 'in front of the address');
      total += changed.amount;
    }
    assert.equal(await received(), total);
    assert.ok(outcomes.reject > outcomes.fulfill && outcomes.fulfill > 0, JSON.stringify(outcomes));
  });

  it('repeats, reorders and mixes packets: each counts once', async () => {
    const { give, received, money } = await arrange();
    const packets = Array.from({ length: 6 }, (_, index) => money(BigInt(10 ** index)));
    const seen = new Set<number>();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(5), { minLength: 1, maxLength: 8 }), async (order) => {
        const replies = await Promise.all(order.map((index) => give(packets[index]!)));
        assert.ok(replies.every(({ kind }) => kind === 'fulfill'));
        for (const index of order) seen.add(index);
        assert.equal(
          await received(),
          [...seen].reduce((sum, index) => sum + BigInt(10 ** index), 0n),
        );
      }),
      { numRuns: 15 },
    );
  });

  it('sends anything over HTTP: the answer is a packet or a 4xx, and never a server error', async () => {
    const { granite, marble, money, received } = await arrange();
    const errors: unknown[] = [];
    const handler = createIlpOverHttpHandler({
      identify: (token) => (token === 'token-of-granite' ? granite.ase : undefined),
      receive: marble.connector.receive,
      onError: (error) => errors.push(error),
    });
    const server = createServer(handler);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      const good = money(5n);
      const spoilt = fc
        .tuple(fc.nat(good.length - 1), bytes)
        .map(([at, rest]) => Buffer.concat([good.subarray(0, at), rest]));
      const path = fc.oneof(
        fc.constantFrom(
          '/ilp/EUR/2',
          '/ilp/EUR/3',
          '/ilp/XTS/0',
          '/ilp/EUR/999',
          '/ilp//2',
          '/ilp/%00/2',
          '/ilp/EUR/2?x',
        ),
        fc.webPath().map((rest) => `/ilp${rest}`),
      );
      const token = fc.constantFrom('token-of-granite', 'token-of-granite', 'token-of-nobody');
      await fc.assert(
        fc.asyncProperty(fc.oneof(bytes, spoilt), path, token, async (body, target, bearer) => {
          const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/octet-stream' };
          const response = await fetch(origin + target, { method: 'POST', headers, body: new Uint8Array(body) });
          const answer = Buffer.from(await response.arrayBuffer());
          if (response.status === 200) assert.equal(decodeReply(answer).kind, 'reject');
          else assert.ok([400, 401, 404].includes(response.status), `${target} answered ${response.status}`);
        }),
        { numRuns: 200 },
      );
      assert.deepEqual(errors, []);
      assert.equal(await received(), 0n);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
