/** What went wrong, without a wire format: each slice's `problem.ts` knows its codes and renders them. */

export interface ProblemOptions {
  /** Sentence for the client, where the catalogue's own does not say enough. */
  readonly description?: string;
  /** Members for `error.details` (resource server). */
  readonly details?: Record<string, unknown>;
  /** For the log only. Never a secret. */
  readonly detail?: string;
  readonly cause?: unknown;
}

export class Problem<Code extends string = string> extends Error {
  readonly code: Code;
  readonly description: string | undefined;
  readonly details: Record<string, unknown> | undefined;
  readonly detail: string | undefined;

  constructor(code: Code, options: ProblemOptions = {}) {
    super(code, { cause: options.cause });
    this.name = 'Problem';
    this.code = code;
    this.description = options.description;
    this.details = options.details;
    this.detail = options.detail;
  }
}
