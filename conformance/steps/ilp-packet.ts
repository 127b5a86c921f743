/**
 * ILP packets as bytes (ILP-0027), in the octet encoding rules of Interledger (ILP-0030). It shares no code with the
 * server, so a mistake in one codec does not hide the same mistake in the other.
 */

export interface IlpPrepare {
  readonly amount: bigint;
  readonly expiresAt: Date;
  /** 32 bytes. */
  readonly condition: Buffer;
  readonly destination: string;
  readonly data: Buffer;
}

export type IlpReply =
  | { readonly kind: 'fulfill'; readonly fulfillment: Buffer; readonly data: Buffer }
  | {
      readonly kind: 'reject';
      readonly code: string;
      readonly triggeredBy: string;
      readonly message: string;
      readonly data: Buffer;
    };

const PREPARE = 12;
const FULFILL = 13;
const REJECT = 14;

/** A variable length octet string: its length, then its bytes. */
export function encodeOctets(value: Buffer | string): Buffer {
  const bytes = Buffer.from(value);
  if (bytes.length < 128) return Buffer.concat([Buffer.of(bytes.length), bytes]);
  const length = toBytes(BigInt(bytes.length));
  return Buffer.concat([Buffer.of(0x80 | length.length), length, bytes]);
}

/** A variable length unsigned integer: an octet string of as few bytes as will do. */
export const encodeUint = (value: bigint | number): Buffer => encodeOctets(toBytes(BigInt(value)));

function toBytes(value: bigint): Buffer {
  const digits = value.toString(16);
  return Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex');
}

/** Reads from the front. Every method throws when there is not enough left. */
export function createReader(bytes: Buffer) {
  let position = 0;
  const take = (length: number): Buffer => {
    if (position + length > bytes.length) throw new Error('the packet ends too early');
    position += length;
    return bytes.subarray(position - length, position);
  };
  const byte = (): number => take(1)[0]!;
  const toUint = (taken: Buffer): bigint => BigInt(`0x${taken.toString('hex') || '0'}`);
  const octets = (): Buffer => {
    const first = byte();
    return take(first < 128 ? first : Number(toUint(take(first & 0x7f))));
  };
  return { take, byte, octets, uint: () => toUint(octets()), rest: () => bytes.length - position };
}

const envelope = (type: number, ...contents: Buffer[]): Buffer =>
  Buffer.concat([Buffer.of(type), encodeOctets(Buffer.concat(contents))]);

export function encodePrepare({ amount, expiresAt, condition, destination, data }: IlpPrepare): Buffer {
  const value = Buffer.alloc(8);
  value.writeBigUInt64BE(amount);
  const time = Buffer.from(expiresAt.toISOString().replace(/[^0-9]/g, ''), 'ascii');
  return envelope(PREPARE, value, time, condition, encodeOctets(destination), encodeOctets(data));
}

/** Throws for anything but one whole Prepare. */
export function decodePrepare(bytes: Buffer): IlpPrepare {
  const reader = openEnvelope(bytes, PREPARE);
  const amount = reader.take(8).readBigUInt64BE();
  const time = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d{3})$/.exec(reader.take(17).toString('ascii'));
  if (!time) throw new Error('expiresAt is not an Interledger timestamp');
  const [, year, month, day, hour, minute, second, milli] = time;
  const expiresAt = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}.${milli}Z`);
  const condition = reader.take(32);
  const destination = reader.octets().toString('latin1');
  return { amount, expiresAt, condition, destination, data: reader.octets() };
}

export function encodeReply(reply: IlpReply): Buffer {
  if (reply.kind === 'fulfill') return envelope(FULFILL, reply.fulfillment, encodeOctets(reply.data));
  const { code, triggeredBy, message, data } = reply;
  const texts = [encodeOctets(triggeredBy), encodeOctets(message), encodeOctets(data)];
  return envelope(REJECT, Buffer.from(code, 'ascii'), ...texts);
}

/** Throws for anything but one whole Fulfill or Reject. */
export function decodeReply(bytes: Buffer): IlpReply {
  if (bytes[0] === FULFILL) {
    const reader = openEnvelope(bytes, FULFILL);
    return { kind: 'fulfill', fulfillment: reader.take(32), data: reader.octets() };
  }
  const reader = openEnvelope(bytes, REJECT);
  const code = reader.take(3).toString('ascii');
  const triggeredBy = reader.octets().toString('latin1');
  return { kind: 'reject', code, triggeredBy, message: reader.octets().toString('utf8'), data: reader.octets() };
}

function openEnvelope(bytes: Buffer, expected: number) {
  const outer = createReader(bytes);
  const type = outer.byte();
  if (type !== expected) throw new Error(`an ILP packet of type ${type} where ${expected} is due`);
  const contents = outer.octets();
  if (outer.rest() > 0) throw new Error('more than one packet');
  return createReader(contents);
}
