/** Reports for tests of the formats: a run with violations of every kind, and the same with a hostile text everywhere. */
import { createHash } from 'node:crypto';
import { deriveKey, exportPublicJwk } from '../../../src/crypto/derived-keys.ts';
import { type RequirementId, requirementIds, requirements } from '../../../src/grade/catalogue.ts';
import { type DescribedExchange, describeExchange } from '../../../src/grade/describe-exchange.ts';
import type { Finding } from '../../../src/grade/judge.ts';
import type { ProbeRun, ProbeVerdict, Report, Verdict } from '../../../src/grade/report.ts';
import type { Level } from '../../../src/grade/requirement.ts';
import { signRequest } from '../../../src/http/signatures/sign.ts';
import { strict } from '../../../src/profile.ts';

const startedAt = Date.UTC(2026, 10, 26, 9, 30);
const granite = 'http://localhost:4000';
const marble = 'http://localhost:4100';
const privateKey = deriveKey([createHash('sha256').update('sample').digest('base64')], 'client');
const jwk = exportPublicJwk(privateKey, 'test-key-1');

interface Call {
  readonly ase?: string;
  readonly operation: string;
  readonly method?: string;
  readonly path: string;
  readonly token?: string;
  readonly body?: unknown;
  readonly signed?: true;
  readonly status: number | null;
  readonly answer?: unknown;
  readonly location?: string;
  readonly refusal?: DescribedExchange['refusal'];
  /** Changes what was signed before it is sent. */
  readonly spoil?: (headers: Record<string, string>, body: string) => string;
}

/** A described exchange, from a request that was really signed. */
function exchangeOf(call: Call, index: number): DescribedExchange {
  const { ase = 'granite', operation, method = 'GET', path, token, body, signed, status, refusal } = call;
  const origin = ase === 'granite' ? granite : marble;
  const receivedAt = startedAt + 120 + 37 * index;
  const content = body === undefined ? '' : JSON.stringify(body);
  const plain = {
    host: new URL(origin).host,
    accept: 'application/json',
    'user-agent': 'example-sdk/1.4.0',
    ...(content && { 'content-type': 'application/json' }),
    ...(token && { authorization: `GNAP ${token}` }),
  };
  const url = origin + path;
  const headers: Record<string, string> = signed
    ? signRequest(
        { method, url, headers: plain, body: Buffer.from(content) },
        { keyid: jwk.kid, privateKey },
        receivedAt,
      )
    : plain;
  const sent = call.spoil?.(headers, content) ?? content;
  return describeExchange(
    {
      summary: {
        id: index + 1,
        at: new Date(receivedAt + 4).toISOString(),
        ase,
        operation,
        method,
        target: path,
        status,
        ms: 4.2,
        lenient: [],
        ...(refusal && { refusal }),
      },
      receivedAt,
      answeredAt: receivedAt + 4,
      params: {},
      isBodyUnread: false,
      keySet: undefined,
      httpVersion: '1.1',
      request: {
        method,
        rawTarget: path,
        targetUri: url,
        rawHeaders: Object.entries(headers),
        body: Buffer.from(sent),
      },
      reply:
        status === null
          ? undefined
          : {
              headers: {
                ...(call.answer !== undefined && { 'Content-Type': 'application/json' }),
                ...(call.location && { Location: call.location }),
              },
              content: call.answer === undefined ? undefined : JSON.stringify(call.answer),
            },
      pathSecrets: [],
      keys: signed ? [{ jwk, keySet: `${granite}/client/jwks.json` }] : [],
    },
    [granite, marble],
    strict,
  );
}

const money = (value: string) => ({ value, assetCode: 'USD', assetScale: 2 });
const wallet = (origin: string, name: string) => ({
  id: `${origin}/${name}`,
  publicName: name,
  assetCode: 'USD',
  assetScale: 2,
  authServer: origin,
  resourceServer: origin,
});
const grant = (type: string, actions: string[], rest: object = {}) => ({
  client: `${granite}/client`,
  access_token: { access: [{ type, actions }] },
  ...rest,
});
const granted = (origin: string, token: string) => ({
  access_token: { value: token, manage: `${origin}/token/7c1d`, expires_in: 600, access: [] },
  continue: { access_token: { value: `${token}-continue` }, uri: `${origin}/continue/7c1d` },
});
const payment = { walletAddress: `${granite}/alice`, quoteId: `${granite}/quotes/55f1` };
const reference = 'r_9f3b2c7d51aa';

/** Secrets of the exchanges, as they went over the wire. */
export const secrets = [
  'TOKEN-incoming-1111',
  'TOKEN-quote-22222222',
  'TOKEN-continue-333',
  'TOKEN-outgoing-44444',
  'N-5a7c12e8f4',
  'AS-NONCE-81d2',
  'xxxxxxxxxxxxxxxxxxxxxxxx',
  reference,
] as const;

const calls: readonly Call[] = [
  { operation: 'get-wallet-address', path: '/alice', status: 200, answer: wallet(granite, 'alice') },
  { ase: 'marble', operation: 'get-wallet-address', path: '/bob', status: 200, answer: wallet(marble, 'bob') },
  {
    ase: 'marble',
    operation: 'post-request',
    method: 'POST',
    path: '/',
    body: grant('incoming-payment', ['create', 'read']),
    signed: true,
    status: 200,
    answer: granted(marble, 'TOKEN-incoming-1111'),
  },
  {
    ase: 'marble',
    operation: 'create-incoming-payment',
    method: 'POST',
    path: '/incoming-payments',
    token: 'TOKEN-incoming-1111',
    body: { walletAddress: `${marble}/bob`, incomingAmount: money('1000') },
    signed: true,
    status: 201,
    answer: { id: `${marble}/incoming-payments/0d3a`, incomingAmount: money('1000'), completed: false },
  },
  {
    operation: 'post-request',
    method: 'POST',
    path: '/',
    body: grant('quote', ['create']),
    signed: true,
    status: 200,
    answer: granted(granite, 'TOKEN-quote-22222222'),
  },
  {
    operation: 'create-quote',
    method: 'POST',
    path: '/quotes',
    token: 'TOKEN-quote-22222222',
    body: { walletAddress: `${granite}/alice`, receiver: `${marble}/incoming-payments/0d3a`, method: 'ilp' },
    signed: true,
    status: 400,
    answer: { error: { code: 'bad_request', description: 'the digest does not match the content' } },
    refusal: { code: 'bad_request', reason: 'digest_mismatch', requirements: ['SIG-07'] },
    spoil: (headers, body) => {
      const sent = JSON.stringify(JSON.parse(body), null, 2);
      headers['content-digest'] = `sha-512=:${createHash('sha512').update(body).digest('base64')}:`;
      return sent;
    },
  },
  {
    operation: 'create-quote',
    method: 'POST',
    path: '/quotes',
    token: 'TOKEN-quote-22222222',
    body: { walletAddress: `${granite}/alice`, receiver: `${marble}/incoming-payments/0d3a`, method: 'ilp' },
    signed: true,
    status: 201,
    answer: { id: `${granite}/quotes/55f1`, debitAmount: money('1010'), receiveAmount: money('1000') },
  },
  {
    operation: 'post-request',
    method: 'POST',
    path: '/',
    body: grant('outgoing-payment', ['create'], {
      interact: {
        start: ['redirect'],
        finish: { method: 'redirect', uri: 'http://localhost:3003/', nonce: 'N-5a7c12e8f4' },
      },
    }),
    signed: true,
    status: 200,
    answer: {
      interact: { redirect: `${granite}/interact/7c1d/4d5e`, finish: 'AS-NONCE-81d2' },
      continue: { access_token: { value: 'TOKEN-continue-333' }, uri: `${granite}/continue/7c1d`, wait: 0 },
    },
  },
  {
    operation: 'start-interaction',
    path: '/interact/7c1d/4d5e?clientName=Example&clientUri=http%3A%2F%2Flocalhost%3A4000%2Fclient',
    status: 302,
    location: `${granite}/consent?interactId=7c1d&nonce=4d5e`,
  },
  { operation: 'get-consent', path: '/consent?interactId=7c1d&nonce=4d5e', status: 200 },
  {
    operation: 'finish-interaction',
    path: '/interact/7c1d/4d5e/finish',
    status: 302,
    location: `http://localhost:3003/?hash=xxxxxxxxxxxxxxxxxxxxxxxx&interact_ref=${reference}`,
  },
  {
    operation: 'post-continue',
    method: 'POST',
    path: '/continue/7c1d',
    token: 'TOKEN-continue-333',
    body: { interact_ref: reference },
    signed: true,
    status: 200,
    answer: granted(granite, 'TOKEN-outgoing-44444'),
  },
  {
    operation: 'create-outgoing-payment',
    method: 'POST',
    path: '/outgoing-payments',
    token: 'TOKEN-outgoing-44444',
    body: payment,
    signed: true,
    status: 401,
    answer: { error: { code: 'invalid_token', description: 'signature_mismatch' } },
    refusal: { code: 'unauthorized', reason: 'signature_mismatch', requirements: ['SIG-29'] },
    spoil: (headers, body) => {
      headers['content-type'] = 'application/json; charset=utf-8';
      return body;
    },
  },
  {
    operation: 'create-outgoing-payment',
    method: 'POST',
    path: '/outgoing-payments',
    token: 'TOKEN-outgoing-44444',
    body: payment,
    signed: true,
    status: 201,
    answer: { id: `${granite}/outgoing-payments/91ab`, failed: false, sentAmount: money('0') },
  },
  {
    operation: 'get-outgoing-payment',
    path: '/outgoing-payments/91ab',
    token: 'TOKEN-outgoing-44444',
    signed: true,
    status: null,
  },
];

/** Counts and findings of the verdicts that are neither met nor left out. */
const violated: Partial<Record<RequirementId, { status: Verdict['status'] } & Partial<Verdict>>> = {
  'CL-SIG-16': {
    status: 'fail',
    applied: 8,
    violations: 1,
    findings: [
      {
        outcome: 'violation',
        detail: 'the client signed another Content-Type than it sent',
        expected: '"content-type": application/json; charset=utf-8',
        actual: '"content-type": application/json',
        firstDifference: 32,
        exchange: 13,
      },
    ],
  },
  'CL-DIG-02': {
    status: 'fail',
    applied: 8,
    violations: 1,
    findings: [
      {
        outcome: 'violation',
        detail: 'digested the body in another serialisation',
        expected: 'sha-512=:Fj2bK4nZ7w==:',
        actual: 'sha-512=:Fj2cQ1dR9g==:',
        firstDifference: 12,
        exchange: 6,
      },
    ],
  },
  'CL-GNAP-14': { status: 'fail', applied: 1, violations: 0, probes: [{ id: 'P01', result: 'fail' }] },
  'CL-GNAP-11': {
    status: 'warning',
    applied: 3,
    violations: 2,
    findings: [
      { outcome: 'violation', detail: 'asked for consent without a finish method', exchange: 8 },
      { outcome: 'weak', tolerated: true, exchange: 8 },
    ],
  },
  'CL-DIG-05': {
    status: 'note',
    applied: 8,
    violations: 8,
    findings: [{ outcome: 'violation', detail: 'used md5', expected: 'sha-256 or sha-512', exchange: 3 }],
  },
  'CL-TOK-09': {
    status: 'fail',
    applied: 2,
    violations: 1,
    expected: 'the rotation of tokens is being rewritten, see issue 210',
    findings: [{ outcome: 'violation', detail: 'rotated with the token of another grant', exchange: 12 }],
  },
  'CL-HTTP-03': { status: 'inconclusive', applied: 1, violations: 0, reason: 'the judge failed' },
  'CL-OP-05': { status: 'not-exercised', applied: 0, violations: 0 },
};

const verdictOf = (id: RequirementId): Verdict => {
  const { level, evidence } = requirements[id];
  const none = { id, level, applied: 0, violations: 0, findings: [], probes: [] };
  const changed = violated[id];
  if (changed) return { ...none, ...changed };
  if (!evidence.includes('exchange') && !evidence.includes('run')) return { ...none, status: 'not-exercised' };
  return { ...none, status: 'pass', applied: 8 };
};

const facts: ProbeVerdict['facts'] = {
  controlPassed: true,
  armed: true,
  reached: true,
  forbiddenSeen: false,
  requiredSeen: false,
  killed: false,
  serverFault: false,
};

const run = (result: ProbeRun['result'], decisive: readonly number[]): ProbeRun => ({
  ...{ round: '', result, exitCode: 1, signal: null, decisive, output: '' },
  exchanges: calls.map(exchangeOf).filter(({ id }) => decisive.includes(id)),
  omitted: calls.length - decisive.length,
});

const probes: readonly ProbeVerdict[] = [
  {
    id: 'P01',
    result: 'fail',
    facts: { ...facts, forbiddenSeen: true },
    detail: 'The client continued 15 ms after the redirect with the wrong hash.',
    exchanges: [10, 11],
    milliseconds: 1219,
    runs: [{ ...run('fail', [10, 11]), output: 'continued\nstopped: status 400\n' }],
  },
  {
    id: 'P02',
    result: 'pass',
    facts,
    detail: 'The client stopped.',
    exchanges: [10],
    milliseconds: 903,
    runs: [
      { ...run('pass', [10]), round: 'no hash' },
      { ...run('pass', [10]), round: 'an empty hash' },
    ],
  },
  {
    id: 'P07',
    result: 'pass',
    weak: true,
    facts,
    detail: 'The client accepted the reference once more and then stopped.',
    exchanges: [12],
    milliseconds: 700,
    runs: [run('pass', [12])],
  },
  {
    id: 'P12',
    result: 'not-exercised',
    facts: { ...facts, reached: false },
    detail: 'The client never continued.',
    exchanges: [],
    milliseconds: 411,
    runs: [],
  },
];

/** A run with violations of every kind. */
export const sampleReport = (): Report => ({
  version: '0.1.0',
  spec: '1.3.0',
  requirements: '1.3.0',
  profile: 'strict',
  seed: '42',
  startedAt: new Date(startedAt).toISOString(),
  milliseconds: 4187,
  command: {
    command: ['go', 'test', './test/integration', '-run', 'Pay (USD)'],
    exitCode: 0,
    signal: null,
    timedOut: false,
  },
  result: 'failed',
  exitCode: 1,
  reasons: ['3 requirements are not met.', '1 expected failure is stale.'],
  coverage: {
    operations: { seen: 9, declared: 18 },
    statuses: { seen: 23, declared: 71 },
    missing: ['complete-incoming-payment', 'delete-continue', 'delete-token', 'list-outgoing-payments', 'post-token'],
  },
  verdicts: requirementIds.map(verdictOf),
  probes,
  stale: ['CL-WA-08'],
  exchanges: calls.map(exchangeOf),
});

/** A run in which everything passed. */
export const passedReport = (): Report => ({
  ...sampleReport(),
  result: 'passed',
  exitCode: 0,
  reasons: [],
  verdicts: requirementIds.map((id) => {
    const { level } = requirements[id];
    return { id, level, status: 'pass', applied: 2, violations: 0, findings: [], probes: [] };
  }),
  probes: [],
  stale: [],
});

/** Requirements of the sample with this level that are met, and those that were judged. */
export function figures(level: Level): [met: number, judged: number] {
  const judged = sampleReport().verdicts.filter(
    (verdict) => verdict.level === level && !['not-exercised', 'inconclusive'].includes(verdict.status),
  );
  return [judged.filter(({ status }) => status === 'pass').length, judged.length];
}

/** The sample, with this text wherever a client, or the operator of a baseline, chooses one. */
export function hostileReport(text: string): Report {
  const report = sampleReport();
  const finding: Finding = {
    outcome: 'violation',
    detail: text,
    expected: `${text}x`,
    actual: `${text}y`,
    firstDifference: Buffer.byteLength(text),
    exchange: 1,
  };
  const headers = [
    ['X-Client', text],
    [text, 'x'],
  ];
  const signature: DescribedExchange['signature'] = {
    result: 'explained',
    refusal: { reason: 'signature_mismatch', detail: text },
    mistakes: [{ name: 'wrong-tag', sentence: text, fix: 'Send tag="gnap", or no tag.' }],
    key: { keyid: text, source: text },
    digest: { matches: false, received: text, expected: text },
    base: `"x": ${text}x`,
    signed: { encoding: 'text', value: `"x": ${text}y` },
    firstDifference: {
      offset: 5 + Buffer.byteLength(text),
      line: 1,
      column: 6 + text.length,
      expected: '78',
      signed: '79',
    },
    verifications: 3,
  };
  const spoil = (exchange: DescribedExchange): DescribedExchange => ({
    ...exchange,
    method: text,
    lenient: [text],
    refusal: { code: 'bad_request', reason: text, requirements: [], signatureBase: text },
    request: { line: `GET /${text} HTTP/1.1`, headers, bytes: 1, body: text },
    response: { headers, bytes: 1, body: text },
    signature,
  });
  return {
    ...report,
    seed: text,
    command: { command: ['sh', '-c', text], exitCode: null, signal: null, timedOut: false },
    reasons: [text],
    verdicts: report.verdicts.map((verdict) => ({
      ...verdict,
      findings: verdict.status === 'not-exercised' ? [] : [finding],
      ...(verdict.expected !== undefined && { expected: text }),
      ...(verdict.reason !== undefined && { reason: text }),
    })),
    probes: report.probes.map((probe) => ({
      ...probe,
      detail: text,
      runs: probe.runs.map((each) => ({ ...each, signal: text, output: text, exchanges: each.exchanges.map(spoil) })),
    })),
    exchanges: report.exchanges.map(spoil),
  };
}
