/** The state machine of grants over HTTP against a small model of it: random requests, alone and at once. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { runGrantSequences } from './grant.commands.ts';
import { type GrantClient, startGrantClient } from './grant-client.ts';

const SEQUENCES = 200;
const seed = Number(process.env['TOUCHSTONE_TEST_SEED'] ?? Date.now() % 2 ** 31);

let client: GrantClient;
before(async () => {
  client = await startGrantClient({ kind: 'embedded' });
});
after(() => client.close());

test(`the model explains ${SEQUENCES} sequences`, async (t) => {
  const { details, figures } = await runGrantSequences(client, { sequences: SEQUENCES, seed });
  t.diagnostic(`seed ${details.seed}; TOUCHSTONE_TEST_SEED=${details.seed} repeats it`);
  assert.equal(details.failed, false, fc.defaultReportMessage(details));
  // What sequences must have reached to be worth anything
  for (const [kind, answer] of [
    ['finish', '302 reference'],
    ['continue', '200 token'],
    ['continue', '400 too_fast'],
    ['continue', '404 invalid_continuation'],
    ['rotate', '200 token'],
    ['use', '200'],
    ['use', '401 invalid_token'],
    ['cancel', '204'],
  ] as const) {
    assert.ok(figures.get(kind)?.get(answer), `no ${kind} was answered with ${answer}`);
  }
});
