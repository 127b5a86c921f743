/** Judges of the requirements on quotes. */
import type { GradedExchange } from '../graded-exchange.ts';
import { asObject, asString, isObject, show } from '../json.ts';
import type { Findings, JudgesOf, Run } from '../judge.ts';
import type { quotes } from '../requirements/quotes.ts';
import { isExpired } from '../state/resources.ts';
import { compareAsset } from './assets.ts';
import { pass, violation, weak } from './findings.ts';
import { isAnything, isText, judgeMembersOf, presentOf, type Test } from './members.ts';

export const quotesJudges = {
  'CL-Q-01': { exchange: judgeMembers },
  'CL-Q-02': { exchange: judgeSides },
  'CL-Q-03': { exchange: judgeMissingAmount },
  'CL-Q-04': { exchange: judgeAssets },
  'CL-Q-05': { exchange: judgeExpiry },
  'CL-Q-06': { exchange: judgeId },
} satisfies JudgesOf<typeof quotes>;

const isIlp: Test = { expected: '"ilp"', test: (value) => value === 'ilp' };
const amounts = ['debitAmount', 'receiveAmount'];
const members = {
  required: { walletAddress: isText, receiver: isText, method: isIlp },
  optional: { debitAmount: isAnything, receiveAmount: isAnything },
};

const isQuoteRequest = ({ operation }: GradedExchange): boolean => operation === 'create-quote';

function judgeMembers(exchange: GradedExchange): Findings {
  return isQuoteRequest(exchange) ? judgeMembersOf(exchange, members) : undefined;
}

function judgeSides(exchange: GradedExchange): Findings {
  if (!isQuoteRequest(exchange) || !isObject(exchange.body)) return undefined;
  if (presentOf(exchange.body, amounts).length < 2) return pass;
  return violation('The request fixes both amounts.', {
    expected: 'one of them at most',
    actual: amounts.join(' and '),
  });
}

function judgeMissingAmount(exchange: GradedExchange, { state }: Run): Findings {
  if (!isQuoteRequest(exchange)) return undefined;
  const payment = state.resources.incomingPayment(asString(asObject(exchange.body)['receiver']) ?? '');
  if (payment === undefined) return undefined;
  if (payment.hasAmount || presentOf(exchange.body, amounts).length > 0) return pass;
  return violation('The receiver has no `incomingAmount`, and the request has no amount.', {
    expected: amounts.join(' or '),
    actual: 'neither',
  });
}

function judgeAssets(exchange: GradedExchange, { state }: Run): Findings {
  if (!isQuoteRequest(exchange)) return undefined;
  const { walletAddress, receiver, debitAmount, receiveAmount } = asObject(exchange.body);
  const payer = state.resources.assetOf(asString(walletAddress) ?? '');
  const payee = state.resources.incomingPayment(asString(receiver) ?? '')?.asset;
  const findings = [
    compareAsset('debitAmount', debitAmount, payer) ?? [],
    compareAsset('receiveAmount', receiveAmount, payee) ?? [],
  ].flat();
  return findings.length > 0 ? findings : undefined;
}

const quoteIdOf = ({ operation, body }: GradedExchange): unknown =>
  operation === 'create-outgoing-payment' && isObject(body) ? body['quoteId'] : undefined;

function judgeExpiry(exchange: GradedExchange, { state }: Run): Findings {
  const quote = state.resources.quote(asString(quoteIdOf(exchange)) ?? '');
  if (quote === undefined) return undefined;
  // A quote that was accepted had not expired: the clock of a test world may be another one.
  if (!isExpired(quote, exchange) || exchange.status === 201) return pass;
  const late = `${((exchange.receivedAt - quote.expiresAt!) / 1000).toFixed(1)} s`;
  const expected = 'a new quote';
  if (quote.rejectedAt === undefined || exchange.receivedAt < quote.rejectedAt) {
    return weak(`The quote was used ${late} after it had expired.`, { expected });
  }
  return violation(`The quote was used again ${late} after it had expired, although it had been rejected.`, {
    expected,
  });
}

function judgeId(exchange: GradedExchange, { state }: Run): Findings {
  const id = quoteIdOf(exchange);
  if (id === undefined) return undefined;
  const expected = 'the `id` of a quote as it was returned';
  if (typeof id !== 'string') return violation('`quoteId` is not a string.', { expected, actual: show(id) });
  if (state.resources.quote(id)) return pass;
  const alike = state.resources.quoteLike(id);
  if (alike !== undefined)
    return violation('`quoteId` is not the `id` of the quote.', { expected: alike, actual: show(id) });
  // One that was made before the recording is unknown.
  if (/^https?:\/\/./i.test(id)) return undefined;
  return violation('`quoteId` is not a URL.', { expected, actual: show(id) });
}
