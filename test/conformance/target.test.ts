/** Targets that lack capabilities, and the options of `touchstone check` that describe a target. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { capabilityOf, NotApplicable } from '../../conformance/runner/capability.ts';
import {
  answersCheckId,
  type Check,
  type CheckContext,
  type CheckResult,
  judgeRows,
  runChecks,
} from '../../conformance/runner/check.ts';
import { assertFor } from '../../conformance/runner/deviation.ts';
import { parseOptions, targetVariables } from '../../conformance/runner/options.ts';
import { describeSummary, summarise } from '../../conformance/runner/report.ts';
import type { Requirement } from '../../conformance/runner/requirements.ts';
import type { Target } from '../../conformance/runner/target.ts';
import { levelOf } from '../../conformance/runner/verdict.ts';
import { parseStep } from '../../conformance/steps/browser-consent.ts';
import { createClientHost } from '../../conformance/steps/client-host.ts';
import { createControl } from '../../conformance/steps/control.ts';
import { finishUri } from '../../conformance/steps/interaction.ts';
import { giveConsent } from '../../conformance/steps/owner-consent.ts';
import { createRecorder } from '../../conformance/steps/signed-client.ts';

const rows: Requirement[] = ['WA-01', 'WA-02', 'CT-09', 'CT-09b'].map((id) => ({
  id,
  level: 'must',
  statement: 's',
  references: ['RFC 9635'],
}));
const bare = { consent: { kind: 'automatic' } } as Target;

const checkThat = (id: string, rowId: string, run: Check['run']): Check => ({ id, rows: [rowId], title: 't', run });

test('a check that needs what the target lacks is not applicable, and covers no row', async () => {
  const recorder = createRecorder();
  const context = { target: bare, control: createControl(bare, () => {}) } as CheckContext;
  const results = await runChecks(
    [
      checkThat('token.expires', 'WA-01', async ({ control }) => control.advanceClock(600)),
      checkThat(
        'token.reason',
        'WA-02',
        async ({ control }) => void (await control.request('GET', '/exchanges?limit=1')),
      ),
      checkThat('token.fails', 'WA-02', async () => {
        recorder.requests += 1;
        throw new Error('no');
      }),
    ],
    () => ({ context, recorder }),
  );
  assert.deepEqual(
    results.slice(0, 2).map(({ lacks, failure }) => [lacks, failure]),
    [
      ['clock', undefined],
      ['refusal-reasons', undefined],
    ],
  );
  assert.equal(judgeRows(rows, results).get('WA-01'), 'inapplicable');
  assert.equal(judgeRows(rows, results).get('WA-02'), 'failed');
  const summary = summarise({ results, requirements: rows, strictness: { own: false, strict: false } });
  assert.deepEqual(summary.lacking, { clock: 1, 'refusal-reasons': 1 });
  assert.deepEqual(summary.checks, { passed: 1, warned: 0, noted: 0, failed: 1 });
  assert.match(describeSummary(summary), /^1 checks are not applicable without a clock/m);
});

test('a deviation from a weaker row lets the check go on, and counts by the level of that row', async () => {
  const recorder = createRecorder();
  const context = { target: bare, control: createControl(bare, () => {}) } as CheckContext;
  const requirements: Requirement[] = [...rows, { id: 'RS-03', level: 'policy', statement: 's', references: [] }];
  const run = (fails: boolean): Promise<CheckResult[]> => {
    const deviating = checkThat('quote.words', 'WA-01', async () => {
      recorder.requests += 1;
      assertFor('RS-03', () => assert.equal('one', 'other'));
      if (fails) assert.fail('the rule itself');
    });
    return runChecks([deviating], () => ({ context, recorder }));
  };
  const [noted] = await run(false);
  assert.deepEqual(noted?.failure?.rows, ['RS-03']);
  assert.equal(levelOf(noted, requirements), 'policy');
  assert.equal(judgeRows(requirements, [noted]).get('WA-01'), 'passed');
  assert.equal(judgeRows(requirements, [noted]).get('RS-03'), 'failed');
  const [failed] = await run(true);
  assert.equal(levelOf(failed!, requirements), 'must');
  assert.match(failed?.failure?.message ?? '', /the rule itself/);
  assert.throws(() => assertFor('RS-03', () => assert.fail('outside of a check')), /outside/);
});

test('a run ends where the target has gone, without a verdict on the check that found it gone', async () => {
  const recorder = createRecorder();
  const context = { target: bare, control: createControl(bare, () => {}) } as CheckContext;
  const unanswered = { method: 'GET', url: 'http://127.0.0.1:1/', headers: [], body: undefined };
  const gone = checkThat('quote.gone', 'WA-01', async () => {
    recorder.requests += 1;
    recorder.unanswered = unanswered;
    throw new Error('connect ECONNREFUSED');
  });
  const asked: string[] = [];
  const run = (isReachable: boolean): Promise<CheckResult[]> =>
    runChecks(
      [gone, gone],
      () => ({ context, recorder }),
      undefined,
      undefined,
      async (id) => {
        asked.push(id);
        return isReachable;
      },
    );
  assert.deepEqual(
    (await run(false)).map(({ id }) => id),
    [answersCheckId],
  );
  assert.deepEqual(asked, ['quote.gone']);
  assert.equal((await run(true)).length, 3, 'a target that answers is judged further');
});

test('rows about the form of errors do not raise the level of a check', () => {
  const level = (id: string, given: Requirement['level']): Requirement => ({
    ...{ id, level: given, statement: 's', references: [] },
  });
  const all = [level('RS-02', 'must'), level('RS-L-11', 'policy')];
  assert.equal(levelOf({ rows: ['RS-L-11', 'RS-02'] }, all), 'policy');
  assert.equal(levelOf({ rows: ['RS-02'] }, all), 'must');
});

test('each path of the control API belongs to a capability', () => {
  assert.deepEqual(
    ['/clock', '/worlds/w1', '/consent', '/exchanges/7', '/faults', '/ases/granite/peers', '/ledger'].map(capabilityOf),
    ['clock', 'worlds', 'consent-modes', 'refusal-reasons', 'faults', 'administration', 'administration'],
  );
});

test('servers of this machine are not offered to a target that cannot reach them', async () => {
  await assert.rejects(createClientHost(false).add([]), /needs key sets and callbacks on servers of this machine/);
});

test('options replace the variables of the environment, also another form of the key', () => {
  const options = parseOptions([
    '--wallet-address',
    'https://a.example/x',
    '--private-key',
    'key.pem',
    '--local-servers',
  ]);
  const variables = targetVariables(options, {
    TOUCHSTONE_WALLET_ADDRESS: 'y',
    TOUCHSTONE_PRIVATE_KEY: 'z',
    HOME: '/',
  });
  assert.deepEqual(variables, {
    HOME: '/',
    TOUCHSTONE_WALLET_ADDRESS: 'https://a.example/x',
    TOUCHSTONE_PRIVATE_KEY: undefined,
    TOUCHSTONE_PRIVATE_KEY_BASE64: undefined,
    TOUCHSTONE_PRIVATE_KEY_FILE: 'key.pem',
    TOUCHSTONE_LOCAL_SERVERS: 'true',
  });
  assert.throws(() => parseOptions(['--rate', '0']), /--rate takes/);
  assert.throws(() => parseOptions(['--consent', 'maybe']), /--consent takes/);
});

const hook = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { interaction, finish } = JSON.parse(Buffer.concat(chunks).toString());
  response.end(JSON.stringify({ location: `${finish}?via=${encodeURIComponent(interaction)}` }));
});
before(() => new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve)));
after(() => void hook.close());

test('a command or a hook brings the consent of the owner', async () => {
  const command = `printf 'opening\\n%s?via=%s\\n' "$TOUCHSTONE_FINISH" "$TOUCHSTONE_INTERACTION"`;
  const url = `http://127.0.0.1:${(hook.address() as AddressInfo).port}/`;
  for (const consent of [{ kind: 'command', command } as const, { kind: 'hook', url } as const]) {
    const context = { target: { ...bare, consent } } as CheckContext;
    const { finish } = await giveConsent(context, 'http://as.example/i/1');
    assert.equal(finish?.href.split('?')[0], finishUri);
    assert.equal(finish?.searchParams.get('via'), 'http://as.example/i/1');
  }
  const consent = { kind: 'command', command: 'echo elsewhere' } as const;
  const elsewhere = await giveConsent({ target: { ...bare, consent } } as CheckContext, 'http://as.example/');
  assert.equal(elsewhere.finish, undefined);
});

test('a page that asks a person makes a check not applicable, unless the target is to consent by itself', async () => {
  const answers = [
    { status: 302, headers: new Headers({ location: '/page' }) },
    { status: 200, headers: new Headers() },
  ];
  const visit = (available: boolean) => {
    const left = [...answers];
    const call = async () => left.shift();
    const target = { ...bare, consent: { kind: 'automatic' } };
    return giveConsent({ target, call, control: { available } } as unknown as CheckContext, 'http://as.example/i/1');
  };
  await assert.rejects(visit(false), new NotApplicable('automatic-consent'));
  assert.equal((await visit(true)).finish, undefined);
});

test('steps of consent in a browser click and fill, with values from the environment', () => {
  assert.deepEqual(parseStep('click button[value=accept]', {}), { action: 'click', selector: 'button[value=accept]' });
  assert.deepEqual(parseStep('fill #pass word = $SECRET', { SECRET: 's = 1' }), {
    ...{ action: 'fill', selector: '#pass word', value: 's = 1' },
  });
  assert.throws(() => parseStep('fill #password = $SECRET', {}), /needs the variable SECRET/);
  assert.throws(() => parseStep('press Enter', {}), /a step of consent is `click SELECTOR`/);
  const options = parseOptions([
    '--consent',
    'browser',
    '--consent-step',
    'click #next',
    '--consent-step',
    'click #yes',
  ]);
  const variables = targetVariables(options, {});
  assert.equal(variables['TOUCHSTONE_CONSENT'], 'browser');
  assert.equal(variables['TOUCHSTONE_CONSENT_STEPS'], 'click #next\nclick #yes');
});
