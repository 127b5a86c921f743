/**
 * The traces of a run at a target that somebody else may own: what it creates and spends, the budget that it keeps, and
 * what it removes at the end.
 */
import { visible } from '../../src/report/visible-text.ts';
import type { Answer, Call, Json, SendCall } from '../steps/signed-client.ts';
import { NotApplicable } from './capability.ts';
import type { Party } from './check.ts';

/** Minor units of one asset. */
export interface Money {
  readonly value: bigint;
  readonly assetCode: string;
  readonly assetScale: number;
}

export type Kind = 'incoming payment' | 'quote' | 'outgoing payment' | 'access token' | 'grant';

export interface Leftover {
  readonly kind: Kind;
  readonly url: string;
}

export interface Counts {
  readonly incomingPayments: number;
  readonly quotes: number;
  readonly outgoingPayments: number;
  /** Minor units of the asset of the sender. */
  readonly spent: bigint;
}

/** The call that created something, whose credentials can remove it. */
interface Created {
  readonly token: string | undefined;
  readonly sign: Call['sign'];
  readonly walletAddress?: string;
}

export interface Footprint {
  /** Passes calls on, and refuses a payment that would exceed the budget. */
  watch(call: SendCall): SendCall;
  counts(): Counts;
  /** Lets no further call pass, completes incoming payments, revokes tokens and cancels grants. Returns everything that stays. */
  cleanUp(call: SendCall, stop?: AbortSignal): Promise<Leftover[]>;
}

export interface FootprintOptions {
  readonly sender: Party;
  readonly receiver: Party;
  /** Client of the grants that complete incoming payments. */
  readonly client: string;
  /** Minor units of the asset of the sender. */
  readonly budget?: bigint | undefined;
}

export function createFootprint({ sender, receiver, client, budget }: FootprintOptions): Footprint {
  const servers = [sender, receiver].flatMap(({ authServer, resourceServer }) => [authServer, resourceServer]);
  const isOfTarget = (url: unknown): url is string =>
    typeof url === 'string' && servers.some((server) => url.startsWith(server.replace(/\/$/, '')));
  const incoming = new Map<string, Created>();
  const tokens = new Map<string, Created>();
  const grants = new Map<string, Created>();
  const quotes = new Map<string, bigint>();
  /** A repeated request is answered with the payment that it made before. */
  const paid = new Set<string>();
  let created = 0;
  /** Spent, or about to be spent by a request without an answer. */
  let committed = 0n;
  /** Requests of a check that was interrupted may still be under way when the cleaning begins. */
  const pending = new Set<Promise<Answer>>();
  let isClosed = false;

  /** The amount that this request could spend. */
  function costOf(call: Call): bigint {
    if (call.method !== undefined && call.method !== 'POST') return 0n;
    if (call.url.replace(/[?#].*$/, '') !== `${sender.resourceServer}/outgoing-payments`) return 0n;
    const json = (call.json ?? parse(call.raw)) as Json;
    return quotes.get(json?.quoteId) ?? amountIn(json?.debitAmount);
  }

  function remember(call: Call, answer: Answer): void {
    const { body, status, operation, sent } = answer;
    const by = { token: call.token, sign: call.sign };
    const url = sent.url.replace(/[?#].*$/, '');
    if (operation === 'create-incoming-payment' && status === 201 && isOfTarget(body?.id)) {
      created += 1;
      incoming.set(body.id, { ...by, walletAddress: body.walletAddress });
    } else if (operation === 'complete-incoming-payment' && status === 200) {
      incoming.delete(url.replace(/\/complete$/, ''));
    } else if (operation === 'create-quote' && status === 201 && isOfTarget(body?.id)) {
      quotes.set(body.id, amountIn(body.debitAmount));
    } else if (operation === 'create-outgoing-payment' && status === 201 && isOfTarget(body?.id)) {
      paid.add(body.id);
    } else if (operation === 'delete-token' && status < 300) tokens.delete(url);
    else if (operation === 'delete-continue' && status < 300) grants.delete(url);
    if (operation === 'post-token' && status === 200) tokens.delete(url);
    const { access_token: token, continue: next } = typeof body === 'object' && body !== null ? (body as Json) : {};
    if (isOfTarget(token?.manage)) tokens.set(token.manage, { token: token.value, sign: call.sign });
    if (isOfTarget(next?.uri)) grants.set(next.uri, { token: next.access_token?.value, sign: call.sign });
  }

  /** Sends a request and keeps the account of it. */
  async function send(call: SendCall, one: Call): Promise<Answer> {
    const cost = costOf(one);
    if (budget !== undefined && committed + cost > budget) throw new NotApplicable('budget');
    committed += cost;
    let isPaid = true;
    try {
      const answer = await call(one);
      // After an error of the server, the payment may exist.
      isPaid = answer.operation === 'create-outgoing-payment' && (answer.status === 201 || answer.status >= 500);
      // A payment that the request did not announce counts by its answer.
      if (isPaid && isOfTarget(answer.body?.id) && cost === 0n) committed += amountIn(answer.body.debitAmount);
      remember(one, answer);
      return answer;
    } finally {
      if (!isPaid) committed -= cost;
    }
  }

  return {
    watch: (call) => async (one) => {
      if (isClosed) throw new Error('the run has ended');
      const sent = send(call, one);
      pending.add(sent);
      return sent.finally(() => pending.delete(sent));
    },
    counts: () => ({
      incomingPayments: created,
      quotes: quotes.size,
      outgoingPayments: paid.size,
      spent: committed,
    }),
    async cleanUp(call, stop) {
      isClosed = true;
      await Promise.allSettled(pending);
      const complete = createCompleter(call, client, [sender, receiver]);
      for (const [url, by] of incoming) if (!stop?.aborted && (await complete(url, by))) incoming.delete(url);
      await complete.end();
      for (const [operation, all] of [
        ['delete-token', tokens],
        ['delete-continue', grants],
      ] as const) {
        for (const [url, { token, sign }] of all) {
          if (stop?.aborted) break;
          const status = await statusOf(call, { operation, method: 'DELETE', url, token, ...(sign && { sign }) });
          // A token that is unknown now cannot be used either.
          if (status !== undefined && (status < 300 || status === 401 || status === 404)) all.delete(url);
        }
      }
      const list = (kind: Kind, urls: Iterable<string>): Leftover[] => [...urls].map((url) => ({ kind, url }));
      return [
        ...list('incoming payment', incoming.keys()),
        ...list('quote', quotes.keys()),
        ...list('outgoing payment', paid),
        ...list('access token', tokens.keys()),
        ...list('grant', grants.keys()),
      ];
    },
  };
}

/** Completes with the token of the creation, or with a new one for the wallet address. */
function createCompleter(call: SendCall, client: string, parties: readonly Party[]) {
  const renewed = new Map<string, { readonly value: string; readonly manage: string } | undefined>();

  async function renew(walletAddress: string | undefined) {
    const party = parties.find(({ url }) => url === walletAddress);
    if (party === undefined) return undefined;
    if (!renewed.has(party.url)) {
      const access = [{ type: 'incoming-payment', actions: ['complete'], identifier: party.url }];
      const json = { client, access_token: { access } };
      const answer = await call({ operation: 'post-request', url: party.authServer, json }).catch(() => undefined);
      renewed.set(party.url, answer?.body?.access_token);
    }
    return renewed.get(party.url)?.value;
  }

  async function complete(url: string, { token, sign, walletAddress }: Created): Promise<boolean> {
    const request = { operation: 'complete-incoming-payment', method: 'POST', url: `${url}/complete` };
    for (const attempt of [async () => token, () => renew(walletAddress)]) {
      const value = await attempt();
      if (value === undefined) continue;
      const status = await statusOf(call, { ...request, token: value, ...(value === token && sign && { sign }) });
      // It is final already, or gone.
      if (status === 200 || status === 409 || status === 404) return true;
    }
    return false;
  }

  complete.end = async (): Promise<void> => {
    for (const token of renewed.values()) {
      if (token)
        await statusOf(call, { operation: 'delete-token', method: 'DELETE', url: token.manage, token: token.value });
    }
  };
  return complete;
}

const statusOf = async (call: SendCall, request: Call): Promise<number | undefined> =>
  (await call(request).catch(() => undefined))?.status;

const amountIn = (amount: Json): bigint => (/^\d{1,30}$/.test(amount?.value) ? BigInt(amount.value) : 0n);

function parse(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `--budget`: a decimal number of major units such as `12.50`, in the asset of the sender. Throws for anything else. */
export function parseBudget(text: string, { assetCode, assetScale }: Pick<Party, 'assetCode' | 'assetScale'>): bigint {
  const [, whole, decimals = '', code = assetCode] = /^(\d{1,15})(?:\.(\d+))?(?: ?([A-Za-z]{3,}))?$/.exec(text) ?? [];
  if (whole === undefined) throw new Error(`--budget takes an amount such as 12.50, not ${text}`);
  if (code.toUpperCase() !== assetCode.toUpperCase())
    throw new Error(`--budget is in ${code}, but the sender pays in ${assetCode}`);
  if (decimals.length > assetScale)
    throw new Error(`--budget has more decimals than ${assetCode}, which has ${assetScale}`);
  return BigInt(whole + decimals.padEnd(assetScale, '0'));
}

/** Such as `12.50 USD`. */
export function formatMoney({ value, assetCode, assetScale }: Money): string {
  const digits = value.toString().padStart(assetScale + 1, '0');
  const whole = digits.slice(0, digits.length - assetScale);
  return `${whole}${assetScale === 0 ? '' : `.${digits.slice(-assetScale)}`} ${assetCode}`;
}

const MAX_NAMED = 10;

/** Lines that name everything that stays at the target. `isListed`: a file lists all of it. */
export function describeLeftovers(leftovers: readonly Leftover[], isListed: boolean): string[] {
  return [...Map.groupBy(leftovers, ({ kind }) => kind)].flatMap(([kind, all]) => {
    const shown = isListed ? all.slice(0, MAX_NAMED) : all;
    const rest = all.length - shown.length;
    return [
      `left behind: ${all.length} ${kind}${all.length === 1 ? '' : 's'}`,
      ...shown.map(({ url }) => `  ${visible(url)}`),
      ...(rest > 0 ? [`  and ${rest} more, which the JSON report lists`] : []),
    ];
  });
}
