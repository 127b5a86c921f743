/**
 * The exchanges that belong to one payment: the requests that created its resources, back over their tokens to the
 * grants and interactions behind these, and every later request for the resources.
 */

import { headerLines } from '../http/received-request.ts';
import type { TracedExchange } from '../http/request-trace.ts';
import { listNewest } from './exchanges.ts';
import type { InspectedWorld } from './route.ts';

/** Identifiers of a payment's resources, each unique in a world. */
export interface PaymentIds {
  readonly outgoingPayment: string;
  readonly quote: string;
  /** Id of the incoming payment: the last part of its URL. */
  readonly incomingPayment: string;
  /** Wallet addresses that the payment concerns. */
  readonly walletAddresses: readonly string[];
}

interface Facts {
  readonly exchange: TracedExchange;
  readonly id: number;
  /** The token with which it was called. */
  readonly token: string | undefined;
  /** Tokens that it issued, for access or for continuation. */
  readonly issued: readonly string[];
  /** Id of the interaction that it began. */
  readonly interaction: string | undefined;
  readonly isCreation: boolean;
}

const MAX_EXCHANGES = 1000;
/** Wallet addresses are read before the first request that belongs to the payment for certain. */
const READ_BEFORE = 12;
const walletReads: ReadonlySet<string> = new Set(['get-wallet-address', 'get-wallet-address-keys']);

/** Oldest first. Only exchanges that are still recorded are found. */
export function listPaymentExchanges(world: InspectedWorld, ids: PaymentIds): TracedExchange[] {
  const all = listNewest(world, MAX_EXCHANGES)
    .toReversed()
    .flatMap(({ id }) => world.controls.findExchange(id) ?? [])
    .map(describeFacts);
  const resources = [ids.outgoingPayment, ids.quote, ids.incomingPayment];
  const names = (text: string) => resources.some((id) => text.includes(id));
  const found = new Set(
    all.filter(
      ({ exchange, isCreation }) =>
        names(exchange.request.rawTarget) || (isCreation && names(exchange.reply?.content ?? '')),
    ),
  );
  // The tokens of these lead to the grants, and these to their interactions and continuations.
  const tokens = new Set([...found].flatMap(({ token }) => token ?? []));
  const interactions = new Set<string>();
  for (let size = -1; size !== found.size; ) {
    size = found.size;
    for (const facts of all) {
      const isSource = facts.issued.some((token) => tokens.has(token));
      const isStep = [...interactions].some((id) => facts.exchange.request.rawTarget.includes(id));
      if (!isSource && !isStep) continue;
      found.add(facts);
      if (isSource && facts.token !== undefined) tokens.add(facts.token);
      if (facts.interaction !== undefined) interactions.add(facts.interaction);
    }
  }
  const first = Math.min(...[...found].map(({ id }) => id));
  const last = Math.max(...[...found].map(({ id }) => id));
  for (const facts of all) {
    const isNear = facts.id >= first - READ_BEFORE && facts.id <= last;
    const url = facts.exchange.request.targetUri;
    const isRead = walletReads.has(facts.exchange.summary.operation);
    if (isNear && isRead && ids.walletAddresses.some((each) => url === each || url === `${each}/jwks.json`))
      found.add(facts);
  }
  return all.filter((facts) => found.has(facts)).map(({ exchange }) => exchange);
}

interface GrantAnswer {
  readonly access_token?: { readonly value?: unknown };
  readonly continue?: { readonly access_token?: { readonly value?: unknown } };
  readonly interact?: { readonly redirect?: unknown };
}

function describeFacts(exchange: TracedExchange): Facts {
  const { summary, request, reply } = exchange;
  const answer = parseObject(reply?.content) as GrantAnswer;
  const redirect = answer.interact?.redirect;
  const issued = [answer.access_token?.value, answer.continue?.access_token?.value];
  return {
    exchange,
    id: summary.id,
    token: /^GNAP +(\S+)$/i.exec(headerLines(request, 'authorization')[0] ?? '')?.[1],
    issued: issued.filter((value) => typeof value === 'string'),
    interaction: typeof redirect === 'string' ? idOfInteraction(redirect) : undefined,
    isCreation: request.method === 'POST',
  };
}

/** From `/interact/{id}/{nonce}`. Later steps repeat the id. */
const idOfInteraction = (redirect: string): string | undefined =>
  URL.parse(redirect)?.pathname.split('/').at(-2) || undefined;

function parseObject(text: string | undefined): object {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
