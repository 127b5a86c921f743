/** The reply of an operation. */

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON, or a string whose Content-Type is in `headers`. */
  readonly body?: unknown;
}
