/** Load shedding: what is refused and when, and an overloaded ASE that answers 503 at once and recovers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { createLoadShedder } from '../../src/http/load-shedding.ts';
import { useTestDatabase } from '../database/support/open.ts';
import { testAse } from '../support/test-ase.ts';

const db = useTestDatabase();

/** A shedder whose clock and probes the test controls. */
function controlled() {
  let now = 0;
  const probes: (() => void)[] = [];
  const shedder = createLoadShedder({
    probe: () => new Promise<void>((resolve) => probes.push(resolve)),
    now: () => now,
  });
  return {
    probes,
    pass(milliseconds: number): void {
      now += milliseconds;
    },
    admit: shedder.admit,
    admitAll: (count: number) => Array.from({ length: count }, shedder.admit),
    async endProbe(): Promise<void> {
      probes.shift()!();
      await Promise.resolve();
    },
    isAdmitted(): boolean {
      const end = shedder.admit();
      end?.();
      return end !== undefined;
    },
  };
}

test('few requests in progress are neither measured nor refused, however long they take', () => {
  const server = controlled();
  server.admitAll(99);
  server.pass(60_000);
  assert.ok(server.isAdmitted());
  assert.equal(server.probes.length, 0);
});

test('with many in progress, a statement that takes more than 50 ms means overload', async () => {
  const server = controlled();
  server.admitAll(100);
  assert.ok(server.isAdmitted());
  assert.equal(server.probes.length, 1, 'one probe at a time');
  server.pass(50);
  assert.ok(server.isAdmitted());
  server.pass(1);
  assert.ok(!server.isAdmitted(), 'the probe has not ended');
  await server.endProbe();
  assert.ok(!server.isAdmitted(), 'it took too long');
  assert.equal(server.probes.length, 1, 'the next one');
  server.pass(10);
  await server.endProbe();
  assert.ok(server.isAdmitted());
  assert.equal(server.probes.length, 0, 'not so soon again');
  server.pass(40);
  assert.ok(server.isAdmitted());
  assert.equal(server.probes.length, 1);
});

test('requests that end make room at once', () => {
  const server = controlled();
  const [first] = server.admitAll(101);
  server.pass(51);
  assert.ok(!server.isAdmitted());
  first!();
  assert.ok(!server.isAdmitted());
  const second = controlled();
  const [one, other] = second.admitAll(101);
  second.pass(51);
  one!();
  other!();
  assert.ok(second.isAdmitted());
});

test('a result is forgotten a second after it, and a failed statement is not load', async () => {
  for (const [pause, isAdmitted] of [
    [1_000, false],
    [1_001, true],
  ] as const) {
    const server = controlled();
    server.admitAll(101);
    server.pass(200);
    await server.endProbe();
    server.pass(pause);
    assert.equal(server.isAdmitted(), isAdmitted, `after ${pause} ms`);
  }

  const failing = createLoadShedder({ probe: () => Promise.reject(new Error('the database is gone')), now: () => 0 });
  for (let count = 0; count < 110; count += 1) assert.ok(failing.admit());
});

test('while statements wait, an ASE answers 503 at once and /livez as usual; then it serves what it has admitted', async () => {
  const ase = await testAse({ db, key: 'granite', servers: ['wallet-address'] });
  const read = () => fetch(`${ase.origin}/nobody/did.json`);
  const isLive = async () => assert.equal((await fetch(`${ase.origin}/livez`)).status, 200);
  const locked = Promise.withResolvers<void>();
  const unlock = Promise.withResolvers<void>();
  const lock = db.transaction(async (tx) => {
    await sql`lock table wallet_address in access exclusive mode`.execute(tx);
    locked.resolve();
    await unlock.promise;
  });
  await locked.promise;
  // On a busy machine, some of the last ten are refused already.
  const sent = Array.from({ length: 110 }, read);
  let refused: Response | undefined;
  // Requests that are admitted wait, so the first answer is a refusal.
  while (!refused) refused = (await Promise.race([read(), isLive()])) ?? undefined;
  for (const answer of [refused, await read()]) {
    assert.equal(answer.status, 503);
    assert.equal(answer.headers.get('retry-after'), '1');
    assert.equal(((await answer.json()) as { error: { code: string } }).error.code, 'unavailable');
  }
  await isLive();
  // Servers need these for requests that they have admitted.
  const needed = ['/nobody', '/nobody/jwks.json'].map((path) => fetch(ase.origin + path));
  unlock.resolve();
  await lock;
  const statuses = async (answers: Promise<Response>[]) => (await Promise.all(answers)).map(({ status }) => status);
  assert.ok((await statuses(sent)).filter((status) => status === 404).length >= 100);
  assert.deepEqual(await statuses(needed), [404, 404]);
  assert.equal((await read()).status, 404);
  await ase.close();
});
