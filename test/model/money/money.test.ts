/**
 * Payments, quotes, balances and grants over HTTP against a small model of the money: random requests, alone and at
 * once. `make mutants` shows that the model notices servers with mutants.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createFastestDatabase } from '../../support/postgresql.ts';
import { seed } from '../../support/seed.ts';
import { startMoneyClient } from './client.ts';
import { runMoneySequences } from './commands.ts';

/** `make nightly` runs 5000. */
const SEQUENCES = 20;

let database: Awaited<ReturnType<typeof createFastestDatabase>>;
let client: Awaited<ReturnType<typeof startMoneyClient>>;
before(async () => {
  database = await createFastestDatabase();
  client = await startMoneyClient(database.options);
});
after(async () => {
  await client?.close();
  await database?.drop();
});

test(`the model explains ${SEQUENCES} sequences`, async () => {
  const { failure, figures } = await runMoneySequences(client, { sequences: SEQUENCES, seed });
  assert.equal(failure, undefined, failure);
  // Sequences that never reach these answers would prove little.
  for (const [kind, answer] of [
    ['quote', '201'],
    ['pay quote', '201'],
    ['pay quote', '400 invalid quote'],
    ['pay incoming', '201'],
    ['pay incoming', '403 unauthorized'],
    ['pay quote', 'lost'],
    ['fault', 'packet repeated'],
    ['fault', 'packet indebted'],
    ['move', '200'],
    ['complete', '200'],
    ['part', '204'],
    ['part', '409'],
    ['rejoin', '201'],
    ['payment', 'doubt'],
    ['payment', 'completed'],
    ['payment', 'failed'],
  ] as const) {
    assert.ok(figures.get(kind)?.get(answer), `no ${kind} came to ${answer}`);
  }
});

test('the model knows nothing of the server', async () => {
  for (const file of ['model', 'amounts', 'requests', 'sending', 'state']) {
    const source = await readFile(join(import.meta.dirname, `${file}.ts`), 'utf8');
    const imported = [...source.matchAll(/ from '(.*)';/g)].map(([, specifier]) => specifier!);
    for (const specifier of imported) assert.match(specifier, /^\.\/(amounts|requests|sending|state)\.ts$/, file);
  }
});
