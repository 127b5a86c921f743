/** A streaming replica: what is read from it, and when the primary is read instead. Replay is paused for proof. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sql } from 'kysely';
import pg from 'pg';
import { type Database, openDatabase } from '../../src/database/database.ts';
import { followReplica, type Replica, type ReplicaOptions } from '../../src/database/replica.ts';
import { needsReplica, type ReplicatedServer, startReplicatedServer } from '../support/postgresql-replica.ts';
import { clientEnvironment, startWorld } from '../support/world.ts';

let server: ReplicatedServer;
let primary: Database;
let standby: Database;
let replay: pg.Client;

const isStandby = (db: Database['query']): Promise<boolean> =>
  sql<{ is: boolean }>`select pg_is_in_recovery() as is`.execute(db).then(({ rows }) => rows[0]!.is);
const readsReplica = (replica: Replica, subject = 'anyone') => replica.read(subject, isStandby);

async function pauseReplay(): Promise<void> {
  await replay.query('select pg_wal_replay_pause()');
  const isPaused = async () => {
    const { rows } = await replay.query(`select pg_get_wal_replay_pause_state() = 'paused' as is`);
    return rows[0].is;
  };
  while (!(await isPaused()));
}
const resumeReplay = () => replay.query('select pg_wal_replay_resume()');

/** Asks until the reads of this subject go to the replica. */
async function awaitReplica(replica: Replica, subject = 'anyone'): Promise<void> {
  while (!(await readsReplica(replica, subject))) await replica.poll();
}

/**
 * Asks until the replica has all that has happened so far. Then no position is awaited, so the next one is asked for
 * after what the test does next; a replica that is a moment late would leave one behind that is older.
 */
async function catchUp(replica: Replica): Promise<void> {
  // Only the poll with which the follower began is in progress, so from here on each poll is one of the test.
  await replica.poll();
  replica.noteChange('anyone');
  await awaitReplica(replica);
}

/** Something that the replica has to replay. */
const write = () =>
  primary.query
    .insertInto('rate_limit')
    .values({ key: 'written', points: 1 })
    .onConflict((key) => key.column('key').doUpdateSet({ points: sql`rate_limit.points + 1` }))
    .execute();

/** A follower that is asked by the test only, with its clock. */
async function follow(t: { after: (end: () => Promise<void>) => void }, options: Partial<ReplicaOptions> = {}) {
  let now = 0;
  const problems: (string | undefined)[] = [];
  const replica = followReplica({
    primary: primary.query,
    open: async () => ({ query: standby.query, close: async () => {} }),
    onChange: (problem) => void problems.push(problem),
    now: () => now,
    pollIntervalMs: 2 ** 31 - 1,
    ...options,
  });
  t.after(async () => {
    await resumeReplay();
    await replica.close();
  });
  const pass = (milliseconds: number): void => {
    now += milliseconds;
  };
  return { replica, problems, pass };
}

const skip = needsReplica();

before(async () => {
  if (skip) return;
  server = await startReplicatedServer(async (url) => {
    primary = await openDatabase({ kind: 'postgresql', url: `${url}/world` });
  });
  standby = await openDatabase({ kind: 'postgresql', url: `${server.replicaUrl}/world` });
  replay = new pg.Client({ connectionString: `${server.replicaUrl}/world` });
  // The last test stops the replica.
  replay.on('error', () => {});
  await replay.connect();
});
after(async () => {
  await replay?.end();
  await Promise.all([standby?.close(), primary?.close()]);
  await server?.[Symbol.asyncDispose]();
});

test('reads go to it, except those of a subject with a change that it has not replayed', { skip }, async (t) => {
  const { replica } = await follow(t);
  await catchUp(replica);
  await pauseReplay();
  await write();
  replica.noteChange('ann');
  assert.equal(await readsReplica(replica, 'ann'), false);
  assert.equal(await readsReplica(replica, 'bob'), true);
  await replica.poll();
  assert.equal(await readsReplica(replica, 'ann'), false, 'the position is not replayed');
  await write();
  replica.noteChange('bob');
  await resumeReplay();
  await awaitReplica(replica, 'ann');
  assert.equal(await readsReplica(replica, 'bob'), false, 'changed after the position');
  await awaitReplica(replica, 'bob');
});

test('a change of all subjects sends all reads to the primary until it is replayed', { skip }, async (t) => {
  const { replica } = await follow(t);
  await catchUp(replica);
  await pauseReplay();
  await write();
  await replica.poll();
  replica.noteChangeOfAll();
  assert.equal(await readsReplica(replica), false);
  await resumeReplay();
  await awaitReplica(replica);
});

test('a position that was asked for before a change of all subjects is worth nothing', { skip }, async (t) => {
  let isArmed = false;
  const { replica } = await follow(t, {
    // The time is read after the request for the position has begun.
    now() {
      if (isArmed) replica.noteChangeOfAll();
      isArmed = false;
      return 0;
    },
  });
  await awaitReplica(replica);
  // No position is awaited then.
  replica.noteChangeOfAll();
  isArmed = true;
  await replica.poll();
  assert.equal(isArmed, false);
  assert.equal(await readsReplica(replica), false);
});

test('a row that it does not have is read from the primary', { skip }, async (t) => {
  const { replica } = await follow(t);
  await catchUp(replica);
  await pauseReplay();
  await primary.query.insertInto('rate_limit').values({ key: 'new', points: 7 }).execute();
  const select = (key: string) => (db: Database['query']) =>
    db.selectFrom('rate_limit').select('points').where('key', '=', key).executeTakeFirst();
  assert.deepEqual(await replica.read('anyone', select('new')), { points: 7 });
  assert.equal(await replica.read('anyone', select('none')), undefined);
});

test('it is not read while it is more than three seconds behind, and again when it has caught up', {
  skip,
}, async (t) => {
  const { replica, problems, pass } = await follow(t);
  await catchUp(replica);
  await pauseReplay();
  await write();
  await replica.poll();
  pass(3_000);
  assert.equal(await readsReplica(replica), true);
  assert.deepEqual(replica.state(), { isUsed: true, lagMs: 3_000 });
  pass(1);
  assert.equal(await readsReplica(replica), false);
  await replica.poll();
  assert.deepEqual(problems, [undefined, 'it is too far behind']);
  assert.deepEqual(replica.state(), { isUsed: false, lagMs: undefined });
  await resumeReplay();
  await awaitReplica(replica);
  assert.deepEqual(replica.state(), { isUsed: true, lagMs: 0 });
  assert.deepEqual(problems.at(-1), undefined);
});

test('a failing read is repeated on the primary, and the next ones do not try', { skip }, async (t) => {
  const { replica } = await follow(t);
  await catchUp(replica);
  let failures = 0;
  const failOnStandby = async (db: Database['query']) => {
    if (!(await isStandby(db))) return 'primary';
    failures += 1;
    throw new Error('canceling statement due to conflict with recovery');
  };
  assert.equal(await replica.read('anyone', failOnStandby), 'primary');
  assert.equal(await replica.read('anyone', failOnStandby), 'primary');
  assert.equal(failures, 1);
});

test('a server that does not follow this primary is not read', { skip }, async (t) => {
  await sql`create schema other`.execute(primary.query);
  await sql`create function other.pg_control_system(out system_identifier bigint) return 1`.execute(primary.query);
  await sql`create role other login superuser`.execute(primary.query);
  await sql`alter role other set search_path = other, pg_catalog, public`.execute(primary.query);
  const url = server.primaryUrl.replace('postgres@', 'other@');
  const other = await openDatabase({ kind: 'postgresql', url: `${url}/world` });
  t.after(() => other.close());
  const open = async () => ({ query: primary.query, close: async () => {} });
  for (const [options, problem] of [
    [{ primary: other.query }, 'it is not a replica of this database'],
    [{ open }, 'it does not follow a primary'],
  ] as const) {
    const { replica, problems } = await follow(t, options);
    await replica.poll();
    assert.equal(await readsReplica(replica), false);
    assert.deepEqual(problems, [problem]);
  }
});

test('a world reads it, goes on without it, and reads it again', { skip }, async () => {
  const database = { url: `${server.primaryUrl}/world`, replicaUrl: `${server.replicaUrl}/world` };
  await using world = await startWorld({ database: { kind: 'postgresql', ...database } });
  const { replica } = world.db;
  const expectWallet = async () => assert.equal((await fetch(clientEnvironment(world).walletAddress)).status, 200);
  await awaitReplica(replica);
  await expectWallet();
  await server.stopReplica();
  await expectWallet();
  assert.equal(await readsReplica(replica), false);
  await replica.poll();
  assert.equal(await readsReplica(replica), false);
  await server.startReplica();
  await awaitReplica(replica);
  await expectWallet();
});
