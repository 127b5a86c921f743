/** A Prepare that a STREAM receiver has got: its address, its encryption, and the answers that it can be given. */
import type { IlpPrepare } from 'ilp-packet';
import type { Asset } from '../../open-payments/amount.ts';
import { resolveAddress } from './credentials.ts';
import { ilpFulfill, ilpReject } from './ilp-reply.ts';
import type { Peer } from './link.ts';
import {
  conditionFor,
  decryptStreamData,
  fulfillmentFor,
  type MaxMoney,
  parseStreamPacket,
  STREAM_PREPARE,
  type StreamPacket,
  sealStreamReply,
} from './stream-packet.ts';

export interface ConnectionOptions {
  readonly prefix: string;
  readonly secrets: () => readonly string[];
  readonly reloadSecrets?: () => Promise<readonly string[]>;
}

export interface ReceivedPacket {
  readonly from: Peer;
  readonly asset: Asset;
  readonly prepare: IlpPrepare;
  readonly amount: bigint;
  /** Base64url. */
  readonly condition: string;
}

type Connection = NonNullable<ReturnType<typeof resolveAddress>>;

/** A packet whose data is a STREAM Prepare, with the two answers that STREAM seals with the shared secret. */
export interface StreamRequest extends ReceivedPacket {
  readonly incomingPaymentId: string;
  /** Undefined for a sender that does not identify its connection. */
  readonly connection: string | undefined;
  readonly request: StreamPacket;
  readonly isFulfillable: boolean;
  readonly accept: () => Promise<Buffer>;
  readonly decline: (
    message: string,
    details?: { asset?: Asset; closeConnection?: boolean; maxMoney?: MaxMoney },
  ) => Promise<Buffer>;
}

/** Another process may have created the address with a secret that this process has not loaded yet. */
export async function resolveConnection(
  { prefix, secrets, reloadSecrets }: ConnectionOptions,
  destination: string,
): Promise<Connection | undefined> {
  const resolve = (versions: readonly string[]) => resolveAddress(versions, prefix, destination);
  return resolve(secrets()) ?? (reloadSecrets && resolve(await reloadSecrets()));
}

/** Checks address, token, encryption and type (ILP-01, ILP-04); returns the Reject if one is wrong. */
export function openStreamRequest(
  { prefix }: Pick<ConnectionOptions, 'prefix'>,
  packet: ReceivedPacket,
  connection: Connection | undefined,
): StreamRequest | Buffer {
  const { prepare, amount, asset } = packet;
  if (!`${prepare.destination}.`.startsWith(`${prefix}.`)) return ilpReject('F02', prefix, 'no route');
  if (!connection) return ilpReject('F06', prefix, 'unknown connection token');
  const { sharedSecret, incomingPaymentId } = connection;
  const plain = decryptStreamData(sharedSecret, prepare.data);
  if (!plain) return ilpReject('F06', prefix, 'data not encrypted with the shared secret');
  const request = parseStreamPacket(plain);
  if (request?.ilpType !== STREAM_PREPARE) return ilpReject('F00', prefix, 'not a STREAM Prepare');

  const fulfillment = fulfillmentFor(sharedSecret, prepare.data);
  const isFulfillable = conditionFor(fulfillment).equals(prepare.executionCondition);
  const reply = { sequence: request.sequence, received: amount };
  return {
    ...packet,
    incomingPaymentId,
    connection: connection.connection || undefined,
    request,
    isFulfillable,
    accept: async () =>
      ilpFulfill(fulfillment, await sealStreamReply(sharedSecret, { outcome: 'fulfill', ...reply, asset })),
    decline: async (message, details = {}) =>
      ilpReject(
        'F99',
        prefix,
        message,
        await sealStreamReply(sharedSecret, { outcome: 'reject', ...reply, ...details }),
      ),
  };
}

/** True if the receiver can fulfil the packet and would then owe its amount to the payee: it is answered only once. */
export const bringsMoney = ({ isFulfillable, amount }: StreamRequest): boolean => isFulfillable && amount > 0n;
