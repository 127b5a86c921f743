/** Reports for tests of the formats: a run with violations of every kind, and the same with a hostile text everywhere. */
import { type RequirementId, requirementIds, requirements } from '../../../src/grade/catalogue.ts';
import type { DescribedExchange } from '../../../src/grade/describe-exchange.ts';
import type { Finding } from '../../../src/grade/judge.ts';
import type { ProbeRun, ProbeVerdict, Report, Verdict } from '../../../src/grade/report.ts';
import type { Level } from '../../../src/grade/requirement.ts';
import { sampleExchanges, startedAt } from './sample-exchanges.ts';

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
  exchanges: sampleExchanges.filter(({ id }) => decisive.includes(id)),
  omitted: sampleExchanges.length - decisive.length,
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
    requests: 15,
    operations: { seen: 9, declared: 18 },
    statuses: { seen: 23, declared: 71 },
    missing: ['complete-incoming-payment', 'delete-continue', 'delete-token', 'list-outgoing-payments', 'post-token'],
  },
  verdicts: requirementIds.map(verdictOf),
  probes,
  stale: ['CL-WA-08'],
  exchanges: sampleExchanges,
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
