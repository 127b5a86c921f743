/**
 * STREAM packets (ILP-0029 §5) with the keys that follow from a shared secret (§5.1, §6.2), independent of any library.
 */
import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto';
import { createReader, encodeOctets, encodeUint } from './ilp-packet.ts';

/** Types of STREAM packets are those of the ILP packets that they travel in. */
export const streamType = { prepare: 12, fulfill: 13, reject: 14 } as const;

const frameType = {
  connectionClose: 0x01,
  connectionAssetDetails: 0x07,
  streamMoney: 0x11,
  streamMaxMoney: 0x12,
} as const;

/** The error code of a ConnectionClose that nothing went wrong with (§5.4). */
export const NO_ERROR = 1;

export interface Frame {
  readonly type: number;
  readonly contents: Buffer;
}

export interface StreamPacket {
  readonly type: number;
  readonly sequence: bigint;
  /** In a Prepare the least that must arrive, in an answer what arrived. */
  readonly prepareAmount: bigint;
  readonly frames: readonly Frame[];
}

const hmac = (key: Buffer, data: Buffer | string): Buffer => createHmac('sha256', key).update(data).digest();

export const sha256 = (data: Buffer): Buffer => createHash('sha256').update(data).digest();

/** Fulfillment by which a receiver accepts a packet with this data (§6.2). */
export const fulfillmentOf = (sharedSecret: Buffer, data: Buffer): Buffer =>
  hmac(hmac(sharedSecret, 'ilp_stream_fulfillment'), data);

export const moneyFrame = (stream: number, shares = 1n): Frame => ({
  type: frameType.streamMoney,
  contents: Buffer.concat([encodeUint(stream), encodeUint(shares)]),
});

export const closeFrame = (code: number, message = ''): Frame => ({
  type: frameType.connectionClose,
  contents: Buffer.concat([Buffer.of(code), encodeOctets(message)]),
});

export const assetFrame = (assetCode: string, assetScale: number): Frame => ({
  type: frameType.connectionAssetDetails,
  contents: Buffer.concat([encodeOctets(assetCode), Buffer.of(assetScale)]),
});

export function encodeStreamPacket({ type, sequence, prepareAmount, frames }: StreamPacket): Buffer {
  return Buffer.concat([
    Buffer.of(1, type),
    encodeUint(sequence),
    encodeUint(prepareAmount),
    encodeUint(frames.length),
    ...frames.flatMap((frame) => [Buffer.of(frame.type), encodeOctets(frame.contents)]),
  ]);
}

export function decodeStreamPacket(bytes: Buffer): StreamPacket {
  const reader = createReader(bytes);
  if (reader.byte() !== 1) throw new Error('another version of STREAM');
  const type = reader.byte();
  const sequence = reader.uint();
  const prepareAmount = reader.uint();
  const count = Number(reader.uint());
  const frames = Array.from({ length: count }, () => ({ type: reader.byte(), contents: reader.octets() }));
  return { type, sequence, prepareAmount, frames };
}

const encryptionKey = (sharedSecret: Buffer): Buffer => hmac(sharedSecret, 'ilp_stream_encryption');

/** AES-256-GCM: nonce, tag, ciphertext (§5.1). */
export function seal(sharedSecret: Buffer, plain: Buffer): Buffer {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', encryptionKey(sharedSecret), nonce);
  const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
}

/** Throws if the data were sealed with another secret, or changed. */
export function unseal(sharedSecret: Buffer, data: Buffer): Buffer {
  if (data.length < 28) throw new Error('too short to be sealed');
  const decipher = createDecipheriv('aes-256-gcm', encryptionKey(sharedSecret), data.subarray(0, 12));
  decipher.setAuthTag(data.subarray(12, 28));
  return Buffer.concat([decipher.update(data.subarray(28)), decipher.final()]);
}

/** The asset that an answer announces (§5.3.14); undefined without a frame for it. */
export function readAssetDetails(packet: StreamPacket): { assetCode: string; assetScale: number } | undefined {
  const frame = packet.frames.find(({ type }) => type === frameType.connectionAssetDetails);
  if (!frame) return undefined;
  const reader = createReader(frame.contents);
  return { assetCode: reader.octets().toString('utf8'), assetScale: reader.byte() };
}

/** The error code of a ConnectionClose; undefined without one. */
export const readCloseCode = (packet: StreamPacket): number | undefined =>
  packet.frames.find(({ type }) => type === frameType.connectionClose)?.contents[0];

/** Contents of the StreamMaxMoney frames (§5.3.9). */
export const readMaxMoney = (packet: StreamPacket) =>
  packet.frames
    .filter(({ type }) => type === frameType.streamMaxMoney)
    .map(({ contents }) => {
      const reader = createReader(contents);
      return { stream: reader.uint(), receiveMax: reader.uint(), totalReceived: reader.uint() };
    });
