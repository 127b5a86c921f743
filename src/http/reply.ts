/** The reply of an operation. */

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON, or a string whose Content-Type is in `headers`. */
  readonly body?: unknown;
}

/** A reply with the way in which it reaches the client. */
export interface DeliveredReply extends Reply {
  /** `cut`: half of the content, then a reset. `slowMs`: in ten pieces, spread over so many milliseconds. */
  readonly delivery?: 'cut' | { readonly slowMs: number };
  /** Called once, with true if all of it was handed to the network. */
  readonly onSent?: (isComplete: boolean) => void;
}

/** The end of a connection without a reply: in order, by a TCP reset, or left open in silence. */
export type NoReply = 'close' | 'reset' | 'silence';

export type Answer = DeliveredReply | NoReply;

/** A reply as it was handed to the socket, which adds Date and Connection. */
export interface SentReply {
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined if it has none. */
  readonly content: string | undefined;
}

const serialized = new WeakMap<object, string>();

/** The JSON of a body. It is made once for a body, which must not change any more, so what is validated is what is sent. */
export function serializeBody(body: unknown): string {
  if (typeof body !== 'object' || body === null) return JSON.stringify(body);
  const text = serialized.get(body) ?? JSON.stringify(body);
  serialized.set(body, text);
  return text;
}
