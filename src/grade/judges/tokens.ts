/** Judges of the requirements on access tokens. */
import { combinedHeader, decodePercent, headerLines } from '../../http/received-request.ts';
import type { GradedExchange } from '../graded-exchange.ts';
import { decidedByProbe, type Finding, type Findings, type JudgesOf, type Run } from '../judge.ts';
import { callerOf, isResourceOperation } from '../operations.ts';
import type { tokens } from '../requirements/tokens.ts';
import type { Secret } from '../state/secrets.ts';
import type { KnownToken } from '../state/tokens.ts';
import { pass, passUnless, violation, weak } from './findings.ts';
import { judgeRights } from './token-rights.ts';

/** Requests that were on their way when an answer was sent are tolerated. */
const GRACE_MS = 100;
const EXPIRY_TOLERANCE_MS = 1000;
const MAX_IDENTICAL = 3;
const MAX_IDENTICAL_POLLS = 10;

export const tokensJudges = {
  'CL-TOK-01': { exchange: judgeScheme },
  'CL-TOK-02': { exchange: judgeLeaks },
  'CL-TOK-03': { exchange: judgePlace },
  'CL-TOK-04': { exchange: judgeRights },
  'CL-TOK-05': { exchange: judgeExpiry },
  'CL-TOK-06': decidedByProbe,
  'CL-TOK-07': decidedByProbe,
  'CL-TOK-08': decidedByProbe,
  'CL-TOK-09': { exchange: judgeRotation },
  'CL-TOK-10': { exchange: judgeReplacedValue },
  'CL-TOK-11': { exchange: judgeReplacedUri },
  'CL-TOK-12': decidedByProbe,
  'CL-TOK-13': decidedByProbe,
  'CL-TOK-14': { exchange: judgeRevocation },
  'CL-TOK-15': { exchange: judgeForbidden, end: ({ state }) => (state.repetitions.seen.refusal ? pass : undefined) },
  'CL-TOK-16': decidedByProbe,
} satisfies JudgesOf<typeof tokens>;

function judgeScheme({ request, token, operation }: GradedExchange, { state }: Run): Findings {
  const lines = headerLines(request, 'authorization');
  const [line] = lines;
  if (line === undefined) {
    const other = request.rawHeaders.find(([, value]) => state.tokens.find(value.trim()) !== undefined);
    return other && violation(`A token was sent in \`${other[0]}\`.`, { expected: 'Authorization', actual: other[0] });
  }
  if (callerOf(operation) === undefined) return undefined;
  if (lines.length > 1) return violation(`\`Authorization\` occurred ${lines.length} times.`);
  const scheme = /^[^\s]*/.exec(line)![0];
  if (scheme.toLowerCase() !== 'gnap') {
    // A value without a scheme must not be shown.
    const actual = /\s/.test(line) && /^[a-z]{1,20}$/i.test(scheme) ? scheme : 'another scheme, or none';
    return violation('A token was sent with another scheme than `GNAP`.', { expected: 'GNAP', actual });
  }
  const value = token ?? line.slice(scheme.length).trim();
  if (state.tokens.find(value)) return pass;
  const alike = state.tokens.findAlike(value);
  if (alike === undefined) return token === undefined ? violation('`Authorization` has no valid token.') : undefined;
  return violation(`The token of exchange ${alike.exchange} was altered before it was sent.`, {
    expected: `${alike.value.length} characters`,
    actual: `${value.length} characters, which differ from those of the token`,
  });
}

const isTokenKind = (kind: Secret['kind']): boolean => kind === 'access token' || kind === 'continuation token';

function judgeLeaks(exchange: GradedExchange, { state }: Run): Findings {
  const { request, operation } = exchange;
  if (callerOf(operation) === undefined && operation !== 'unknown') return undefined;
  const search = (texts: readonly string[], place: string): Finding[] => {
    const found = new Map(texts.flatMap((text) => state.secrets.search(text)).map(({ secret }) => [secret, place]));
    return [...found.keys()]
      .filter(({ kind }) => isTokenKind(kind))
      .map(({ kind, exchange: source }) => violation(`The ${kind} of exchange ${source} occurs in the ${place}.`));
  };
  // A server may choose a URL that contains a token.
  const url = state.tokens.isHandedOut(exchange) ? [] : search(spellingsOf(request.rawTarget), 'URL');
  const findings = [...url, ...search(spellingsOf(request.body.toString()), 'content')];
  return findings.length > 0 || exchange.token !== undefined ? passUnless(findings) : undefined;
}

/** The text as it is, with the slashes of JSON unescaped, and percent-decoded. */
const spellingsOf = (text: string): string[] => [
  text,
  ...(text.includes('\\/') ? [text.replaceAll('\\/', '/')] : []),
  ...(text.includes('%') ? [decodePercent(text)] : []),
];

const known = ({ token }: GradedExchange, { state }: Run): KnownToken | undefined =>
  token === undefined ? undefined : state.tokens.find(token);

function judgePlace(exchange: GradedExchange, run: Run): Findings {
  const token = known(exchange, run);
  const caller = callerOf(exchange.operation);
  if (token === undefined || caller === undefined) return undefined;
  const belongs = token.kind === 'continuation' ? ['continuation'] : ['management', 'token', 'public-or-token'];
  if (belongs.includes(caller)) return pass;
  return violation(`The ${token.kind} token of exchange ${token.exchange} was sent to \`${exchange.operation}\`.`, {
    expected: token.kind === 'continuation' ? 'its continuation URI' : 'the resource server or its manage URI',
    actual: exchange.operation,
  });
}

function judgeExpiry(exchange: GradedExchange, run: Run): Findings {
  const token = known(exchange, run);
  if (!token?.expiresAt || token.replacedAt || token.revokedAt || !isResourceOperation(exchange.operation))
    return undefined;
  const late = exchange.receivedAt - token.expiresAt;
  if (late <= EXPIRY_TOLERANCE_MS) return pass;
  return violation(`The token of exchange ${token.exchange} was used ${seconds(late)} after it had expired.`, {
    expected: `a request within ${seconds(token.expiresAt - token.issuedAt)} of its issue`,
    actual: `a request after ${seconds(exchange.receivedAt - token.issuedAt)}`,
  });
}

const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;

/** Problems of a call to a manage URI. The profile may tolerate another token, or none. */
function judgeManaged(exchange: GradedExchange, run: Run): Finding[] {
  const findings: Finding[] = [];
  const { request, token, status, isBodyUnread } = exchange;
  const managed = run.state.tokens.findManaged(exchange);
  const tolerated = run.switches.rotateWithForeignToken && status !== null && status < 300;
  if (request.body.length > 0 || isBodyUnread) {
    const isEmptyObject = /^\s*\{\s*\}\s*$/.test(request.body.toString('latin1', 0, 100));
    const detail = `The request has content of ${request.body.length} bytes.`;
    findings.push(isEmptyObject ? weak(detail, { expected: 'none' }) : violation(detail, { expected: 'none' }));
  }
  if (token === undefined && combinedHeader(request, 'authorization') === undefined) {
    findings.push(violation('The request presents no token.', { expected: 'the managed token', tolerated }));
  } else if (managed && token !== managed.value) {
    const other = known(exchange, run);
    const actual = other ? `the ${other.kind} token of exchange ${other.exchange}` : 'an unknown token';
    const expected = `the access token of exchange ${managed.exchange}`;
    findings.push(
      violation('The request presents another token than the managed one.', { expected, actual, tolerated }),
    );
  }
  return findings;
}

function judgeRotation(exchange: GradedExchange, run: Run): Findings {
  if (exchange.operation !== 'post-token') return undefined;
  return passUnless(judgeManaged(exchange, run));
}

function isLate(moment: number | undefined, { receivedAt }: GradedExchange): boolean {
  return moment !== undefined && receivedAt > moment + GRACE_MS;
}

function judgeReplacedValue(exchange: GradedExchange, run: Run): Findings {
  const token = known(exchange, run);
  if (token === undefined || token.kind !== 'access') return undefined;
  // At its own manage URI, CL-TOK-11 applies.
  if (!isLate(token.replacedAt, exchange) || run.state.tokens.findManaged(exchange) === token) {
    return isResourceOperation(exchange.operation) ? pass : undefined;
  }
  const age = seconds(exchange.receivedAt - token.replacedAt!);
  return violation(`The token of exchange ${token.exchange} was sent ${age} after it had been rotated.`);
}

function judgeReplacedUri(exchange: GradedExchange, { state }: Run): Findings {
  if (callerOf(exchange.operation) !== 'management') return undefined;
  const managed = state.tokens.findManaged(exchange);
  if (managed === undefined) return undefined;
  if (!isLate(managed.replacedAt, exchange)) return pass;
  return violation('A manage URI was called after a rotation had replaced it.', {
    expected: 'the `manage` of the newest answer',
    actual: `the \`manage\` of exchange ${managed.exchange}`,
  });
}

function judgeRevocation(exchange: GradedExchange, run: Run): Findings {
  const { operation, request } = exchange;
  const token = known(exchange, run);
  const findings: Finding[] = [];
  // The answer to a DELETE may be lost, so its repetition is fine.
  if (token && isLate(token.revokedAt, exchange) && operation !== 'delete-token') {
    findings.push(violation(`The token of exchange ${token.exchange} was sent after its revocation.`));
  }
  if (operation === 'delete-token') return passUnless([...findings, ...judgeManaged(exchange, run)]);
  const isAtManageUri = operation === 'unknown' && run.state.tokens.findManaged(exchange) !== undefined;
  if (isAtManageUri) {
    findings.push(
      violation('A manage URI was called by another method.', { expected: 'DELETE', actual: request.method }),
    );
  }
  return findings;
}

function judgeForbidden(exchange: GradedExchange, { state }: Run): Findings {
  const { refusals = 0 } = state.repetitions.earlier(exchange) ?? {};
  const { method } = exchange.request;
  const most = method === 'GET' ? MAX_IDENTICAL_POLLS : MAX_IDENTICAL;
  if (refusals < most) return undefined;
  return violation(`The same ${method} came once more after ${refusals} answers with status 403.`, {
    expected: `at most ${most} identical requests`,
    actual: `${refusals + 1} identical requests`,
  });
}
