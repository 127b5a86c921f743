/** The state machine of grants over HTTP against a small model: random sequential and concurrent requests. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { createFastestDatabase } from '../../support/postgresql.ts';
import { seed } from '../../support/seed.ts';
import { type GrantClient, startGrantClient } from './client.ts';
import { runGrantSequences } from './commands.ts';

const SEQUENCES = 100;

let database: Awaited<ReturnType<typeof createFastestDatabase>>;
let client: GrantClient;
before(async () => {
  database = await createFastestDatabase();
  client = await startGrantClient(database.options);
});
after(async () => {
  await client?.close();
  await database?.drop();
});

test(`the model explains ${SEQUENCES} sequences`, async () => {
  const { failure, figures } = await runGrantSequences(client, { sequences: SEQUENCES, seed });
  assert.equal(failure, undefined, failure);
  // Sequences that never reach these answers would prove little.
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

test('the model does not explain a server with one rule broken', async () => {
  const register = join(import.meta.dirname, '..', '..', 'mutants', 'register.ts');
  const args = ['--import', register, join(import.meta.dirname, '..', 'mutants.ts'), 'grants'];
  const { stdout } = await promisify(execFile)(process.execPath, args).catch((error) => error);
  assert.match(stdout, /^noticed /m);
  assert.doesNotMatch(stdout, /^SURVIVED /m);
});
