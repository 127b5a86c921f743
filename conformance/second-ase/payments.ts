/** Quotes and outgoing payments: conversion, the limits of grants, and delivery to wallets of this ASE. */
import type { AccessItem } from './access.ts';
import { badRequest, type Exchange, Refusal, type Reply, type Route } from './http.ts';
import { parseInterval, periodAt } from './intervals.ts';
import { type Amount, type Json, readAmount } from './json.ts';
import { amountIn, instant, isAssetOf, isOpen, type Resources, roomOf } from './resource.ts';
import {
  type Grant,
  type IncomingPayment,
  newId,
  type OutgoingPayment,
  type Quote,
  type State,
  type Wallet,
} from './state.ts';

const QUOTE_LIFETIME_MS = 900_000;
/** Price of one unit of each currency, in thousandths of a dollar. */
const prices: Readonly<Record<string, bigint>> = { USD: 1000n, EUR: 1100n };

/** @param round `up` where a fraction of a unit counts as one */
function convert(value: bigint, from: Wallet, to: Wallet, round: 'up' | 'down'): bigint {
  const numerator = value * prices[from.assetCode]! * 10n ** BigInt(to.assetScale);
  const denominator = prices[to.assetCode]! * 10n ** BigInt(from.assetScale);
  return numerator / denominator + (round === 'up' && numerator % denominator > 0n ? 1n : 0n);
}

/** The amounts of a quote, without its identity. */
type Terms = Pick<Quote, 'receiver' | 'debitAmount' | 'receiveAmount' | 'expiresAt'>;

export function paymentRoutes(state: State, resources: Resources): readonly Route[] {
  const { has } = state;

  /** The incoming payment of a URL, if it is one of this ASE that still takes money. */
  function findReceiver(url: unknown): IncomingPayment | undefined {
    const prefix = `${state.resourceServer}/incoming-payments/`;
    if (typeof url !== 'string' || !url.startsWith(prefix)) return undefined;
    const payment = state.incoming.get(url.slice(prefix.length));
    return payment && (isOpen(payment) || has('closed-receiver-paid')) ? payment : undefined;
  }

  function readTerms(wallet: Wallet, { receiver: url, debitAmount, receiveAmount }: Json): Terms {
    const receiver = findReceiver(url);
    if (!receiver) throw badRequest('the receiver is not an open incoming payment');
    const [debit, receive] = [debitAmount, receiveAmount].map((given, index) => {
      if (given === undefined) return undefined;
      const amount = readAmount(given);
      const isFit = amount && amount.value !== '0' && isAssetOf(index === 0 ? wallet : receiver.wallet, amount);
      if (!isFit) throw badRequest('the amount is not right');
      return BigInt(amount.value);
    });
    if (debit !== undefined && receive !== undefined) throw badRequest('two amounts');
    const room = roomOf(receiver);
    const wanted = receive ?? (debit === undefined ? room : convert(debit, wallet, receiver.wallet, 'down'));
    if (wanted === undefined) throw badRequest('the amount is missing');
    if (wanted === 0n) throw badRequest('nothing would be received');
    if (room !== undefined && wanted > room && !has('overpaying-quote')) {
      throw badRequest('the receiver does not take so much');
    }
    const round = has('debit-rounded-down') ? 'down' : 'up';
    return {
      receiver,
      debitAmount: amountIn(wallet, debit ?? convert(wanted, receiver.wallet, wallet, round)),
      receiveAmount: amountIn(receiver.wallet, wanted),
      expiresAt: Math.min(Date.now() + QUOTE_LIFETIME_MS, receiver.expiresAt),
    };
  }

  function addQuote(wallet: Wallet, clientId: string, terms: Terms): Quote {
    const quote = { ...terms, id: newId(), wallet, clientId, createdAt: Date.now() };
    state.quotes.set(quote.id, quote);
    return quote;
  }

  const receiverUrl = ({ receiver }: Quote): string => `${state.resourceServer}/incoming-payments/${receiver.id}`;
  const quoteUrl = ({ id }: Quote): string => `${state.resourceServer}/quotes/${id}`;
  const describeQuote = (quote: Quote): Json => ({
    id: quoteUrl(quote),
    walletAddress: quote.wallet.url,
    receiver: receiverUrl(quote),
    debitAmount: quote.debitAmount,
    receiveAmount: quote.receiveAmount,
    ...(!has('quote-without-method') && { method: 'ilp' }),
    createdAt: has('date-without-time') ? instant(quote.createdAt).slice(0, 10) : instant(quote.createdAt),
    expiresAt: instant(quote.expiresAt),
  });

  async function createQuote(exchange: Exchange): Promise<Reply> {
    const caller = await resources.authorize(exchange, 'quote', 'create');
    const required = ['walletAddress', 'receiver', 'method'];
    const body = resources.readBody(exchange, required, ['debitAmount', 'receiveAmount']);
    if (body.method !== 'ilp') throw badRequest('the method is not ilp');
    const wallet = resources.walletFor(caller, body.walletAddress);
    const quote = addQuote(wallet, caller.grant.client.id, readTerms(wallet, body));
    return { status: 201, body: describeQuote(quote) };
  }

  async function readQuote(exchange: Exchange): Promise<Reply> {
    const caller = await resources.authorize(exchange, 'quote', 'read');
    return { status: 200, body: describeQuote(resources.findFor(caller, state.quotes, exchange.params[0])) };
  }

  const describePayment = (payment: OutgoingPayment): Json => ({
    id: `${state.resourceServer}/outgoing-payments/${payment.id}`,
    walletAddress: payment.wallet.url,
    quoteId: quoteUrl(payment.quote),
    failed: payment.hasFailed,
    receiver: receiverUrl(payment.quote),
    debitAmount: payment.quote.debitAmount,
    receiveAmount: payment.quote.receiveAmount,
    sentAmount: amountIn(payment.wallet, payment.sent),
    createdAt: instant(payment.createdAt),
    ...(payment.metadata !== undefined && { metadata: payment.metadata }),
  });

  async function createPayment(exchange: Exchange): Promise<Reply> {
    const caller = await resources.authorize(exchange, 'outgoing-payment', 'create');
    const { grant } = caller;
    const byQuote = ['quoteId'];
    const direct = ['incomingPayment', 'debitAmount'];
    const body = resources.readBody(exchange, ['walletAddress'], [...byQuote, ...direct, 'metadata']);
    const names = Object.keys(body).filter((name) => [...byQuote, ...direct].includes(name));
    if (![byQuote, direct].some((set) => [...set].sort().join() === names.sort().join())) {
      throw badRequest('neither a quote nor a receiver with an amount');
    }
    const wallet = resources.walletFor(caller, body.walletAddress);
    const idempotencyKey = exchange.headers.find(([name]) => name.toLowerCase() === 'idempotency-key')?.[1];
    const request = JSON.stringify(Object.entries(body).sort(([one], [other]) => (one < other ? -1 : 1)));
    const earlier = findEarlier(grant, { request, idempotencyKey, quoteId: body.quoteId });
    if (earlier) return { status: 201, body: earlier.answer };
    const terms =
      body.quoteId === undefined ? readTerms(wallet, { ...body, receiver: body.incomingPayment }) : undefined;
    const quote = terms ? undefined : findPayable(wallet, body.quoteId);
    const item = caller.items.find(({ identifier }) => identifier === wallet.url || has('token-of-another-wallet'))!;
    checkLimits(item, grant, (quote ?? terms)!);
    const payment: OutgoingPayment = {
      ...{ id: newId(), wallet, clientId: grant.client.id, grant, request, idempotencyKey, createdAt: Date.now() },
      ...{ quote: quote ?? addQuote(wallet, grant.client.id, terms!), metadata: body.metadata },
      ...{ sent: 0n, hasFailed: false, answer: undefined },
    };
    state.outgoing.set(payment.id, payment);
    payment.answer = { ...describePayment(payment), ...totalsWith(payment) };
    setImmediate(deliver, payment);
    return { status: 201, body: payment.answer };
  }

  /** The payment that a repeated request made. @throws Refusal if its key or quote was used for another one */
  function findEarlier(
    grant: Grant,
    { request, idempotencyKey, quoteId }: { request: string; idempotencyKey: string | undefined; quoteId: unknown },
  ): OutgoingPayment | undefined {
    for (const payment of state.outgoing.values()) {
      if (payment.grant !== grant) continue;
      const hasKey = idempotencyKey !== undefined && payment.idempotencyKey === idempotencyKey;
      if (hasKey && payment.request !== request) throw badRequest('the key was used for another request');
      if (hasKey || (payment.request === request && quoteUrl(payment.quote) === quoteId)) return payment;
    }
    return undefined;
  }

  function findPayable(wallet: Wallet, url: unknown): Quote {
    const prefix = `${state.resourceServer}/quotes/`;
    if (typeof url !== 'string' || !url.startsWith(prefix)) throw badRequest('the quote is not one of this server');
    const quote = state.quotes.get(url.slice(prefix.length).replace(/\/$/, ''));
    if (!quote) throw new Refusal(404, 'not_found', 'the quote is not known');
    const wasPaid = !has('quote-paid-twice') && [...state.outgoing.values()].some((payment) => payment.quote === quote);
    const isOurs = quote.wallet === wallet || has('quote-of-another-wallet');
    const room = roomOf(quote.receiver);
    const fits = room === undefined || BigInt(quote.receiveAmount.value) <= room || has('receiver-overpaid');
    const isPayable = isOpen(quote.receiver) || has('closed-receiver-paid') || has('receiver-overpaid');
    if (wasPaid || !isOurs || !fits || !isPayable || quote.expiresAt <= Date.now()) {
      throw badRequest('the quote cannot be paid');
    }
    return quote;
  }

  /** Payments of the grant that count at this moment, and whether its intervals allow any. */
  function counted(item: AccessItem | undefined, grant: Grant): { payments: OutgoingPayment[]; isOutside: boolean } {
    const interval = parseInterval(item?.limits?.interval);
    const period = interval && periodAt(interval, Date.now());
    const payments = [...state.outgoing.values()].filter(
      ({ grant: other, hasFailed, createdAt }) =>
        other === grant && !hasFailed && (!period || (createdAt >= period.begin && createdAt < period.end)),
    );
    return { payments, isOutside: interval !== undefined && !period };
  }

  const sum = (payments: readonly OutgoingPayment[], member: 'debitAmount' | 'receiveAmount'): bigint =>
    payments.reduce((total, { quote }) => total + BigInt(quote[member].value), 0n);

  function checkLimits(item: AccessItem, grant: Grant, terms: Terms): void {
    const { limits } = item;
    if (!limits || has('limits-not-enforced')) return;
    const refuse = (): Refusal => new Refusal(403, 'forbidden', 'the limits of the grant do not allow this');
    const { payments, isOutside } = counted(item, grant);
    if (isOutside && !has('interval-not-enforced')) throw refuse();
    const url = `${state.resourceServer}/incoming-payments/${terms.receiver.id}`;
    if (limits.receiver !== undefined && limits.receiver !== url && !has('any-receiver')) throw refuse();
    for (const member of ['debitAmount', 'receiveAmount'] as const) {
      const limit = limits[member];
      if (!limit) continue;
      const spent = has('limit-per-payment') ? 0n : sum(payments, member);
      if (limit.assetCode !== terms[member].assetCode) throw refuse();
      if (limit.assetScale !== terms[member].assetScale && !has('limit-in-another-scale')) throw refuse();
      if (spent + BigInt(terms[member].value) > BigInt(limit.value)) throw refuse();
    }
  }

  /** Both amounts that a grant has spent; null before its first payment, or where received assets differ. */
  function spent(grant: Grant): Readonly<Record<'debit' | 'receive', Amount | null>> {
    const item = grant.access.find(({ type }) => type === 'outgoing-payment');
    const { payments, isOutside } = counted(item, grant);
    const last = [...state.outgoing.values()].findLast((payment) => payment.grant === grant);
    if (!last || isOutside) return { debit: null, receive: null };
    const isMixed = payments.some(({ quote }) => !isAssetOf(quote.receiveAmount, last.quote.receiveAmount));
    return {
      debit: amountIn(last.quote.debitAmount, sum(payments, 'debitAmount')),
      receive: isMixed ? null : amountIn(last.quote.receiveAmount, sum(payments, 'receiveAmount')),
    };
  }

  /** The totals of the grant with a new payment, in whose asset received amounts are added. */
  function totalsWith({ grant, quote: { receiveAmount } }: OutgoingPayment): Json {
    const { payments } = counted(
      grant.access.find(({ type }) => type === 'outgoing-payment'),
      grant,
    );
    const alike = payments.filter(({ quote }) => isAssetOf(quote.receiveAmount, receiveAmount));
    return {
      grantSpentDebitAmount: spent(grant).debit,
      grantSpentReceiveAmount: amountIn(receiveAmount, sum(alike, 'receiveAmount')),
    };
  }

  function deliver(payment: OutgoingPayment): void {
    const { quote, wallet } = payment;
    const { receiver } = quote;
    const [debit, receive] = [BigInt(quote.debitAmount.value), BigInt(quote.receiveAmount.value)];
    const room = roomOf(receiver);
    const fits = room === undefined || receive <= room || has('receiver-overpaid');
    const isTaken = isOpen(receiver) || has('closed-receiver-paid') || (has('receiver-overpaid') && room !== undefined);
    if (!isTaken || !fits || wallet.balance < debit) {
      payment.hasFailed = true;
      return;
    }
    wallet.balance -= debit;
    payment.sent = debit;
    receiver.wallet.balance += receive;
    receiver.received += has('received-amount-constant') ? 0n : receive;
    if (roomOf(receiver) === 0n && !has('never-completed')) receiver.isCompleted = true;
  }

  async function readPayment(exchange: Exchange): Promise<Reply> {
    const caller = await resources.authorize(exchange, 'outgoing-payment', 'read');
    return { status: 200, body: describePayment(resources.findFor(caller, state.outgoing, exchange.params[0])) };
  }

  async function listPayments(exchange: Exchange): Promise<Reply> {
    const caller = await resources.authorize(exchange, 'outgoing-payment', 'list');
    const { pagination, items } = resources.listFor(exchange, caller, state.outgoing);
    return { status: 200, body: { pagination, result: items.map(describePayment) } };
  }

  async function readGrant(exchange: Exchange): Promise<Reply> {
    const { grant } = await resources.authorize(exchange, 'outgoing-payment', 'create');
    const { debit, receive } = spent(grant);
    return { status: 200, body: { spentDebitAmount: debit, spentReceiveAmount: receive } };
  }

  return [
    { method: 'POST', path: /^\/op\/quotes\/?$/, handle: createQuote },
    { method: 'GET', path: /^\/op\/quotes\/([^/]+)\/?$/, handle: readQuote },
    { method: 'POST', path: /^\/op\/outgoing-payments\/?$/, handle: createPayment },
    { method: 'GET', path: /^\/op\/outgoing-payments\/?$/, handle: listPayments },
    { method: 'GET', path: /^\/op\/outgoing-payments\/([^/]+)\/?$/, handle: readPayment },
    { method: 'GET', path: /^\/op\/outgoing-payment-grant\/?$/, handle: readGrant },
  ];
}
