/**
 * A receiver at a peer of the target: its incoming payment, the grant to read it, and a STREAM receiver that the check
 * controls.
 */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { CheckContext } from '../runner/check.ts';
import { decodePrepare, encodeReply, type IlpPrepare, type IlpReply } from './ilp-packet.ts';
import { octetStream, type PeerAse, type PeerOptions, withPeer } from './peer-ase.ts';
import { createQuote, outgoingToken, payQuote, waitUntilSettled } from './scenarios.ts';
import type { Json } from './signed-client.ts';
import {
  assetFrame,
  decodeStreamPacket,
  encodeStreamPacket,
  fulfillmentOf,
  type StreamPacket,
  seal,
  streamType,
  unseal,
} from './stream-packet.ts';

export interface ReceivedPacket extends IlpPrepare {
  readonly bytes: Buffer;
  /** Path of the request: the asset that the amount is counted in. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly stream: StreamPacket;
}

/** A packet, bytes that may be none, a status without a body, or the end of the connection. */
export type PacketAnswer = IlpReply | Buffer | number | 'vanish';

export interface HostedReceiver {
  /** URL of the incoming payment. */
  readonly url: string;
  /** The incoming payment as a client with a token sees it; a check changes its members. */
  readonly payment: Json;
  /** Its wallet address; a check changes its members. */
  readonly wallet: Json;
  /** Status instead of the document, while it is set. */
  status: number | undefined;
  /** Every packet that came, repetitions as well. */
  readonly packets: ReceivedPacket[];
  /** Answer to the n-th packet, from 0. */
  answer: (packet: ReceivedPacket, n: number) => PacketAnswer;
  /** Takes the money of a packet, once; the amount told in STREAM may be another. */
  accept(packet: ReceivedPacket, told?: bigint): IlpReply;
  refuse(code: string, rest?: { readonly triggeredBy?: string; readonly data?: Buffer }): IlpReply;
  /** Total amount of the accepted packets. */
  total(): bigint;
}

/** Opens a receiver at the peer; without `value` it takes any amount. Until told otherwise it accepts all packets. */
export function hostReceiver(peer: PeerAse, { asset }: Pick<PeerOptions, 'asset'>, value?: bigint): HostedReceiver {
  const { assetCode, assetScale } = asset;
  const amount = (units: bigint) => ({ value: String(units), assetCode, assetScale });
  const [secret, token, paymentToken] = [randomBytes(32), randomBytes(24).toString('base64url'), randomUUID()];
  const accepted = new Map<string, bigint>();
  const path = `/incoming-payments/${randomUUID()}`;
  const url = peer.origin + path;
  const access = [{ type: 'incoming-payment', actions: ['read-all'] }];
  const grant = {
    access_token: { value: paymentToken, manage: `${peer.origin}/token/1`, expires_in: 600, access },
    continue: { access_token: { value: randomUUID() }, uri: `${peer.origin}/continue/1` },
  };

  const receiver: HostedReceiver = {
    url,
    payment: {
      id: url,
      walletAddress: `${peer.origin}/receiver`,
      completed: false,
      ...(value !== undefined && { incomingAmount: amount(value) }),
      createdAt: new Date().toISOString(),
      methods: [{ type: 'ilp', ilpAddress: `${peer.prefix}.${token}`, sharedSecret: secret.toString('base64url') }],
    },
    wallet: {
      id: `${peer.origin}/receiver`,
      assetCode,
      assetScale,
      authServer: `${peer.origin}/auth/`,
      resourceServer: peer.origin,
    },
    status: undefined,
    packets: [],
    answer: (packet) => receiver.accept(packet),
    accept(packet, told = packet.amount) {
      accepted.set(packet.condition.toString('hex'), packet.amount);
      const frames = [assetFrame(assetCode, assetScale)];
      const { sequence } = packet.stream;
      const reply = encodeStreamPacket({ type: streamType.fulfill, sequence, prepareAmount: told, frames });
      const fulfillment = fulfillmentOf(secret, packet.data);
      return { kind: 'fulfill', fulfillment, data: seal(secret, reply) };
    },
    refuse: (code, { triggeredBy = peer.prefix, data = Buffer.alloc(0) } = {}) => ({
      ...{ kind: 'reject', code, triggeredBy, data },
      message: 'as the check wants it',
    }),
    total: () => [...accepted.values()].reduce((sum, each) => sum + each, 0n),
  };

  function takePacket(request: IncomingMessage, bytes: Buffer, response: ServerResponse): void {
    if (request.headers.authorization !== `Bearer ${peer.outgoingToken}`) return void response.writeHead(401).end();
    const prepare = decodePrepare(bytes);
    assert.ok(prepare.destination.startsWith(`${peer.prefix}.${token}`), 'a packet for this receiver');
    const stream = decodeStreamPacket(unseal(secret, prepare.data));
    const packet = { ...prepare, bytes, stream, path: request.url ?? '', headers: request.headers };
    const answer = receiver.answer(packet, receiver.packets.push(packet) - 1);
    if (answer === 'vanish') return void response.destroy();
    if (typeof answer === 'number') return void response.writeHead(answer).end();
    const body = Buffer.isBuffer(answer) ? answer : encodeReply(answer);
    response.writeHead(200, { 'content-type': octetStream }).end(body);
  }

  peer.onRequest = (request, body, response) => {
    const json = (status: number, document: Json): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(document));
    };
    if (request.url?.startsWith('/ilp/')) return takePacket(request, body, response);
    if (request.url === '/auth/') return json(200, grant);
    if (request.url === '/receiver') return json(200, receiver.wallet);
    if (request.url !== path) return json(404, {});
    if (receiver.status !== undefined) return json(receiver.status, {});
    const receivedAmount = amount(receiver.total());
    if (request.headers.authorization === undefined)
      return json(200, { receivedAmount, authServer: `${peer.origin}/auth/` });
    const isKnown = request.headers.authorization === `GNAP ${paymentToken}` && request.headers['signature-input'];
    return isKnown ? json(200, { receivedAmount, ...receiver.payment }) : json(401, {});
  };
  return receiver;
}

export interface PaidReceiver {
  readonly peer: PeerAse;
  readonly receiver: HostedReceiver;
  /** Quotes and pays this amount to the receiver. @returns both as they were created */
  pay(value: bigint): Promise<{ quote: Json; payment: Json }>;
  settled(payment: Json): Promise<Json>;
}

/** A receiver at a peer of the sender's ASE that expects `value`. */
export async function withReceiver(
  context: CheckContext,
  options: Partial<PeerOptions>,
  work: (arranged: PaidReceiver) => Promise<void>,
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
export async function expectDelivered(
  { peer, receiver, settled }: PaidReceiver,
  paid: { quote: Json; payment: Json },
  asset: Json,
) {
  const { quote, payment } = paid;
  const end = await settled(payment);
  assert.deepEqual([end.failed, end.sentAmount], [false, quote.debitAmount]);
  assert.equal(String(receiver.total()), quote.receiveAmount.value, 'exactly what was quoted arrived');
  assert.equal(await peer.balance(asset), receiver.total(), 'the books know of it');
}
