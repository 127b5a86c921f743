/** Errors without a wire format. Each server's error catalogue (`http/error-catalogue.ts`) maps problem codes to replies. */

export interface ProblemOptions {
  /** Sentence for the client, in place of the one in the catalogue. */
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

/** The same request can succeed later. The reply has `Retry-After`. */
export class RetryLater<Code extends string = string> extends Problem<Code> {
  readonly retryAfterSeconds: number;

  constructor(code: Code, retryAfterSeconds: number, options?: ProblemOptions) {
    super(code, options);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** A mistake in the options; its message is for the person who started the program. */
export class ConfigError extends Error {}

/** `; did you mean WORD?` with the known word of the smallest edit distance. Empty if no known word is near. */
export function didYouMean(word: string, known: readonly string[]): string {
  const distance = (a: string, b: string): number => {
    let row = Array.from({ length: b.length + 1 }, (_, i) => i);
    for (let i = 1; i <= a.length; i += 1) {
      const next = [i];
      for (let j = 1; j <= b.length; j += 1) {
        next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
      }
      row = next;
    }
    return row[b.length]!;
  };
  if (word.length > 100) return '';
  const bare = (text: string): string => text.replace(/^(--|TOUCHSTONE_)/, '').toLowerCase();
  const ranked = known.map((each) => ({ each, edits: distance(bare(word), bare(each)) }));
  const [best] = ranked.toSorted((a, b) => a.edits - b.edits);
  const letters = bare(word).length;
  return best && best.edits <= (letters < 4 ? 1 : Math.max(2, letters / 3)) ? `; did you mean ${best.each}?` : '';
}
