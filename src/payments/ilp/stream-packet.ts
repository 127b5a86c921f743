/** STREAM packets (ILP-0029 §5) and the keys that follow from a shared secret (§5.1, §6.2; ILP-02, ILP-03). */
import { createDecipheriv, createHash, createHmac } from 'node:crypto';
import {
  ConnectionAssetDetailsFrame,
  ConnectionCloseFrame,
  ErrorCode,
  type Frame,
  FrameType,
  IlpPacketType,
  Packet,
  StreamMaxMoneyFrame,
  StreamMoneyBlockedFrame,
  StreamMoneyFrame,
} from 'ilp-protocol-stream/dist/src/packet.js';
import type { Asset } from '../../open-payments/amount.ts';

const hmac = (key: Buffer, data: string | Buffer): Buffer => createHmac('sha256', key).update(data).digest();

const encryptionKey = (sharedSecret: Buffer): Buffer => hmac(sharedSecret, 'ilp_stream_encryption');

/** The fulfillment that only the holder of the shared secret can compute for a packet with this data. */
export const fulfillmentFor = (sharedSecret: Buffer, data: Buffer): Buffer =>
  hmac(hmac(sharedSecret, 'ilp_stream_fulfillment'), data);

/** The condition a fulfillment is the preimage of (ILP-0027). */
export const conditionFor = (fulfillment: Buffer): Buffer => createHash('sha256').update(fulfillment).digest();

export interface StreamPacket {
  readonly ilpType: number;
  readonly sequence: bigint;
  /** The minimum that the receiver must get; less is rejected (§3.4). */
  readonly prepareAmount: bigint;
  readonly closesConnection: boolean;
  /** Ids of the streams that the money is for. */
  readonly moneyStreams: readonly string[];
  /** Amount that the sender has yet to send, this packet included, if it says so (StreamMoneyBlocked, §5.3.10). */
  readonly outstanding: bigint | undefined;
}

export const STREAM_PREPARE: number = IlpPacketType.Prepare;

/** Streams of a packet that a reply names. */
const MAX_STREAMS = 10;

const NONCE_LENGTH = 12;
const TAG_LENGTH = 16;

/** Decrypts the data of a Prepare: nonce, tag and ciphertext (§5.1; ILP-03). Undefined for a different shared secret. */
export function decryptStreamData(sharedSecret: Buffer, data: Buffer): Buffer | undefined {
  const overhead = NONCE_LENGTH + TAG_LENGTH;
  // GCM would accept a shorter, and so weaker, tag.
  if (data.length < overhead) return undefined;
  const nonce = data.subarray(0, NONCE_LENGTH);
  const cipher = createDecipheriv('aes-256-gcm', encryptionKey(sharedSecret), nonce, { authTagLength: TAG_LENGTH });
  cipher.setAuthTag(data.subarray(NONCE_LENGTH, overhead));
  try {
    return Buffer.concat([cipher.update(data.subarray(overhead)), cipher.final()]);
  } catch {
    return undefined;
  }
}

/** Undefined unless the data is a STREAM packet (§5.2). */
export function parseStreamPacket(data: Buffer): StreamPacket | undefined {
  try {
    const packet = Packet._deserializeUnencrypted(data);
    return {
      ilpType: packet.ilpPacketType,
      sequence: BigInt(packet.sequence.toString()),
      prepareAmount: BigInt(packet.prepareAmount.toString()),
      closesConnection: packet.frames.some((frame) => frame.type === FrameType.ConnectionClose),
      moneyStreams: packet.frames.flatMap((frame) =>
        frame.type === FrameType.StreamMoney ? [frame.streamId.toString()] : [],
      ),
      outstanding: readOutstanding(packet.frames),
    };
  } catch {
    return undefined;
  }
}

function readOutstanding(frames: readonly Frame[]): bigint | undefined {
  const frame = frames.find(({ type }) => type === FrameType.StreamMoneyBlocked);
  if (frame?.type !== FrameType.StreamMoneyBlocked) return undefined;
  return BigInt(frame.sendMax.toString()) - BigInt(frame.totalSent.toString());
}

export interface StreamReply {
  readonly outcome: 'fulfill' | 'reject';
  readonly sequence: bigint;
  /** Amount of the Prepare, in units of the receiver's asset. */
  readonly received: bigint;
  /** The receiver's asset, which never changes on a connection (§5.3.14). */
  readonly asset?: Asset | undefined;
  readonly closeConnection?: boolean;
  readonly maxMoney?: MaxMoney | undefined;
}

/** How much streams can receive in all, and have received (§5.3.9; ILP-06). */
export interface MaxMoney {
  readonly streams: readonly string[];
  readonly receiveMax: bigint;
  readonly totalReceived: bigint;
}

/** Encrypts the data of a Fulfill or Reject: the sequence of the Prepare and the amount received (§5.2; ILP-04, ILP-05). */
export function sealStreamReply(sharedSecret: Buffer, reply: StreamReply): Promise<Buffer> {
  const frames: Frame[] = [];
  if (reply.asset) frames.push(new ConnectionAssetDetailsFrame(reply.asset.code, reply.asset.scale));
  for (const stream of new Set(reply.maxMoney?.streams.slice(0, MAX_STREAMS))) {
    frames.push(new StreamMaxMoneyFrame(stream, `${reply.maxMoney!.receiveMax}`, `${reply.maxMoney!.totalReceived}`));
  }
  if (reply.closeConnection) frames.push(new ConnectionCloseFrame(ErrorCode.NoError, ''));
  const type = reply.outcome === 'fulfill' ? IlpPacketType.Fulfill : IlpPacketType.Reject;
  const packet = new Packet(`${reply.sequence}`, type, `${reply.received}`, frames);
  return packet.serializeAndEncrypt(encryptionKey(sharedSecret));
}

export interface StreamMoney {
  readonly sequence: number;
  readonly amount: bigint;
  /** The whole amount that the sender means to send, if it says so, and the part of it that has arrived. */
  readonly total?: bigint;
  readonly delivered?: bigint;
}

/** Encrypts the data of a Prepare that pays exactly `amount` into stream 1, and says how much is to follow. */
export function sealStreamMoney(
  sharedSecret: Buffer,
  { sequence, amount, total, delivered = 0n }: StreamMoney,
): Promise<Buffer> {
  const frames: Frame[] = [new StreamMoneyFrame(1, 1)];
  if (total !== undefined) frames.push(new StreamMoneyBlockedFrame(1, `${total}`, `${delivered}`));
  const packet = new Packet(sequence, IlpPacketType.Prepare, `${amount}`, frames);
  return packet.serializeAndEncrypt(encryptionKey(sharedSecret));
}
