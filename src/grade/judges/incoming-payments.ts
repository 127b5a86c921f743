/** Judges of the requirements on incoming payments. */
import { splitTarget, withoutSlashes } from '../../http/received-request.ts';
import type { GradedExchange } from '../graded-exchange.ts';
import { asObject, asString, clip, isObject, show } from '../json.ts';
import { decidedByProbe, type Finding, type Findings, type JudgesOf, type Run } from '../judge.ts';
import type { incomingPayments } from '../requirements/incoming-payments.ts';
import { compareAsset } from './assets.ts';
import { pass, passUnless, violation, weak } from './findings.ts';
import { isAnything, isMetadata, isText, judgeMembersOf } from './members.ts';
import { meansPublicView } from './token-rights.ts';

const MAX_READS_PER_SECOND = 5;
/** Requests that were on their way when an answer was sent are tolerated. */
const GRACE_MS = 100;

export const incomingPaymentsJudges = {
  'CL-IP-01': { exchange: judgeReceiver },
  'CL-IP-02': { exchange: judgeMembers },
  'CL-IP-03': { exchange: judgeAsset },
  'CL-IP-04': { exchange: judgeExpiry },
  'CL-IP-05': { exchange: judgeCompletion },
  'CL-IP-06': { exchange: judgePublicRead },
  'CL-IP-07': decidedByProbe,
  'CL-IP-08': { exchange: judgePolling },
} satisfies JudgesOf<typeof incomingPayments>;

/** The pattern of the schema. */
export const isIncomingPaymentUrl = (text: string): boolean => /^https?:\/\/.+\/incoming-payments\/./.test(text);

const receiverMembers = new Map([
  ['create-quote', 'receiver'],
  ['create-outgoing-payment', 'incomingPayment'],
]);

function judgeReceiver({ operation, body }: GradedExchange, { state }: Run): Findings {
  const member = receiverMembers.get(operation);
  const receiver = member && asString(asObject(body)[member]);
  if (member === undefined || receiver === undefined) return undefined;
  if (state.resources.incomingPayment(receiver)) return pass;
  const expected = 'the `id` of an incoming payment';
  if (state.resources.isWalletAddress(receiver)) {
    return violation(`\`${member}\` is a wallet address.`, { expected, actual: show(receiver) });
  }
  // One that was created before the recording, or elsewhere, is unknown.
  if (isIncomingPaymentUrl(receiver)) return undefined;
  return violation(`\`${member}\` is not an incoming payment.`, { expected, actual: show(receiver) });
}

const members = {
  required: { walletAddress: isText },
  optional: { incomingAmount: isAnything, expiresAt: isAnything, metadata: isMetadata },
};

function judgeMembers(exchange: GradedExchange): Findings {
  return exchange.operation === 'create-incoming-payment' ? judgeMembersOf(exchange, members) : undefined;
}

function judgeAsset({ operation, body }: GradedExchange, { state }: Run): Findings {
  if (operation !== 'create-incoming-payment') return undefined;
  const { walletAddress, incomingAmount } = asObject(body);
  const asset = state.resources.assetOf(asString(walletAddress) ?? '');
  return compareAsset('incomingAmount', incomingAmount, asset);
}

/** RFC 3339 §5.6; lower case is allowed. */
const dateTime = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,30})?([Zz]|[+-]\d\d:\d\d)$/;

function judgeExpiry({ operation, body, receivedAt, status }: GradedExchange): Findings {
  if (operation !== 'create-incoming-payment' || !isObject(body) || !Object.hasOwn(body, 'expiresAt')) return undefined;
  const { expiresAt } = body;
  const expected = 'a date and time of RFC 3339 with a zone, in the future';
  const time = typeof expiresAt === 'string' && dateTime.test(expiresAt) ? parseTime(expiresAt) : Number.NaN;
  if (Number.isNaN(time)) {
    return violation('`expiresAt` is not a date and time with a zone.', { expected, actual: show(expiresAt) });
  }
  // The clock of a test world may be another one.
  if (time > receivedAt || status === 201) return pass;
  return weak('`expiresAt` is in the past.', { expected, actual: show(expiresAt) });
}

/** NaN for 30 February, which `Date.parse` carries over into March. A leap second counts as the one before. */
function parseTime(text: string): number {
  const upper = text.toUpperCase();
  const [year, month, day] = upper.split(/[-T]/).map(Number);
  const daysOfMonth = new Date(Date.UTC(year!, month!, 0)).getUTCDate();
  if (day! > daysOfMonth) return Number.NaN;
  return Date.parse(upper.replace(/(T\d\d:\d\d):60/, '$1:59').replace(/(\.\d{3})\d+/, '$1'));
}

function judgeCompletion(exchange: GradedExchange, { state }: Run): Findings {
  const { operation, request, receivedAt } = exchange;
  const [path] = splitTarget(request.rawTarget);
  if (operation !== 'complete-incoming-payment') return judgeOtherCompletion(exchange, { state });
  const findings: Finding[] = [];
  if (path.includes('//')) {
    const values = { expected: 'the id, a slash and `complete`', actual: clip(path) };
    findings.push(violation('The path of a completion has a doubled slash.', values));
  }
  if (request.body.length > 0 || exchange.isBodyUnread) {
    const isEmptyObject = isObject(exchange.body) && Object.keys(exchange.body).length === 0;
    const make = isEmptyObject ? weak : violation;
    findings.push(make('A completion has content.', { expected: 'none', actual: `${request.body.length} bytes` }));
  }
  const payment = state.resources.incomingPayment(request.targetUri.replace(/\/complete$/, ''));
  if (payment?.completedAt !== undefined && receivedAt > payment.completedAt + GRACE_MS) {
    findings.push(weak('The payment was known to be completed.', { expected: 'no completion of a completed payment' }));
  }
  return passUnless(findings);
}

/** A change to a payment by any other call. */
function judgeOtherCompletion({ operation, request }: GradedExchange, { state }: Pick<Run, 'state'>): Findings {
  if (operation !== 'unknown' || !['POST', 'PUT', 'PATCH'].includes(request.method)) return undefined;
  const uri = withoutSlashes(request.targetUri.replace(/\/complete\/?$/, ''));
  if (state.resources.incomingPayment(uri) === undefined) return undefined;
  return violation('A payment was changed by another call than its completion.', {
    expected: 'POST to the id and `/complete`',
    actual: `${request.method} to the id${request.targetUri === uri ? '' : ' and another ending'}`,
  });
}

function judgePublicRead(exchange: GradedExchange, { state }: Run): Findings {
  const { operation, token, status } = exchange;
  if (operation !== 'get-incoming-payment') return undefined;
  if (token === undefined) return status === 200 ? pass : undefined;
  const known = state.tokens.find(token);
  if (known === undefined || !meansPublicView(known, exchange)) return undefined;
  return weak(`The public view was requested with the token of exchange ${known.exchange}.`, { expected: 'no token' });
}

function judgePolling(exchange: GradedExchange, { state }: Run): Findings {
  if (exchange.operation !== 'get-incoming-payment' && exchange.operation !== 'get-outgoing-payment') return undefined;
  const { all, lastSecond } = state.reads.ofPayment(exchange);
  if (all === 0) return undefined;
  if (lastSecond < MAX_READS_PER_SECOND) return pass;
  return violation('A payment was read again and again without a pause.', {
    expected: `at most ${MAX_READS_PER_SECOND} reads in a second`,
    actual: `${lastSecond + 1} or more reads in a second`,
  });
}
