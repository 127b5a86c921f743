/** Judges of the requirements on outgoing payments, amounts and limits. */
import { MAX_AMOUNT } from '../../open-payments/amount.ts';
import { parseInterval } from '../../open-payments/interval.ts';
import type { GradedExchange } from '../graded-exchange.ts';
import { asArray, asObject, asString, clip, isObject, pointerTo, show } from '../json.ts';
import { decidedByProbe, type Finding, type Findings, type JudgesOf, type Run } from '../judge.ts';
import type { outgoingPayments } from '../requirements/outgoing-payments.ts';
import { compareAsset } from './assets.ts';
import { pass, passUnless, violation, weak } from './findings.ts';
import { isIncomingPaymentUrl } from './incoming-payments.ts';
import { isAnything, isMetadata, isText, judgeMembersOf, type Members, presentOf } from './members.ts';

export const outgoingPaymentsJudges = {
  'CL-OP-01': { exchange: judgeMembers },
  'CL-OP-02': { exchange: judgeAsset },
  'CL-OP-03': { exchange: judgeAmounts },
  'CL-OP-04': { exchange: judgeLimits },
  'CL-OP-05': { exchange: judgeSides },
  'CL-OP-06': decidedByProbe,
  'CL-OP-07': decidedByProbe,
  'CL-OP-08': decidedByProbe,
  'CL-OP-09': decidedByProbe,
  'CL-OP-10': decidedByProbe,
} satisfies JudgesOf<typeof outgoingPayments>;

const common = { required: { walletAddress: isText }, optional: { metadata: isMetadata } };
const byQuote: Members = {
  ...common,
  required: { ...common.required, quoteId: { ...isAnything, expected: 'the id of a quote' } },
};
const byAmount: Members = {
  ...common,
  required: { ...common.required, incomingPayment: isText, debitAmount: { ...isAnything, expected: 'an amount' } },
};

function judgeMembers(exchange: GradedExchange): Findings {
  if (exchange.operation !== 'create-outgoing-payment') return undefined;
  const { body } = exchange;
  const isByQuote = presentOf(body, ['quoteId']).length > 0;
  if (isObject(body) && !isByQuote && presentOf(body, ['incomingPayment', 'debitAmount']).length === 0) {
    return violation('The request names neither a quote nor an incoming payment.', {
      expected: '`quoteId`, or `incomingPayment` and `debitAmount`',
    });
  }
  return judgeMembersOf(exchange, isByQuote ? byQuote : byAmount);
}

function judgeAsset({ operation, body }: GradedExchange, { state }: Run): Findings {
  if (operation !== 'create-outgoing-payment') return undefined;
  const { walletAddress, debitAmount } = asObject(body);
  return compareAsset('debitAmount', debitAmount, state.resources.assetOf(asString(walletAddress) ?? ''));
}

interface Located {
  readonly pointer: string;
  readonly value: unknown;
}

const limitAmounts = ['debitAmount', 'receiveAmount'];
const amountMembers: Readonly<Record<string, readonly string[]>> = {
  'create-incoming-payment': ['incomingAmount'],
  'create-quote': limitAmounts,
  'create-outgoing-payment': ['debitAmount'],
};

const membersNamed = (names: readonly string[], value: unknown, pointer = ''): Located[] =>
  presentOf(value, names).map((name) => ({ pointer: pointer + pointerTo(name), value: asObject(value)[name] }));

const MAX_ITEMS = 8;

/** `limits` of a grant request. */
function listLimits({ operation, body }: GradedExchange): Located[] {
  if (operation !== 'post-request') return [];
  const access = asArray(asObject(asObject(body)['access_token'])['access']).slice(0, MAX_ITEMS);
  return access.flatMap((item, i) => membersNamed(['limits'], item, pointerTo('access_token', 'access', i)));
}

function judgeAmounts(exchange: GradedExchange): Findings {
  const { operation, body } = exchange;
  const amounts = Object.hasOwn(amountMembers, operation) ? membersNamed(amountMembers[operation]!, body) : [];
  const limits = listLimits(exchange).flatMap(({ pointer, value }) => membersNamed(limitAmounts, value, pointer));
  // CL-OP-04 is about limits that are not even objects.
  const all = [...amounts, ...limits.filter(({ value }) => isObject(value))];
  return all.length > 0 ? passUnless(all.flatMap(judgeAmount)) : undefined;
}

function judgeAmount({ pointer, value: amount }: Located): Finding[] {
  if (!isObject(amount)) {
    return [violation(`\`${pointer}\` is not an object.`, { expected: 'an amount', actual: show(amount) })];
  }
  const { value, assetCode, assetScale } = amount;
  const findings: Finding[] = [];
  const report = (name: string, expected: string, make = violation): void => {
    const problem = `\`${pointer}/${name}\` is not ${expected}.`;
    findings.push(make(problem, { expected, actual: show(amount[name]) }));
  };
  if (typeof value !== 'string' || !/^\d+$/.test(value) || value.length > 1000 || BigInt(value) > MAX_AMOUNT) {
    report('value', 'a string of digits from 0 to 18446744073709551615');
  } else if (/^0\d/.test(value)) report('value', 'a string of digits without leading zeros', weak);
  if (typeof assetCode !== 'string') report('assetCode', 'a string');
  if (!Number.isInteger(assetScale) || !((assetScale as number) >= 0 && (assetScale as number) <= 255)) {
    report('assetScale', 'an integer from 0 to 255');
  }
  return findings;
}

function judgeLimits(exchange: GradedExchange): Findings {
  const limits = listLimits(exchange);
  if (limits.length === 0) return undefined;
  return limits.flatMap(({ pointer, value }) => {
    const findings = isObject(value) ? judgeLimit(pointer, value) : [wrong(pointer, 'an object', value)];
    if (findings.length > 0) return findings;
    const { interval } = asObject(value);
    return typeof interval === 'string' ? { ...pass, actual: `${clip(interval)}: ${countPeriods(interval)}` } : pass;
  });
}

const wrong = (pointer: string, expected: string, value: unknown): Finding =>
  violation(`\`${pointer}\` is not ${expected}.`, { expected, actual: show(value) });

function judgeLimit(pointer: string, limit: Readonly<Record<string, unknown>>): Finding[] {
  const { receiver, interval } = limit;
  const findings = membersNamed(limitAmounts, limit, pointer)
    .filter(({ value }) => !isObject(value))
    .map((amount) => wrong(amount.pointer, 'an amount', amount.value));
  if (receiver !== undefined && !(typeof receiver === 'string' && isIncomingPaymentUrl(receiver))) {
    findings.push(wrong(`${pointer}/receiver`, 'the URL of an incoming payment', receiver));
  }
  if (interval !== undefined && (typeof interval !== 'string' || countPeriods(interval) === undefined)) {
    findings.push(wrong(`${pointer}/interval`, 'a repeating interval of ISO 8601', interval));
  }
  return findings;
}

/** Undefined unless the text is a repeating interval. */
function countPeriods(interval: string): string | undefined {
  try {
    const { first, last } = parseInterval(interval);
    const count = last - first + 1;
    return Number.isFinite(count) ? `${count} ${count === 1 ? 'period' : 'periods'}` : 'periods without end';
  } catch {
    return undefined;
  }
}

function judgeSides(exchange: GradedExchange): Findings {
  const limits = listLimits(exchange).filter(({ value }) => presentOf(value, limitAmounts).length > 0);
  if (limits.length === 0) return undefined;
  return passUnless(
    limits
      .filter(({ value }) => presentOf(value, limitAmounts).length > 1)
      .map(({ pointer }) => violation(`\`${pointer}\` has both amounts.`, { expected: 'one of them' })),
  );
}
