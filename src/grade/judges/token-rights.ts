/** Judges whether an access token allows what it is used for (CL-TOK-04, CL-SEC-04). */
import { parseQuery } from '../../http/received-request.ts';
import { canonicalWalletAddress } from '../../open-payments/wallet-address-url.ts';
import type { GradedExchange } from '../graded-exchange.ts';
import { asObject, asString } from '../json.ts';
import type { Findings, Run } from '../judge.ts';
import { policyFor } from '../operations.ts';
import type { KnownToken } from '../state/tokens.ts';
import { pass, violation, weak } from './findings.ts';

/** Undefined for operations that need no right. */
function isAllowed(token: KnownToken, exchange: GradedExchange): boolean | undefined {
  const needed = policyFor(exchange.operation)?.access;
  if (needed === undefined) return undefined;
  if (token.kind !== 'access' || token.ase !== exchange.ase) return false;
  const wallet = walletOf(exchange);
  return token.rights.some(
    ({ type, actions, identifier }) =>
      type === needed.type &&
      (actions.includes(needed.action) || actions.includes(`${needed.action}-all`)) &&
      (wallet === undefined ||
        identifier === undefined ||
        canonicalWalletAddress(identifier) === canonicalWalletAddress(wallet)),
  );
}

/** True if the token is of no use for reading this incoming payment, so that its public view must be meant. */
export const meansPublicView = (token: KnownToken, { ase, operation }: GradedExchange): boolean =>
  operation === 'get-incoming-payment' &&
  (token.ase !== ase || !token.rights.some(({ type }) => type === 'incoming-payment'));

/** The wallet address that the request names. */
function walletOf({ body, request }: GradedExchange): string | undefined {
  return asString(asObject(body)['walletAddress']) ?? asString(parseQuery(request.rawTarget)['wallet-address']);
}

/** With only one token at hand, a client may try what it was not granted; with several, it took the wrong one. */
export function judgeRights(exchange: GradedExchange, { state }: Run): Findings {
  const token = exchange.token === undefined ? undefined : state.tokens.find(exchange.token);
  if (token?.kind !== 'access') return undefined;
  const allowed = isAllowed(token, exchange);
  if (allowed !== false) return allowed && pass;
  const { operation, ase } = exchange;
  const values = {
    expected: `a token for \`${operation}\` at ${ase}`,
    actual: `a token for ${describeRights(token)} at ${token.ase}`,
  };
  const better = findBetter(exchange, state.tokens.newestWith.bind(state.tokens));
  return better
    ? violation(
        `The token of exchange ${token.exchange} was used where that of exchange ${better.exchange} fits.`,
        values,
      )
    : weak(`The token of exchange ${token.exchange} does not allow \`${operation}\`.`, values);
}

type NewestWith = Run['state']['tokens']['newestWith'];

function findBetter(exchange: GradedExchange, newestWith: NewestWith): KnownToken | undefined {
  const { type, action } = policyFor(exchange.operation)!.access!;
  const candidates = [newestWith(exchange.ase, type, action), newestWith(exchange.ase, type, `${action}-all`)];
  return candidates.find(
    (candidate) =>
      candidate !== undefined &&
      candidate.replacedAt === undefined &&
      candidate.revokedAt === undefined &&
      (candidate.expiresAt ?? Infinity) > exchange.receivedAt &&
      isAllowed(candidate, exchange),
  );
}

const describeRights = ({ rights }: KnownToken): string =>
  rights.map(({ type, actions }) => `${type ?? 'no type'} (${actions.slice(0, 5).join(', ')})`).join(' and ') ||
  'nothing';
