/** Wallet addresses that a request calls or names. */
import { parseQuery } from '../../http/received-request.ts';
import type { GradedExchange } from '../graded-exchange.ts';
import { asArray, asObject, pointerTo } from '../json.ts';

export interface NamedAddress {
  /** The member or parameter, for display. */
  readonly place: string;
  readonly url: string;
}

const MAX_ITEMS = 8;

export function namedWalletAddresses(exchange: GradedExchange): NamedAddress[] {
  const { operation, request, status } = exchange;
  switch (operation) {
    case 'get-wallet-address':
      return status === 200 ? [{ place: 'the request target', url: absoluteTarget(exchange) }] : [];
    case 'post-request':
      return inGrantRequest(asObject(exchange.body));
    case 'create-incoming-payment':
    case 'create-quote':
    case 'create-outgoing-payment':
      return named(pointerTo('walletAddress'), asObject(exchange.body)['walletAddress']);
    case 'list-incoming-payments':
    case 'list-outgoing-payments':
      return named('the query', parseQuery(request.rawTarget)['wallet-address']);
    default:
      return [];
  }
}

const named = (place: string, url: unknown): NamedAddress[] => (typeof url === 'string' ? [{ place, url }] : []);

/** The target may be a whole URL with user information. */
const absoluteTarget = ({ request }: GradedExchange): string =>
  /^https?:/i.test(request.rawTarget) ? request.rawTarget : request.targetUri;

function inGrantRequest({ client, access_token, subject }: Readonly<Record<string, unknown>>): NamedAddress[] {
  const access = asArray(asObject(access_token)['access']).slice(0, MAX_ITEMS);
  const subjects = asArray(asObject(subject)['sub_ids']).slice(0, MAX_ITEMS);
  return [
    ...named(pointerTo('client'), client),
    ...named(pointerTo('client', 'walletAddress'), asObject(client)['walletAddress']),
    ...access.flatMap((item, i) =>
      named(pointerTo('access_token', 'access', i, 'identifier'), asObject(item)['identifier']),
    ),
    ...subjects.flatMap((item, i) => named(pointerTo('subject', 'sub_ids', i, 'id'), asObject(item)['id'])),
  ];
}
