/** The reply of an operation. */

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON, or a string whose Content-Type is in `headers`. */
  readonly body?: unknown;
}

/** A reply as it was handed to the socket, which adds Date and Connection. */
export interface SentReply {
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined if it has none. */
  readonly content: string | undefined;
}
