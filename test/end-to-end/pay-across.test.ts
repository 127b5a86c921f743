/** The official client pays across: on the embedded database, on PostgreSQL, and with each ASE in a process of its own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestDatabase, needsPostgres } from '../support/postgresql.ts';
import { readEnvironment, startProcess } from '../support/process.ts';
import { clientEnvironment, startWorld } from '../support/world.ts';
import { payAcross } from './official-client.ts';

test('on the embedded database', async () => {
  const world = await startWorld();
  try {
    await payAcross(clientEnvironment(world));
    await assertBalanced(world.controls.ledgers());
  } finally {
    await world.close();
  }
});

test('on PostgreSQL', { skip: needsPostgres }, async () => {
  const database = await createTestDatabase();
  const world = await startWorld({ database: { kind: 'postgresql', url: database.url } });
  try {
    await payAcross(clientEnvironment(world));
    await assertBalanced(world.controls.ledgers());
  } finally {
    await world.close();
    await database.drop();
  }
});

test('with each ASE in its own process and database', async () => {
  const common = ['--port', '46400', '--consent', 'auto', '--peer-secret', 'between the two'];
  const marble = await startProcess([...common, '--ase', 'marble', '--control-port', '0']);
  const granite = await startProcess([...common, '--ase', 'granite', '--control-port', '0']);
  try {
    assert.deepEqual(
      granite.ready.ases.map(({ name }) => name),
      ['granite'],
    );
    await payAcross(readEnvironment(granite.ready));
    for (const { ready } of [granite, marble]) {
      const { env } = ready;
      const response = await fetch(`${env['TOUCHSTONE_CONTROL']}/ledger`, {
        headers: { authorization: `Bearer ${env['TOUCHSTONE_CONTROL_TOKEN']}` },
      });
      const { ases } = (await response.json()) as { ases: { balanced: boolean }[] };
      assert.deepEqual(
        ases.map(({ balanced }) => balanced),
        [true],
      );
    }
  } finally {
    await Promise.all([granite.stop(), marble.stop()]);
  }
});

async function assertBalanced(
  ledgers: Promise<readonly { name: string; books: { balanced: boolean } }[]>,
): Promise<void> {
  assert.deepEqual(
    (await ledgers).map(({ name, books }) => [name, books.balanced]),
    [
      ['granite', true],
      ['marble', true],
    ],
  );
}
