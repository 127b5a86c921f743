/** A PostgreSQL server with a streaming replica, where PostgreSQL is installed. */
import { execFile, execFileSync } from 'node:child_process';
import { accessSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findFreePort } from './free-port.ts';

const script = join(import.meta.dirname, '..', '..', '.ci', 'postgresql');
const run = (...args: string[]) => promisify(execFile)(script, args);
const sends = ['-c', 'wal_level=replica', '-c', 'max_wal_senders=4'];

/** For `skip`: false, or why there is none. */
export function needsReplica(): false | string {
  try {
    const programs = execFileSync(script, ['find', '.'], { stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8' });
    accessSync(join(programs.trim(), 'pg_basebackup'));
    return false;
  } catch {
    return 'install PostgreSQL with pg_basebackup';
  }
}

export interface ReplicatedServer extends AsyncDisposable {
  /** URLs without a database. */
  readonly primaryUrl: string;
  readonly replicaUrl: string;
  stopReplica(): Promise<void>;
  startReplica(): Promise<void>;
}

/** `prepare` is called before the replica is copied from the primary. */
export async function startReplicatedServer(prepare: (primaryUrl: string) => Promise<void>): Promise<ReplicatedServer> {
  const directory = await mkdtemp(join(tmpdir(), 'touchstone-replica-'));
  const primary = { directory: join(directory, 'primary'), port: String(await findFreePort()) };
  const replica = { directory: join(directory, 'replica'), port: String(await findFreePort()) };
  const start = (server: typeof primary) => run('start', server.directory, server.port, ...sends);
  const stop = (server: typeof primary) => run('stop', server.directory);
  const urlOf = (server: typeof primary) => `postgres://postgres@127.0.0.1:${server.port}`;
  await promisify(execFile)('chmod', ['755', directory]);
  await start(primary);
  await prepare(urlOf(primary));
  await run('copy', replica.directory, primary.port);
  await start(replica);
  return {
    primaryUrl: urlOf(primary),
    replicaUrl: urlOf(replica),
    stopReplica: async () => void (await stop(replica)),
    startReplica: async () => void (await start(replica)),
    async [Symbol.asyncDispose]() {
      await Promise.all([stop(replica).catch(() => {}), stop(primary)]);
      await rm(directory, { recursive: true });
    },
  };
}
