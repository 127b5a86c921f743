/** The state machine of grants over HTTP against a small model: random sequential and concurrent requests. */
import '../../mutants/register.ts';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { grantModelMutants } from '../../mutants/grant-model.ts';
import { createFastestDatabase } from '../../support/postgresql.ts';
import { seed } from '../../support/seed.ts';
import { tryMutant } from '../try-mutant.ts';

// The server is loaded once the mutants are registered.
const { startGrantClient } = await import('./client.ts');
const { runGrantSequences } = await import('./commands.ts');

/** `make nightly` runs 5000. */
const SEQUENCES = 50;

let database: Awaited<ReturnType<typeof createFastestDatabase>>;
let client: Awaited<ReturnType<typeof startGrantClient>>;
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

for (const mutant of grantModelMutants) {
  test(`the model does not explain a server with ${mutant.id}`, async () => {
    const trial = await tryMutant(mutant, (range) => runGrantSequences(client, range), { sequences: 100 });
    assert.equal(trial.stale, undefined);
    assert.ok(trial.noticedIn, 'survived');
  });
}
