/**
 * Grades what the Go, Rust, PHP and .NET libraries send, byte for byte: no verdict in `compat` without an explanation in
 * their wire form, and each failure in `strict` with the bytes that cause it.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pino from 'pino';
import { libraries } from '../../conformance/clients/forms/parse.ts';
import { type ReplayedRequest, replay } from '../../conformance/clients/forms/replay.ts';
import { createGrader } from '../../src/grade/grader.ts';
import type { Verdict } from '../../src/grade/report.ts';
import type { TracedExchange } from '../../src/http/request-trace.ts';
import { type ProfileName, strict } from '../../src/profile.ts';
import { defaultWorld } from '../../src/world/definition/definition.ts';
import { createDeployment, type Deployment } from '../../src/world/deployment.ts';
import { createFastestDatabase } from '../support/postgresql.ts';
import { explained, refused } from './support/form-verdicts.ts';

let deployment: Deployment;
let database: Awaited<ReturnType<typeof createFastestDatabase>>;
before(async () => {
  database = await createFastestDatabase();
  deployment = await createDeployment({
    host: '127.0.0.1',
    controlPort: 0,
    database: database.options,
    insecure: false,
    log: pino({ level: 'silent' }),
  });
});
after(async () => {
  await deployment?.close();
  await database?.drop();
});

interface Replayed {
  readonly requests: readonly ReplayedRequest[];
  readonly exchanges: readonly TracedExchange[];
  readonly verdicts: Readonly<Record<ProfileName, readonly Verdict[]>>;
}

/** The verdicts of `compat` are those of the world; a second grader judges the same exchanges as `strict` does. */
async function replayIn(profile: ProfileName, library: string): Promise<Replayed> {
  const id = `${library}-${profile}`;
  const options = { consent: 'auto', definition: defaultWorld, profile, gradesAll: true } as const;
  const world = await deployment.addWorld(id, options);
  try {
    const ases = (await world.controls.describeAses()).map(({ name, origin, authServer, resourceServer }) => ({
      name,
      walletAddressServer: origin,
      authServer: authServer.replace(/\/$/, ''),
      resourceServer: resourceServer.replace(/\/$/, ''),
      identityProvider: origin,
    }));
    const grader = createGrader({ profile: 'strict', switches: strict, ases, secrets: [world.clientKey!] });
    const exchanges: TracedExchange[] = [];
    world.controls.subscribeToExchanges((exchange) => {
      exchanges.push(exchange);
      grader.observe(exchange);
    });
    const variables = world.describeEnvironment();
    const requests = await replay(library, {
      senderAddress: variables['TOUCHSTONE_WALLET_ADDRESS']!,
      receiverAddress: variables['TOUCHSTONE_RECEIVER']!,
      client: variables['TOUCHSTONE_CLIENT']!,
      keyId: variables['TOUCHSTONE_KEY_ID']!,
      privateKey: world.clientKey!,
    });
    await world.settled();
    const end = { at: Date.now(), output: '', privateKeys: [world.clientKey!] };
    return {
      requests,
      exchanges,
      verdicts: { compat: (await world.controls.readRun!('')).verdicts, strict: grader.finish(end) },
    };
  } finally {
    await deployment.removeWorld(id);
  }
}

const refusals = (requests: readonly ReplayedRequest[]): string[] =>
  requests.flatMap(({ name, status }) => (status !== undefined && status >= 400 ? [`${name} ${status}`] : []));

/** All but what was met or does not apply. */
const violated = (verdicts: readonly Verdict[]): string[] =>
  verdicts
    .filter(({ status }) => !['pass', 'not-exercised'].includes(status))
    .map(({ id, status }) => `${id} ${status}`)
    .sort();

const textOf = ({ request: { method, rawTarget, rawHeaders, body }, httpVersion }: TracedExchange): string => {
  const fields = rawHeaders.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return `${method} ${rawTarget} HTTP/${httpVersion}\r\n${fields}\r\n${body}`;
};

/** True if the texts around masked secrets occur in this order. */
function occursIn(text: string, evidence: string): boolean {
  let from = 0;
  return evidence.split(/[\w+/-]{0,4}…\(\d+\)/).every((part) => {
    const index = text.indexOf(part, from);
    from = index + part.length;
    return index !== -1;
  });
}

test('each library has its explanations', () => {
  assert.deepEqual(Object.keys(explained).sort(), [...libraries].sort());
});

for (const library of libraries) {
  test(`${library}: verdicts`, async () => {
    const { requests, exchanges, verdicts } = await replayIn('compat', library);
    assert.equal(requests.length, 22);
    assert.deepEqual(refusals(requests), refused.compat[library] ?? []);
    const sent = requests.map(({ bytes }) => bytes);
    const received = new Set(exchanges.map(textOf));
    assert.deepEqual(
      sent.filter((bytes) => !received.has(bytes!)),
      [],
      'requests arrive as they were sent',
    );

    const rows = explained[library]!;
    for (const profile of ['compat', 'strict'] as const) {
      const expected = rows.map(([id, verdict]) => `${id} ${verdict[profile]}`).sort();
      assert.deepEqual(violated(verdicts[profile]), expected, profile);
    }
    const texts = requests.map(({ url, bytes }) => `${url}\n${bytes}`);
    for (const { id, status, findings } of verdicts.strict) {
      if (status !== 'fail') continue;
      for (const { actual } of findings) {
        assert.ok(actual, `${id} has no bytes`);
        assert.ok(
          texts.some((text) => occursIn(text, actual)),
          `${id}: ${actual} was not sent`,
        );
      }
    }
  });

  test(`${library}: refusals of a strict server`, async () => {
    const { requests, verdicts } = await replayIn('strict', library);
    const expected = refused.strict[library] ?? [];
    assert.deepEqual(refusals(requests), expected);
    const unsent = requests.filter(({ status }) => status === undefined);
    assert.equal(unsent.length > 0, expected.length > 0);
    // Less was sent, so that less was violated.
    const known = new Set(explained[library]!.map(([id, verdict]) => `${id} ${verdict.strict}`));
    assert.deepEqual(
      violated(verdicts.strict).filter((verdict) => !known.has(verdict)),
      [],
    );
  });
}
