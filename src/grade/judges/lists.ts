/** Judges of the requirements on lists and their pages. */
import { decodePercent, parseQuery, splitTarget } from '../../http/received-request.ts';
import type { GradedExchange } from '../graded-exchange.ts';
import { clip } from '../json.ts';
import { decidedByProbe, type Findings, type JudgesOf, type Run } from '../judge.ts';
import type { lists } from '../requirements/lists.ts';
import { pass, passUnless, violation } from './findings.ts';

export const listsJudges = {
  'CL-LST-01': { exchange: judgeWalletAddress },
  'CL-LST-02': { exchange: judgeSize },
  'CL-LST-03': { exchange: judgeDirection },
  'CL-LST-04': { exchange: judgeCursor },
  'CL-LST-05': decidedByProbe,
} satisfies JudgesOf<typeof lists>;

const isList = ({ operation }: GradedExchange): boolean =>
  operation === 'list-incoming-payments' || operation === 'list-outgoing-payments';

function judgeWalletAddress(exchange: GradedExchange): Findings {
  if (!isList(exchange)) return undefined;
  const expected = 'the wallet address, percent-encoded once';
  const address = parseQuery(exchange.request.rawTarget)['wallet-address'];
  if (address === undefined) return violation('`wallet-address` is missing.', { expected });
  if (typeof address !== 'string') return violation(`\`wallet-address\` occurs ${address.length} times.`, { expected });
  if (/^https?%3a/i.test(address)) {
    return violation('`wallet-address` is encoded twice.', { expected, actual: clip(address) });
  }
  if (!/^https?:\/\/./i.test(address)) {
    return violation('`wallet-address` is not a URL.', { expected, actual: clip(address) });
  }
  const isQuerySigned = !exchange.signature.mistakes.some(({ name }) => name === 'query-missing');
  return isQuerySigned ? pass : violation('The signed URL lacks the query.', { expected: 'the URL with its query' });
}

function judgeSize(exchange: GradedExchange): Findings {
  if (!isList(exchange)) return undefined;
  const query = parseQuery(exchange.request.rawTarget);
  const sizes = ['first', 'last'].flatMap((name) => {
    const value = query[name];
    return value === undefined ? [] : [{ name, value: `${value}` }];
  });
  if (sizes.length === 0) return undefined;
  const wrong = sizes.filter(({ value }) => !/^(?:[1-9]\d?|100)$/.test(value));
  return passUnless(
    wrong.map(({ name, value }) =>
      violation(`\`${name}\` is not a page size.`, { expected: 'an integer from 1 to 100', actual: clip(value, 40) }),
    ),
  );
}

function judgeDirection(exchange: GradedExchange): Findings {
  if (!isList(exchange)) return undefined;
  const { first, last, cursor } = parseQuery(exchange.request.rawTarget);
  if (last === undefined) return first === undefined ? undefined : pass;
  if (first !== undefined) return violation('`first` and `last` occur together.', { expected: 'one of them' });
  if (cursor === undefined) return violation('`last` came without a cursor.', { expected: '`last` and `startCursor`' });
  return pass;
}

function judgeCursor(exchange: GradedExchange, { state }: Run): Findings {
  if (!isList(exchange)) return undefined;
  const [sent] = /(?<=[?&]cursor=)[^&]*/.exec(splitTarget(exchange.request.rawTarget)[1]) ?? [];
  if (sent === undefined) return undefined;
  // A plus may also be the space of a form.
  const decoded = [decodePercent(sent), decodePercent(sent.replaceAll('+', ' '))];
  const known = state.resources.cursorsOf(exchange);
  if (decoded.some((cursor) => known.has(cursor))) return pass;
  const altered = [...known].find((cursor) => isAlike(cursor, decoded[0]!));
  // A cursor of any other origin is unknown.
  if (altered === undefined) return undefined;
  return violation('The cursor came back altered.', { expected: clip(altered), actual: clip(decoded[0]!) });
}

const MIN_ALIKE = 3;

/** The letters and digits of one are the beginning of those of the other. */
function isAlike(a: string, b: string): boolean {
  const [shorter, longer] = [lettersOf(a), lettersOf(b)].sort((x, y) => x.length - y.length) as [string, string];
  return shorter.length >= MIN_ALIKE && longer.startsWith(shorter);
}

const lettersOf = (cursor: string): string =>
  decodePercent(cursor)
    .replaceAll(/[^a-z0-9]/gi, '')
    .toLowerCase();
