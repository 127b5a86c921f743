/** The check runner against a small test server: row coverage, invalid answers, levels and the report. */
import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import {
  answersCheckId,
  type Check,
  type CheckContext,
  type CheckResult,
  judgeRows,
  type Profile,
  runChecks,
} from '../../conformance/runner/check.ts';
import { renderFiles, viewOf } from '../../conformance/runner/check-view.ts';
import { type CheckReport, concludeRun, type RunFacts } from '../../conformance/runner/conclusion.ts';
import { createRedaction } from '../../conformance/runner/redaction.ts';
import { describeSummary, summarise } from '../../conformance/runner/report.ts';
import type { Requirement } from '../../conformance/runner/requirements.ts';
import { createRun, newIdentity } from '../../conformance/runner/run.ts';
import { loadOperations } from '../../conformance/runner/validation.ts';
import { levelOf, type Strictness } from '../../conformance/runner/verdict.ts';
import { createRecorder, createSignedClient } from '../../conformance/steps/signed-client.ts';
import { renderTerminal } from '../../src/report/terminal.ts';

const operations = await loadOperations();
const rows: Requirement[] = ['WA-01', 'WA-02', 'CT-09', 'CT-09b'].map((id) => ({
  id,
  level: 'must',
  statement: 's',
  references: ['RFC 9635'],
}));
const strictness = { own: true, strict: false };
const wallet = {
  id: 'https://wallet.example/alice',
  assetCode: 'USD',
  assetScale: 2,
  authServer: 'https://wallet.example/auth/',
  resourceServer: 'https://wallet.example',
};

/** Runs the checks against a server that answers each request with `listener`. */
async function runAgainst(listener: RequestListener, checks: (origin: string) => Check[]) {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const redaction = createRedaction();
  try {
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const results = await runChecks(checks(origin), () => {
      const recorder = createRecorder();
      const call = createSignedClient(newIdentity('key'), operations, redaction, recorder);
      return { recorder, context: { call } as CheckContext };
    });
    return { results, redaction, states: judgeRows(rows, results) };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** The report of these results. */
const conclude = (facts: Partial<RunFacts>): CheckReport =>
  concludeRun({
    ...{ version: '1.0.0', spec: '1.3.0', target: null, startedAt: '2026-11-26T09:30:00.000Z', milliseconds: 1 },
    ...{ results: [], requirements: rows, strictness, operations, redaction: createRedaction() },
    ...{ leftovers: [], broken: [], ...facts },
  });

const getWallet =
  (id: string, row: string): ((origin: string) => Check[]) =>
  (origin) => [
    {
      id,
      rows: [row],
      title: 'reads a wallet address',
      run: async ({ call }) => {
        await call({ operation: 'get-wallet-address', url: `${origin}/alice`, sign: false });
      },
    },
  ];

const answering =
  (status: number, body: unknown): RequestListener =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };

test('a row is covered only by a check that made a request', async () => {
  const { states, results } = await runAgainst(answering(200, wallet), (origin) => [
    ...getWallet('asks', 'WA-01')(origin),
    { id: 'asks-nothing', rows: ['WA-02'], title: 'makes no request', run: async () => {} },
  ]);
  assert.deepEqual(Object.fromEntries(states), {
    'WA-01': 'passed',
    'WA-02': 'open',
    'CT-09': 'passed',
    'CT-09b': 'passed',
  });
  assert.equal(results.find((result) => result.id === 'asks-nothing')?.failure?.message, 'the check made no request');
  const summary = describeSummary(summarise({ results, requirements: rows, strictness }));
  assert.equal(summary, 'rows covered 3 · passed 3 · failed 0 · by tests 0 · open 1\nmust 3/3\n2 passed, 1 failed');
});

test('one failing check fails the row, even if others pass', async () => {
  const { states } = await runAgainst(answering(200, wallet), (origin) => [
    ...getWallet('first', 'WA-01')(origin),
    {
      id: 'second',
      rows: ['WA-01'],
      title: 'fails after its request',
      run: async ({ call }) => {
        await call({ url: `${origin}/alice`, sign: false });
        assert.fail('no');
      },
    },
    ...getWallet('third', 'WA-01')(origin),
  ]);
  assert.equal(states.get('WA-01'), 'failed');
});

test('a check that names an unknown row is an error', async () => {
  await assert.rejects(runAgainst(answering(200, wallet), getWallet('asks', 'WA-999')), /WA-999/);
});

for (const [title, listener, message] of [
  ['a body that the schema refuses', answering(200, { ...wallet, assetScale: '2' }), /assetScale/],
  ['a status that the document does not declare', answering(418, { error: {} }), /status 418 is not declared/],
  [
    'a page where JSON is declared',
    (_request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>'),
    /not application\/json/,
  ],
] as const satisfies readonly (readonly [string, RequestListener, RegExp])[]) {
  test(`${title} fails CT-09 and names the check`, async () => {
    const { results, states } = await runAgainst(listener, getWallet('asks', 'WA-01'));
    const answers = results.find((result) => result.id === answersCheckId);
    assert.match(answers?.failure?.message ?? '', message);
    assert.match(answers?.failure?.message ?? '', /^asks: /);
    assert.equal(states.get('CT-09'), 'failed');
  });
}

test('a report shows the request and the answer without secrets', async () => {
  const token = 'secret-token-of-this-test';
  const issued = { access_token: { value: 'issued-token-1', manage: 'https://a.example/token/1', access: [] } };
  const { results, redaction } = await runAgainst(answering(200, issued), (origin) => [
    {
      id: 'shows',
      rows: ['WA-01'],
      title: 'fails with a token in its message',
      run: async ({ call }) => {
        const answer = await call({ url: `${origin}/x`, json: { amount: { value: '123456' } }, token });
        assert.fail(`${token} ${answer.body.access_token.value}`);
      },
    },
  ]);
  const report = conclude({ results, redaction });
  const texts = [
    renderTerminal(viewOf(report, true), { colours: false, columns: 100 }),
    ...Object.values(renderFiles(report, true)),
  ];
  assert.match(texts[0]!, /curl -i http:\/\/127\.0\.0\.1:\d+\/x -H .* -H 'authorization: GNAP '"\$TOKEN"/);
  assert.match(texts[0]!, /"value":"123456"/);
  for (const text of texts) assert.doesNotMatch(text, /secret-token|issued-token|keyid="key".*:[A-Za-z0-9+/]{40}/);
});

/** A target of one wallet address whose control API names a profile; `undefined`: without a control API. */
async function runOf(named: string | undefined, profile?: Profile): Promise<Profile> {
  const server = createServer((request, response) => {
    const body = request.url === '/control/' ? { profile: named } : wallet;
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const addresses = { walletAddress: `${origin}/alice`, receiver: `${origin}/bob`, client: `${origin}/client` };
    const control = named === undefined ? {} : { control: { url: `${origin}/control`, token: 't' } };
    const environment = {
      ...{ ...addresses, ...control, identity: newIdentity('key') },
      ...{ consent: { kind: 'automatic' } as const, reachesLocalServers: true },
    };
    const run = await createRun(environment, operations, profile ? { profile } : {});
    await run.close();
    return run.profile;
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('the profile is the one that the target names, otherwise the requested one, otherwise compat', async () => {
  assert.equal(await runOf('strict'), 'strict');
  assert.equal(await runOf('strict', 'strict'), 'strict');
  await assert.rejects(runOf('compat', 'strict'), /the target goes by the profile compat/);
  assert.equal(await runOf(undefined, 'strict'), 'strict');
  assert.equal(await runOf(undefined), 'compat');
});

const statuses = { FAIL: 'fail', WARN: 'warning', NOTE: 'note' };

const failed = (rows: readonly string[], touchstone?: true): CheckResult => ({
  id: 'a.b',
  rows,
  title: 't',
  requests: 1,
  failure: { message: 'm', answer: undefined },
  ...(touchstone && { touchstone }),
});

for (const [level, touchstone, foreign, own] of [
  ['must', undefined, 'FAIL', 'FAIL'],
  ['should', undefined, 'WARN', 'WARN'],
  ['compat', undefined, 'NOTE', 'FAIL'],
  ['policy', undefined, 'NOTE', 'FAIL'],
  ['must', true, 'NOTE', 'FAIL'],
] as const) {
  test(`a failed check of level ${level}${touchstone ? ' of Touchstone itself' : ''}: ${foreign}, for Touchstone ${own}`, () => {
    const requirements = [{ id: 'WA-01', level, statement: 's', references: ['RFC 9635 §5.1'] }];
    const statusIn = (named: Strictness) =>
      conclude({ results: [failed(['WA-01'], touchstone)], requirements, strictness: named }).checks[0]!;
    assert.equal(statusIn({ own: false, strict: false }).status, statuses[foreign]);
    assert.equal(statusIn({ own: true, strict: false }).status, statuses[own]);
    assert.equal(statusIn({ own: false, strict: true }).status, 'fail');
    assert.deepEqual(
      statusIn({ own: false, strict: false }).references.map(({ url }) => url),
      ['https://www.rfc-editor.org/rfc/rfc9635#section-5.1'],
    );
  });
}

test('a check counts by the strongest level of its rows', () => {
  const requirements = [
    { id: 'A', level: 'policy', statement: 's', references: [] },
    { id: 'B', level: 'must', statement: 's', references: [] },
  ] as const;
  assert.equal(levelOf(failed(['A', 'B']), requirements), 'must');
  assert.equal(levelOf(failed(['A']), requirements), 'policy');
  const { checks, levels } = summarise({
    results: [failed(['A'])],
    requirements,
    strictness: { own: false, strict: false },
  });
  assert.deepEqual(checks, { passed: 0, warned: 0, noted: 1, failed: 0 });
  assert.deepEqual(levels['policy'], { passed: 0, of: 1 });
});
