/**
 * An ASE that the check controls and that is a peer of the target. The control API introduces the two to each other;
 * packets travel both ways over HTTP (ILP-0035).
 */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CheckContext, Party } from '../runner/check.ts';
import { exchange, type HeaderLine, type Received } from './http-exchange.ts';
import { decodeReply, encodePrepare, type IlpReply } from './ilp-packet.ts';
import type { Json } from './signed-client.ts';
import {
  decodeStreamPacket,
  encodeStreamPacket,
  type Frame,
  fulfillmentOf,
  moneyFrame,
  type StreamPacket,
  seal,
  sha256,
  streamType,
  unseal,
} from './stream-packet.ts';

export const octetStream = 'application/octet-stream';

/** STREAM credentials as in a payment method. */
export interface Credentials {
  readonly ilpAddress: string;
  /** base64url. */
  readonly sharedSecret: string;
}

export interface PacketOptions {
  readonly amount?: bigint;
  /** Minimum amount that must arrive. */
  readonly minimum?: bigint;
  readonly sequence?: bigint;
  readonly frames?: readonly Frame[];
  readonly streamType?: number;
  /** Overrides the condition that the data can fulfill. */
  readonly condition?: Buffer;
  /** In half a minute by default. */
  readonly expiresAt?: Date;
  readonly destination?: string;
  /** Plain text to seal instead of a STREAM packet. */
  readonly plain?: Buffer;
  /** Replaces the data, unsealed. */
  readonly data?: Buffer;
}

/** An answer with its STREAM packet, if the payment's secret decrypts it. */
export type Answered = IlpReply & { readonly stream?: StreamPacket };

export interface PeerAse {
  /** Its own ILP address; below it are its receivers. */
  readonly prefix: string;
  /** Name of the peer in the target's control API and ledger. */
  readonly name: string;
  /** Path of the target's ASE in the control API. */
  readonly ase: string;
  /** Origin at which the target reaches the peer. */
  readonly origin: string;
  /** Bearer token that the target must send. */
  readonly outgoingToken: string;
  /** Answers the requests of the target to this peer. */
  onRequest: (request: IncomingMessage, body: Buffer, response: ServerResponse) => void;
  /** `POST /ilp/{asset}` at the target, with the token of the peer unless other headers are given. */
  post(bytes: Buffer, options?: { headers?: readonly HeaderLine[]; path?: string; method?: string }): Promise<Received>;
  /** A Prepare to the holder of the credentials; its condition is met by `fulfillmentOf` unless it is given. */
  prepare(to: Credentials, options?: PacketOptions): Buffer;
  /** Sends bytes that the target must answer with a packet. */
  give(to: Credentials, packet: Buffer): Promise<Answered>;
  /** Makes a packet and sends it. */
  send(to: Credentials, options?: PacketOptions): Promise<Answered>;
  /** Debt of the target to this peer in its own books, in minor units of an asset; negative if the peer owes. */
  balance(asset: Pick<Party, 'assetCode' | 'assetScale'>): Promise<bigint>;
}

export interface PeerOptions {
  /** Asset of the packets that the peer sends, and of its receivers. */
  readonly asset: Pick<Party, 'assetCode' | 'assetScale'>;
  readonly maxPacketAmount?: bigint;
  readonly balanceLimit?: bigint;
  /** Default: true. */
  readonly answersRepeats?: boolean;
}

/** Path of the ASE that a wallet address belongs to, in the control API. */
async function findAse({ control }: CheckContext, party: Party): Promise<string> {
  const { ases } = (await control.request('GET', '/')).body;
  const ase = ases.find(({ resourceServer }: Json) => resourceServer === party.resourceServer);
  assert.ok(ase, 'the control API knows the ASE');
  return `/ases/${ase.name}`;
}

/** Runs `work` with a peer of the party's ASE. */
export async function withPeer(
  context: CheckContext,
  party: Party,
  { asset, maxPacketAmount = 2n ** 64n - 1n, balanceLimit, answersRepeats = true }: PeerOptions,
  work: (peer: PeerAse) => Promise<void>,
): Promise<void> {
  const ase = await findAse(context, party);
  const name = `check-${randomUUID()}`;
  const prefix = `test.${name}`;
  const [incomingToken, outgoingToken] = [randomBytes(24).toString('hex'), randomBytes(24).toString('hex')];
  const server = createServer((request, response) => {
    readBody(request).then(
      (body) => peer.onRequest(request, body, response),
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const assetPath = `/ilp/${asset.assetCode}/${asset.assetScale}`;
  const ownHeaders: readonly HeaderLine[] = [
    ['authorization', `Bearer ${incomingToken}`],
    ['content-type', octetStream],
  ];

  const peer: PeerAse = {
    ...{ prefix, name, ase, origin, outgoingToken },
    onRequest: (_request, _body, response) => void response.writeHead(404).end(),
    post: (body, { headers = ownHeaders, path = assetPath, method = 'POST' } = {}) =>
      exchange({ method, url: new URL(party.resourceServer).origin + path, headers, body }),
    prepare({ ilpAddress, sharedSecret }, options = {}) {
      const secret = Buffer.from(sharedSecret, 'base64url');
      const plain =
        options.plain ??
        encodeStreamPacket({
          type: options.streamType ?? streamType.prepare,
          sequence: options.sequence ?? 1n,
          prepareAmount: options.minimum ?? 0n,
          frames: options.frames ?? [moneyFrame(1)],
        });
      const data = options.data ?? seal(secret, plain);
      return encodePrepare({
        amount: options.amount ?? 0n,
        expiresAt: options.expiresAt ?? new Date(Date.now() + 30_000),
        condition: options.condition ?? sha256(fulfillmentOf(secret, data)),
        destination: options.destination ?? ilpAddress,
        data,
      });
    },
    async give({ sharedSecret }, packet) {
      const received = await peer.post(packet);
      assert.equal(received.status, 200, 'a packet is answered with a packet');
      assert.equal(received.headers.get('content-type'), octetStream);
      const reply = decodeReply(received.bytes);
      const stream = openReply(Buffer.from(sharedSecret, 'base64url'), reply);
      return { ...reply, ...(stream && { stream }) };
    },
    send: (to, options) => peer.give(to, peer.prepare(to, options)),
    async balance({ assetCode, assetScale }) {
      const { ases } = (await context.control.request('GET', '/ledger')).body;
      const books = ases.find((candidate: Json) => `/ases/${candidate.name}` === ase);
      assert.equal(books.balanced, true, 'the books balance');
      const line = books.accounts.find(({ account }: Json) => account === `peer:${name}:${assetCode}:${assetScale}`);
      return BigInt(line?.balance ?? 0);
    },
  };

  const limit = { answersRepeats, ...(balanceLimit !== undefined && { balanceLimit: String(balanceLimit) }) };
  const terms = { prefix, endpoint: origin, incomingToken, outgoingToken, maxPacketAmount: String(maxPacketAmount) };
  try {
    const created = await context.control.request('POST', `${ase}/peers`, { name, ...terms, ...limit });
    assert.equal(created.status, 201, JSON.stringify(created.body));
    await untilKnown(peer);
    await work(peer);
  } finally {
    await context.control.request('DELETE', `${ase}/peers/${name}`);
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}

/** Waits until all processes of the target know the new peer. */
async function untilKnown(peer: PeerAse): Promise<void> {
  for (const deadline = Date.now() + 5000; (await peer.post(Buffer.alloc(0))).status === 401; ) {
    assert.ok(Date.now() < deadline, 'a new peer is known in time');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function openReply(sharedSecret: Buffer, reply: IlpReply): StreamPacket | undefined {
  if (reply.data.length === 0 || (reply.kind === 'reject' && reply.code === 'F08')) return undefined;
  const stream = decodeStreamPacket(unseal(sharedSecret, reply.data));
  assert.equal(stream.type, reply.kind === 'fulfill' ? streamType.fulfill : streamType.reject);
  return stream;
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
