/** An option of the program, as the tables of options describe it. */
import type { Command } from './commands.ts';

type Kind = 'string' | 'integer' | 'boolean';

export interface Option {
  readonly flag: string;
  readonly kind: Kind;
  /** Name of the value in `--help`. */
  readonly value?: string;
  readonly choices?: readonly string[];
  readonly fallback?: string;
  /** The value of the flag alone. */
  readonly implied?: string;
  /** Largest integer. Default: 65535. */
  readonly maximum?: number;
  /** The commands that take this option. Default: only `start`. */
  readonly commands?: readonly Command[];
  /** One sentence. It says so if the value is secret. */
  readonly sentence: string;
}
