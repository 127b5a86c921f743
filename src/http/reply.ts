/** What an operation answers with. */

// ── What a server brings ────────────────────────────────────────────────────────────────────────────────────────────

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON, or a string with a Content-Type of its own. */
  readonly body?: unknown;
}
