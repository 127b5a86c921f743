/** Tokens of a run: where each came from, what it allows, and until when it is good (RFC 9635 §3.1, §3.2, §6). */
import { decodePercent, splitTarget } from '../../http/received-request.ts';
import type { GradedExchange } from '../graded-exchange.ts';
import { asArray, asObject, asString } from '../json.ts';
import { BoundedMap } from './bounded-map.ts';

export interface Right {
  readonly type: string | undefined;
  readonly actions: readonly string[];
  readonly identifier: string | undefined;
}

export interface KnownToken {
  readonly kind: 'access' | 'continuation';
  readonly value: string;
  readonly ase: string;
  /** The exchange whose answer had it. */
  readonly exchange: number;
  /** Where it is managed, or where the grant is continued. */
  readonly uri: string | undefined;
  readonly rights: readonly Right[];
  /** Wall time in milliseconds at which the answer had been sent, and at which the token expires. */
  readonly issuedAt: number;
  readonly expiresAt: number | undefined;
  /** Wall time in milliseconds at which the answer to a rotation or a revocation had been sent. */
  replacedAt?: number;
  revokedAt?: number;
}

export interface Tokens {
  find(value: string): KnownToken | undefined;
  /** A token that is equal except for case, encoding and characters other than letters and digits. */
  findAlike(value: string): KnownToken | undefined;
  /** The newest token that is managed at the URI of this request. */
  findManaged(exchange: GradedExchange): KnownToken | undefined;
  /** True if the URI of this request is one that an answer named. */
  isHandedOut(exchange: GradedExchange): boolean;
  /** The newest access token with this right. */
  newestWith(ase: string, type: string, action: string): KnownToken | undefined;
  observe(exchange: GradedExchange): void;
}

const MAX_TOKENS = 20_000;
const MAX_RIGHTS = 8;

export function createTokens(): Tokens {
  const byValue = new BoundedMap<string, KnownToken>(MAX_TOKENS);
  const byLetters = new BoundedMap<string, KnownToken>(MAX_TOKENS);
  const byUri = new BoundedMap<string, KnownToken>(MAX_TOKENS);
  const byRight = new BoundedMap<string, KnownToken>(MAX_TOKENS);

  function add(token: KnownToken): void {
    byValue.set(token.value, token);
    byLetters.set(lettersOf(token.value), token);
    if (token.uri !== undefined) byUri.set(uriKey(token.ase, token.uri), token);
    for (const { type, actions } of token.rights)
      for (const action of actions.slice(0, MAX_RIGHTS)) byRight.set(`${token.ase} ${type} ${action}`, token);
  }
  const findByUri = ({ ase, request }: GradedExchange) => byUri.get(uriKey(ase, request.targetUri));
  const findManaged = (exchange: GradedExchange): KnownToken | undefined => {
    const token = findByUri(exchange);
    return token?.kind === 'access' ? token : undefined;
  };

  return {
    find: (value) => byValue.get(value),
    findAlike: (value) => byLetters.get(lettersOf(value)),
    findManaged,
    isHandedOut: (exchange) => findByUri(exchange) !== undefined,
    newestWith: (ase, type, action) => byRight.get(`${ase} ${type} ${action}`),
    observe(exchange) {
      const { operation, status, answeredAt, token } = exchange;
      const managed = findManaged(exchange) ?? byValue.get(token ?? '');
      const isRotated = operation === 'post-token' && status === 200;
      const issued = listTokens(exchange);
      if (managed && isRotated && issued.some(({ value }) => value !== managed.value))
        managed.replacedAt ??= answeredAt;
      if (managed && operation === 'delete-token' && status === 204) managed.revokedAt ??= answeredAt;
      issued.forEach(add);
    },
  };
}

const lettersOf = (value: string): string =>
  decodePercent(value)
    .replaceAll(/[^a-z0-9]/gi, '')
    .toLowerCase();

/** Aliases of an origin lead to the same resource, so only the path and the query count. */
function uriKey(ase: string, uri: string): string {
  const [path, query] = splitTarget(uri);
  return `${ase} ${path}${query}`;
}

/** Tokens in the answer of a grant request, a continuation or a rotation. */
function listTokens({ id, ase, operation, status, answer, answeredAt }: GradedExchange): KnownToken[] {
  if (status !== 200 || !['post-request', 'post-continue', 'post-token'].includes(operation)) return [];
  const { access_token, continue: continuation } = asObject(answer);
  const common = { ase, exchange: id, issuedAt: answeredAt };
  const access = asObject(access_token);
  const { uri, access_token: continuationToken } = asObject(continuation);
  const [value, continuationValue] = [asString(access['value']), asString(asObject(continuationToken)['value'])];
  const expiresIn = access['expires_in'];
  return [
    ...(value === undefined
      ? []
      : [
          {
            ...common,
            kind: 'access' as const,
            value,
            uri: asString(access['manage']),
            rights: readRights(access['access']),
            expiresAt: typeof expiresIn === 'number' ? answeredAt + expiresIn * 1000 : undefined,
          },
        ]),
    ...(continuationValue === undefined
      ? []
      : [
          {
            ...common,
            kind: 'continuation' as const,
            value: continuationValue,
            uri: asString(uri),
            rights: [],
            expiresAt: undefined,
          },
        ]),
  ];
}

const readRights = (access: unknown): Right[] =>
  asArray(access)
    .slice(0, MAX_RIGHTS)
    .map(asObject)
    .map(({ type, actions, identifier }) => ({
      type: asString(type),
      actions: asArray(actions).filter((action) => typeof action === 'string'),
      identifier: asString(identifier),
    }));
