/** Ctrl-C and SIGTERM: the first one ends the checks, so that what they created can be removed; another ends the program. */

/** A terminal and the launcher above this process can both pass on one key press. */
const REPEATED_SIGNAL_MS = 1000;
const signals = ['SIGINT', 'SIGTERM'] as const;

/** `process`, or a substitute in tests. */
export interface SignalSource {
  on(signal: (typeof signals)[number], listener: () => void): unknown;
  off(signal: (typeof signals)[number], listener: () => void): unknown;
  exit(code: number): void;
}

export interface Interrupts {
  readonly aborted: AbortSignal;
  received(): string | undefined;
  end(): void;
}

export function watchInterrupts(source: SignalSource, now: () => number = () => performance.now()): Interrupts {
  const controller = new AbortController();
  let first: { readonly signal: string; readonly at: number } | undefined;
  const listeners = signals.map((signal) => {
    const listener = (): void => {
      if (first === undefined) {
        first = { signal, at: now() };
        controller.abort();
      } else if (now() - first.at > REPEATED_SIGNAL_MS) source.exit(2);
    };
    source.on(signal, listener);
    return [signal, listener] as const;
  });
  return {
    aborted: controller.signal,
    received: () => first?.signal,
    end: () => {
      for (const [signal, listener] of listeners) source.off(signal, listener);
    },
  };
}
