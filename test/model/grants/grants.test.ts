/** The state machine of grants over HTTP against a small model of it: random requests, alone and at once. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { type GrantClient, startGrantClient } from './client.ts';
import { runGrantSequences } from './commands.ts';

const SEQUENCES = 200;
const seed = Number(process.env['TOUCHSTONE_TEST_SEED'] ?? Date.now() % 2 ** 31);

let client: GrantClient;
before(async () => {
  client = await startGrantClient({ kind: 'embedded' });
});
after(() => client.close());

test(`the model explains ${SEQUENCES} sequences`, async (t) => {
  const { failure, figures } = await runGrantSequences(client, { sequences: SEQUENCES, seed });
  t.diagnostic(`seed ${seed}; TOUCHSTONE_TEST_SEED=${seed} repeats it`);
  assert.equal(failure, undefined, failure);
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

test('of a server with one rule broken it does not', async () => {
  const register = join(import.meta.dirname, '..', '..', 'mutants', 'register.ts');
  const args = ['--import', register, join(import.meta.dirname, '..', 'mutants.ts'), 'grants'];
  const { stdout } = await promisify(execFile)(process.execPath, args).catch((error) => error);
  assert.match(stdout, /^noticed /m);
  assert.doesNotMatch(stdout, /^SURVIVED /m);
});
