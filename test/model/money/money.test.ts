/** Payments, quotes, balances and grants over HTTP against a small model of the money: random requests, alone and at once. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type MoneyClient, startMoneyClient } from './client.ts';
import { runMoneySequences } from './commands.ts';

const SEQUENCES = 200;
const seed = Number(process.env['TOUCHSTONE_TEST_SEED'] ?? Date.now() % 2 ** 31);

let client: MoneyClient;
before(async () => {
  client = await startMoneyClient({ kind: 'embedded' });
});
after(() => client.close());

test(`the model explains ${SEQUENCES} sequences`, async (t) => {
  const { failure, figures } = await runMoneySequences(client, { sequences: SEQUENCES, seed });
  t.diagnostic(`seed ${seed}; TOUCHSTONE_TEST_SEED=${seed} repeats it`);
  assert.equal(failure, undefined, failure);
  // What sequences must have reached to be worth anything
  for (const [kind, answer] of [
    ['quote', '201'],
    ['pay quote', '201'],
    ['pay quote', '400 invalid quote'],
    ['pay incoming', '201'],
    ['pay incoming', '403 unauthorized'],
    ['pay incoming', 'lost'],
    ['complete', '200'],
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
