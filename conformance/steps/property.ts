/**
 * Properties: checks that hold for any of the requests that an arbitrary of fast-check generates. Every answer must
 * have a declared status and body, and none may be a 5xx. A counter-example is shrunk; the failure names the seed that
 * generates it again.
 */
import fc from 'fast-check';
import { NotApplicable } from '../runner/capability.ts';
import type { Check, CheckContext } from '../runner/check.ts';
import { CounterExample } from '../runner/evidence.ts';
import type { Answer, SendCall } from './signed-client.ts';

export interface Trial<Value> {
  readonly values: fc.Arbitrary<Value>;
  /** Values that are tried before the random ones. */
  readonly examples?: readonly Value[];
  /** Part of the usual number of cases, where a case takes many requests. */
  readonly share?: number;
  /** Throws if the target does not do for this value what it must. */
  readonly holds: (value: Value, context: CheckContext) => Promise<void>;
  /** A path does not lead back to a counter-example whose generation depends on the answers, as commands do. */
  readonly isStateful?: boolean;
}

export interface Property<Value> extends Pick<Check, 'rows' | 'title' | 'profile'> {
  /** Without the prefix `property.`. */
  readonly id: string;
  /** Creates what the cases have in common. */
  readonly prepare: (context: CheckContext) => Promise<Trial<Value>>;
}

/** States a trial, with the type of its values inferred. */
export const forAll = <Value>(trial: Trial<Value>): Trial<Value> => trial;

/** One step of a client, and what its answers must be. */
export type Step<Model extends object> = fc.AsyncCommand<Model, CheckContext>;

/** Sequences of steps, of any length alike: without a bias towards short ones, since those lead nowhere. */
export const sequences = <Model extends object>(steps: fc.Arbitrary<Step<Model>>[]) =>
  fc.noBias(fc.commands<Model, CheckContext, false>(steps, { maxCommands: 16, size: '+1' }));

/** The property as a check of the suite. */
export function property<Value>({ prepare, id: name, ...described }: Property<Value>): Check {
  const id = `property.${name}`;
  return { id, ...described, run: async (context) => judge(id, context, await prepare(context)) };
}

async function judge<Value>(id: string, context: CheckContext, trial: Trial<Value>): Promise<void> {
  const { seed, path, cases, shrinks = true } = context.random;
  const { examples = [], share = 1, isStateful = false } = trial;
  // Set by the last failing case, which is the one that fast-check reports.
  let failing: { readonly error: unknown; readonly answer: Answer | undefined } | undefined;
  const attempt = async (value: Value): Promise<void> => {
    let last: Answer | undefined;
    const call: SendCall = async (one) => {
      last = await context.call(one);
      expectSound(last);
      return last;
    };
    try {
      await trial.holds(value, { ...context, call });
    } catch (error) {
      failing = { error, answer: last };
      throw error;
    }
  };
  const details = await fc.check(fc.asyncProperty(trial.values, attempt), {
    seed,
    ...(path !== undefined && { path }),
    endOnFailure: !shrinks,
    numRuns: examples.length + Math.max(1, Math.round(cases * share)),
    examples: examples.map((example): [Value] => [example]),
  });
  if (!details.failed) return;
  const { error, answer } = failing ?? { error: details.errorInstance, answer: undefined };
  if (error instanceof NotApplicable) throw error;
  const [value] = details.counterexample ?? [];
  const replay = isStateful ? String(seed) : `${seed}/${details.counterexamplePath}`;
  const message = [
    error instanceof Error ? error.message : String(error),
    `counter-example after ${details.numRuns} cases, shrunk ${details.numShrinks} times: ${fc.stringify(value)}`,
    `to try it again: --properties --only '^${id.replaceAll('.', '\\.')}$' --seed ${replay}`,
  ];
  throw new CounterExample(message.join('\n'), answer);
}

/** No input causes a 5xx, and whatever is answered is declared. */
function expectSound({ status, violation }: Answer): void {
  if (status >= 500) throw new Error(`no request may cause a 5xx, but the answer is ${status}`);
  if (violation !== undefined) throw new Error(violation);
}
