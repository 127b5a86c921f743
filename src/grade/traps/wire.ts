/** Reading and rewriting the messages that traps deal with. */
import type { InterceptedCall, Interceptor } from '../../http/interceptor.ts';
import { headerLines } from '../../http/received-request.ts';
import type { Answer, DeliveredReply } from '../../http/reply.ts';
import type { ControlExchange, TrapFacts } from './trap.ts';

export type Json = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A member of an object, or undefined. */
export const member = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>(
    (inner, name) => (isObject(inner) && Object.hasOwn(inner, name) ? inner[name] : undefined),
    value,
  );

export const text = (value: unknown, ...path: readonly string[]): string | undefined => {
  const found = member(value, ...path);
  return typeof found === 'string' ? found : undefined;
};

export const isReply = (answer: Answer): answer is DeliveredReply => typeof answer !== 'string';

/** The content of a successful JSON answer. */
export const successOf = (answer: Answer): Json | undefined =>
  isReply(answer) && answer.status < 300 && isObject(answer.body) ? answer.body : undefined;

export const withBody = (answer: Answer, body: unknown): Answer => (isReply(answer) ? { ...answer, body } : answer);

/** Calls the function once the answer was delivered completely. */
export const whenDelivered = (answer: Answer, work: () => void): Answer =>
  isReply(answer)
    ? {
        ...answer,
        onSent(isComplete) {
          answer.onSent?.(isComplete);
          if (isComplete) work();
        },
      }
    : answer;

/** The trap was reached once this answer was delivered completely. */
export const poisoned = (facts: TrapFacts, call: InterceptedCall, answer: Answer): Answer =>
  whenDelivered(answer, () => facts.reach(call));

export const errorReply = (
  status: number,
  code: string,
  description: string,
  headers: Readonly<Record<string, string>> = {},
): DeliveredReply => ({ status, headers, body: { error: { code, description } } });

/** Changes every text in a JSON value. */
export function mapTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((each) => mapTexts(each, change));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, mapTexts(inner, change)]));
}

/** Amounts anywhere in a JSON value. */
export function amountsOf(value: unknown): Json[] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = Object.values(value).flatMap(amountsOf);
  return 'assetCode' in value ? [value as Json, ...inner] : inner;
}

const resourceOperations: ReadonlySet<string> = new Set([
  'create-incoming-payment',
  'list-incoming-payments',
  'get-incoming-payment',
  'complete-incoming-payment',
  'create-quote',
  'get-quote',
  'create-outgoing-payment',
  'list-outgoing-payments',
  'get-outgoing-payment',
  'get-outgoing-payment-grant',
]);

export const isResource = ({ operation }: { readonly operation: string }): boolean => resourceOperations.has(operation);

export const isFinish = ({ operation }: InterceptedCall): boolean =>
  operation === 'start-interaction' || operation === 'finish-interaction';

/** Equal for the same request, whatever its token and signature are. */
export const requestKey = ({ operation, exchange }: InterceptedCall): string =>
  `${operation} ${exchange.method} ${exchange.targetUri} ${exchange.body.toString('latin1')}`;

export const interactRefOf = ({ body }: Pick<InterceptedCall, 'body'>): string | undefined =>
  text(body, 'interact_ref');

export const tokenOfRequest = ({ request }: Pick<ControlExchange, 'request'>): string | undefined =>
  /^GNAP +(\S+)$/i.exec(headerLines(request, 'authorization')[0] ?? '')?.[1];

/** Other names on the wire, which requests have to use, and the real ones. */
export interface Aliases extends Required<Pick<Interceptor, 'resolve'>> {
  /** Gives a thing an alias; the same thing always has the same one. */
  give(real: string, create: (number: number) => string): string;
  /** Gives it one more alias. */
  add(alias: string, real: string): void;
  isAlias(name: string): boolean;
}

export function createAliases(): Aliases {
  const aliasOf = new Map<string, string>();
  const realOf = new Map<string, string>();
  return {
    give(real, create) {
      const alias = aliasOf.get(real) ?? create(realOf.size + 1);
      aliasOf.set(real, alias);
      realOf.set(alias, real);
      return alias;
    },
    add: (alias, real) => void realOf.set(alias, real),
    isAlias: (name) => realOf.has(name),
    resolve: (name) => realOf.get(name),
  };
}

/** Access rights in a request or answer. */
export function accessOf(body: unknown): readonly Json[] {
  const access = member(body, 'access_token', 'access');
  return Array.isArray(access) ? access.filter(isObject) : [];
}

const GRANT_FREE: ReadonlySet<string> = new Set(['unknown', 'preflight', 'get-wallet-address-did-document']);

/**
 * Tells when a run has called everything that the control run called with success. A GET may come less often, since
 * clients poll.
 */
export function createProgress(control: readonly ControlExchange[]) {
  const nameOf = ({ ase, operation }: { readonly ase: string; readonly operation: string }) => `${ase} ${operation}`;
  const left = new Map<string, number>();
  for (const exchange of control) {
    if (exchange.status === null || exchange.status >= 400 || GRANT_FREE.has(exchange.operation)) continue;
    const isGet = exchange.request.method === 'GET';
    left.set(nameOf(exchange), isGet ? 1 : (left.get(nameOf(exchange)) ?? 0) + 1);
  }
  return {
    /** Counts a call, and returns true if none is left. */
    count(call: InterceptedCall): boolean {
      const name = nameOf(call);
      const calls = left.get(name);
      if (calls === 1) left.delete(name);
      else if (calls !== undefined) left.set(name, calls - 1);
      return left.size === 0;
    },
  };
}
