/** Whole exchanges of a world, as received and as sent: the newest, in memory, bounded in number and bytes. */
import type { ClientJwk } from '../open-payments/client.ts';
import type { ReceivedRequest } from './received-request.ts';
import type { SentReply } from './reply.ts';
import { type ClientKey, type FetchedKeySet, parseClientJwk } from './signatures/client-keys.ts';

/** A finished call, as far as the record goes. */
export interface RecordableCall {
  readonly receivedAt: number;
  readonly answeredAt: number;
  readonly exchange: ReceivedRequest;
  readonly isBodyUnread: boolean;
  /** Values of the parameters of the path. */
  readonly params: Readonly<Record<string, string>>;
  readonly httpVersion?: string;
  readonly reply?: SentReply | undefined;
  /** The key that must have signed, once it was found. */
  readonly clientKey?: ClientKey;
  /** The set in which it was not found, or is unusable. */
  readonly keySet?: FetchedKeySet | undefined;
}

/** It contains secrets. */
export interface RecordedExchange {
  /**
   * Wall time in milliseconds: when the header of the request had arrived, and when the last byte of the answer was
   * handed to the socket, or the connection ended. Their differences, also between exchanges, are durations.
   */
  readonly receivedAt: number;
  readonly answeredAt: number;
  readonly httpVersion: string;
  /** Values of the parameters of its path, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly request: ReceivedRequest;
  /** The content of the request was not read, or not completely; that of `request` is empty then. */
  readonly isBodyUnread: boolean;
  /** Undefined if the connection ended instead. */
  readonly reply: SentReply | undefined;
  /** Secrets in the path of the request. */
  readonly pathSecrets: readonly string[];
  /** The key that was looked up, and then others of its set. */
  readonly keys: readonly RecordedKey[];
  /** The key set that was consulted, as it was fetched. */
  readonly keySet: FetchedKeySet | undefined;
}

export interface RecordedKey {
  readonly jwk: ClientJwk;
  /** URL of its key set. Undefined for a key that the client itself presented. */
  readonly keySet: string | undefined;
}

export interface RecordLimits {
  readonly maxExchanges: number;
  /** Total of the texts and bodies of all recorded exchanges. */
  readonly maxBytes: number;
}

export interface Recorder {
  keep(id: number, exchange: RecordedExchange): void;
  find(id: number): RecordedExchange | undefined;
  clear(): void;
}

const MAX_KEYS = 8;

export function createRecorder({ maxExchanges, maxBytes }: RecordLimits): Recorder {
  const records = new Map<number, RecordedExchange>();
  let bytes = 0;
  return {
    keep(id, recorded) {
      records.set(id, recorded);
      bytes += sizeOfExchange(recorded);
      for (const [oldestId, oldest] of records) {
        if (records.size <= maxExchanges && bytes <= maxBytes) break;
        records.delete(oldestId);
        bytes -= sizeOfExchange(oldest);
      }
    },
    find: (id) => records.get(id),
    clear() {
      records.clear();
      bytes = 0;
    },
  };
}

/** Copies the body, which may share memory with the bodies of other requests. */
export function recordExchange(call: RecordableCall): RecordedExchange {
  const { receivedAt, answeredAt, exchange, isBodyUnread, params, httpVersion = '1.1', reply, clientKey } = call;
  return Object.freeze({
    receivedAt,
    answeredAt,
    httpVersion,
    isBodyUnread,
    params: Object.freeze({ ...params }),
    request: Object.freeze({ ...exchange, body: Buffer.from(exchange.body) }),
    reply: reply && Object.freeze({ ...reply, headers: Object.freeze({ ...reply.headers }) }),
    pathSecrets: params['nonce'] === undefined ? [] : [params['nonce']],
    keys: clientKey ? listKeys(clientKey) : [],
    keySet: clientKey?.keySet ? recordedKeySet(clientKey.keySet) : call.keySet,
  });
}

const recordedKeySet = ({ url, document }: FetchedKeySet): FetchedKeySet | undefined =>
  document === undefined ? undefined : { url, document };

/** Entries that are not usable keys are passed over. */
function listKeys({ jwk, keySet }: ClientKey): RecordedKey[] {
  const others = [...(keySet?.entries ?? [])].flatMap(([kid, entries]) => (kid === jwk.kid ? [] : entries));
  const usable = others.slice(0, MAX_KEYS - 1).flatMap((entry) => {
    try {
      return [parseClientJwk(entry)];
    } catch {
      return [];
    }
  });
  return [jwk, ...usable].map((each) => ({ jwk: each, keySet: keySet?.url }));
}

/** Bytes of its texts and bodies. */
export function sizeOfExchange({ request, reply }: Pick<RecordedExchange, 'request' | 'reply'>): number {
  const headers = [...request.rawHeaders, ...Object.entries(reply?.headers ?? {})];
  const text = request.rawTarget.length + headers.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  return text + request.body.length + Buffer.byteLength(reply?.content ?? '');
}
