/**
 * STREAM: our receiver paid by the client of ilp-protocol-stream, our sender paying its server, and single packets
 * (ILP-01…ILP-08, ILP-17…ILP-20).
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import {
  deserializeIlpPrepare,
  deserializeIlpReply,
  isFulfill,
  serializeIlpFulfill,
  serializeIlpPrepare,
} from 'ilp-packet';
import { createConnection, createServer } from 'ilp-protocol-stream';
import { generateFulfillmentKey, generatePskEncryptionKey, hmac } from 'ilp-protocol-stream/dist/src/crypto.js';
import {
  ConnectionAssetDetailsFrame,
  ConnectionCloseFrame,
  type Frame,
  FrameType,
  IlpPacketType,
  Packet,
  StreamMoneyFrame,
} from 'ilp-protocol-stream/dist/src/packet.js';
import { WorldClock } from '../../../src/clock.ts';
import { createConnector } from '../../../src/payments/ilp/connector.ts';
import { createCredentials } from '../../../src/payments/ilp/credentials.ts';
import type { Link } from '../../../src/payments/ilp/link.ts';
import { createOutgoingPaymentWorker } from '../../../src/payments/outgoing/worker.ts';
import { useTestDatabase } from '../../database/support/open.ts';
import {
  createIncomingPayment,
  createOutgoingPayment,
  EUR,
  type IncomingPaymentOptions,
  prefixOf,
  readBalances,
  readIncomingPayment,
  readOutgoingPayment,
  secretOf,
  TestClock,
  USD,
} from '../support/payment-rows.ts';
import { createTwoAses } from '../support/two-ases.ts';

const db = useTestDatabase();

type DataHandler = (data: Buffer) => Promise<Buffer>;

/** A ledger plugin as ilp-protocol-stream wants one; asked for its configuration (IL-DCP), it has an address in EUR. */
function createPlugin(address: string, send: DataHandler) {
  const octets = (text: string) => Buffer.concat([Buffer.of(text.length), Buffer.from(text)]);
  const configuration = Buffer.concat([octets(address), Buffer.of(EUR.scale), octets(EUR.code)]);
  const plugin = {
    handler: undefined as DataHandler | undefined,
    connect: async () => {},
    disconnect: async () => {},
    isConnected: () => true,
    registerDataHandler(handler: DataHandler) {
      plugin.handler = handler;
    },
    deregisterDataHandler() {
      plugin.handler = undefined;
    },
    sendData: async (data: Buffer) =>
      deserializeIlpPrepare(data).destination === 'peer.config'
        ? serializeIlpFulfill({ fulfillment: Buffer.alloc(32), data: configuration })
        : send(data),
  };
  return plugin;
}

describe('the receiver', () => {
  it('is paid by the client of ilp-protocol-stream, in several packets', async () => {
    const { granite, marble } = createTwoAses({ db, clock: new WorldClock(), maxPacketAmount: 400n });
    const id = await createIncomingPayment(marble, { incomingAmount: 1_000n });
    const { ilpAddress, sharedSecret } = createCredentials([secretOf(marble.ase)], prefixOf(marble.ase), id);
    let packets = 0;
    const plugin = createPlugin('test.payer', (data) => {
      packets += 1;
      return marble.connector.receive(granite.ase, EUR, data);
    });
    const connection = await createConnection({ plugin, destinationAccount: ilpAddress, sharedSecret });
    const stream = connection.createStream();
    await stream.sendTotal(1_000);
    assert.equal(connection.destinationAssetCode, 'EUR');
    assert.equal(connection.destinationAssetScale, 2);
    assert.equal(connection.totalDelivered, '1000');
    await connection.end();
    const payment = await readIncomingPayment(marble, id);
    assert.deepEqual([payment.receivedAmount, payment.completed], [1_000n, true]);
    assert.equal((await readBalances(marble))[`peer:${granite.ase}:EUR:2`], -1_000n);
    assert.ok(packets >= 4);
  });
});

describe('the sender', () => {
  it('pays the server of ilp-protocol-stream, in several packets', async () => {
    const plugin = createPlugin('test.other', async () => Buffer.alloc(0));
    const server = await createServer({ plugin });
    let received = 0n;
    server.on('connection', (connection) =>
      connection.on(
        'stream',
        (stream: { setReceiveMax(max: number): void; on(event: 'money', on: (m: string) => void): void }) => {
          stream.setReceiveMax(1e9);
          stream.on('money', (amount) => {
            received += BigInt(amount);
          });
        },
      ),
    );
    const { destinationAccount, sharedSecret } = server.generateAddressAndSecret();
    const link: Link = { send: (_asset, prepare) => plugin.handler!(prepare) };
    const place = { ase: 'lone', db, asset: USD };
    const clock = new WorldClock();
    const connector = createConnector({
      ...place,
      clock,
      prefix: 'test.lone',
      secrets: () => [secretOf('lone')],
      peers: () => [{ name: 'other', prefix: 'test.other', maxPacketAmount: 400n, link }],
    });
    const worker = createOutgoingPaymentWorker({
      ...place,
      clock,
      connector,
      readReceiver: async (url) => ({
        url,
        asset: EUR,
        receivedAmount: 0n,
        completed: false,
        ilp: { address: destinationAccount, sharedSecret },
      }),
    });
    const amounts = { debitAmount: 1_100n, receiveAmount: 1_000n, receiveAsset: EUR };
    const { id } = await createOutgoingPayment(place, { ...amounts, receiver: 'https://other.example/1' });
    assert.equal(await worker.processNow(id), 'completed');
    assert.equal(received, 1_000n);
    assert.equal((await readOutgoingPayment(place, id)).sentAmount, 1_100n);
    await server.close();
  });
});

interface PacketOptions {
  readonly amount?: bigint;
  readonly minimum?: bigint;
  readonly type?: number;
  readonly frames?: Frame[];
  readonly unfulfillable?: boolean;
  readonly secret?: Buffer;
  readonly destination?: string;
  readonly expiresAt?: number;
}

/** An incoming payment, and packets to it made with the primitives of ilp-protocol-stream. */
async function arrange(incoming: IncomingPaymentOptions = {}) {
  const clock = new TestClock();
  const { granite, marble } = createTwoAses({ db, clock });
  const id = await createIncomingPayment(marble, { incomingAmount: 1_000n, ...incoming });
  const { ilpAddress, sharedSecret } = createCredentials([secretOf(marble.ase)], prefixOf(marble.ase), id);

  async function makePacket(options: PacketOptions = {}): Promise<Buffer> {
    const { amount = 100n, minimum = 0n, type = IlpPacketType.Prepare, secret = sharedSecret } = options;
    const packet = new Packet(7, type, `${minimum}`, options.frames ?? [new StreamMoneyFrame(1, 1)]);
    const data = await packet.serializeAndEncrypt(await generatePskEncryptionKey(secret));
    const fulfillment = await hmac(await generateFulfillmentKey(secret), data);
    return serializeIlpPrepare({
      amount: `${amount}`,
      executionCondition: options.unfulfillable ? randomBytes(32) : createHash('sha256').update(fulfillment).digest(),
      expiresAt: new Date(options.expiresAt ?? clock.wall + 30_000),
      destination: options.destination ?? ilpAddress,
      data,
    });
  }

  /** The answer: `fulfilled` or the error code, and the STREAM reply if it has one. */
  async function give(packet: Buffer, asset = EUR) {
    const reply = deserializeIlpReply(await marble.connector.receive(granite.ase, asset, packet));
    const stream = reply.data.length
      ? await Packet.decryptAndDeserialize(await generatePskEncryptionKey(sharedSecret), reply.data)
      : undefined;
    if (!isFulfill(reply)) assert.equal(reply.triggeredBy, prefixOf(marble.ase));
    return { outcome: isFulfill(reply) ? 'fulfilled' : reply.code, stream };
  }

  const received = async () => (await readIncomingPayment(marble, id)).receivedAmount;
  return { clock, granite, marble, id, makePacket, give, received };
}

describe('a packet', () => {
  it('is fulfilled and credited; the reply has its sequence, its amount and the asset', async () => {
    const { makePacket, give, received } = await arrange();
    const { outcome, stream } = await give(await makePacket({ minimum: 100n }));
    assert.equal(outcome, 'fulfilled');
    assert.equal(stream?.sequence.toString(), '7');
    assert.equal(stream?.prepareAmount.toString(), '100');
    assert.equal(stream?.ilpPacketType, IlpPacketType.Fulfill);
    const details = stream?.frames.find((frame) => frame.type === FrameType.ConnectionAssetDetails);
    assert.deepEqual(details, new ConnectionAssetDetailsFrame('EUR', 2));
    assert.equal(await received(), 100n);
  });

  const refusals: [name: string, code: string, options: PacketOptions][] = [
    ['for another ASE', 'F02', { destination: 'test.elsewhere.abc' }],
    [
      'with a token that we did not make',
      'F06',
      { destination: 'MARBLE.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' },
    ],
    ['encrypted with another secret', 'F06', { secret: randomBytes(32) }],
    ['that holds a STREAM packet of another type', 'F00', { type: IlpPacketType.Fulfill }],
    ['that brings less than its minimum', 'F99', { minimum: 101n }],
    ['whose condition can not be fulfilled', 'F99', { unfulfillable: true }],
    ['that would cross the cap', 'F99', { amount: 1_001n }],
    ['that has expired', 'R00', { expiresAt: Date.parse('2030-01-01T00:00:00Z') }],
  ];
  for (const [name, code, options] of refusals) {
    it(`${name} is refused with ${code} and credits nothing`, async () => {
      const { makePacket, give, received, marble } = await arrange();
      const destination = options.destination?.replace('MARBLE', prefixOf(marble.ase));
      const { outcome, stream } = await give(await makePacket({ ...options, ...(destination && { destination }) }));
      assert.equal(outcome, code);
      if (code === 'F99') assert.equal(stream?.prepareAmount.toString(), `${options.amount ?? 100n}`);
      assert.equal(await received(), 0n);
    });
  }

  it('in another asset than the receiver’s is refused', async () => {
    const { makePacket, give, received } = await arrange();
    assert.equal((await give(await makePacket(), USD)).outcome, 'F00');
    assert.equal((await give(await makePacket({ unfulfillable: true }), USD)).outcome, 'F00');
    assert.equal(await received(), 0n);
  });

  it('that is none is refused with F01', async () => {
    const { give } = await arrange();
    for (const bytes of [Buffer.alloc(0), Buffer.from('hello'), Buffer.alloc(200, 7), Buffer.of(12, 2, 0, 0)]) {
      assert.equal((await give(bytes)).outcome, 'F01');
    }
  });

  it('of no amount is fulfilled, also by a closed payment, and books nothing', async () => {
    const { makePacket, give, marble } = await arrange({ expiresAt: 0 });
    assert.equal((await give(await makePacket({ amount: 0n }))).outcome, 'fulfilled');
    const journal = await db.query.selectFrom('incoming_packet').select('ase').where('ase', '=', marble.ase).execute();
    assert.equal(journal.length, 0);
  });

  it('with money to a closed payment is refused with F02, a probe too', async () => {
    const { makePacket, give, received } = await arrange({ expiresAt: Date.parse('2030-01-01T00:00:00Z') });
    assert.equal((await give(await makePacket())).outcome, 'F02');
    assert.equal((await give(await makePacket({ unfulfillable: true }))).outcome, 'F02');
    assert.equal(await received(), 0n);
  });

  it('is credited one millisecond before the payment expires (RS-IP-34)', async () => {
    const { makePacket, give } = await arrange({ expiresAt: Date.parse('2030-01-01T00:00:00.001Z') });
    assert.equal((await give(await makePacket())).outcome, 'fulfilled');
  });

  it('that closes the connection is answered in kind (ILP-20)', async () => {
    const { makePacket, give, received } = await arrange();
    const { outcome, stream } = await give(await makePacket({ frames: [new ConnectionCloseFrame(1, 'bye')] }));
    assert.equal(outcome, 'F99');
    const close = stream?.frames.find((frame) => frame.type === FrameType.ConnectionClose);
    assert.deepEqual(close, new ConnectionCloseFrame(1, ''));
    assert.equal(await received(), 0n);
  });

  it('repeated is answered as before, byte for byte, expired or not, and counts once', async () => {
    const { makePacket, marble, granite, clock, received } = await arrange({ incomingAmount: 100n });
    const packet = await makePacket();
    const first = await marble.connector.receive(granite.ase, EUR, packet);
    assert.deepEqual(await marble.connector.receive(granite.ase, EUR, packet), first);
    clock.wall += 1_000_000;
    assert.deepEqual(await marble.connector.receive(granite.ase, EUR, packet), first);
    assert.equal(await received(), 100n);
  });

  it('repeated when its secret is gone is answered as before', async () => {
    const { makePacket, marble, granite, clock } = await arrange();
    const packet = await makePacket();
    const first = await marble.connector.receive(granite.ase, EUR, packet);
    const link: Link = { send: async () => Buffer.alloc(0) };
    const renewed = createConnector({
      ...marble,
      clock,
      prefix: prefixOf(marble.ase),
      secrets: () => [secretOf('another')],
      peers: () => [{ name: granite.ase, prefix: prefixOf(granite.ase), maxPacketAmount: 1_000n, link }],
    });
    assert.deepEqual(await renewed.receive(granite.ase, EUR, packet), first);
    clock.wall += 1_000_000;
    assert.deepEqual(await renewed.receive(granite.ase, EUR, packet), first);
  });

  it('with the condition of another packet and a larger amount is refused', async () => {
    const { makePacket, give } = await arrange();
    const packet = await makePacket();
    await give(packet);
    const larger = serializeIlpPrepare({ ...deserializeIlpPrepare(packet), amount: '101' });
    assert.equal((await give(larger)).outcome, 'F00');
  });

  it('completes the payment exactly, and none comes in after that', async () => {
    const { makePacket, give, marble, id } = await arrange({ incomingAmount: 300n });
    assert.equal((await give(await makePacket({ amount: 200n }))).outcome, 'fulfilled');
    assert.equal((await give(await makePacket({ amount: 101n }))).outcome, 'F99');
    assert.equal((await readIncomingPayment(marble, id)).completed, false);
    assert.equal((await give(await makePacket({ amount: 100n }))).outcome, 'fulfilled');
    assert.equal((await readIncomingPayment(marble, id)).completed, true);
    assert.equal((await give(await makePacket({ amount: 1n }))).outcome, 'F02');
  });
});
