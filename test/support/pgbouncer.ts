/** A real PgBouncer with `pool_mode = transaction` in front of the test server, where it is installed. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { findFreePort } from './free-port.ts';

/** For `skip`: false, or why there is none. */
export function needsPgbouncer(): false | string {
  try {
    execFileSync('pgbouncer', ['--version'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'install PgBouncer';
  }
}

export interface Pgbouncer {
  readonly port: number;
  close(): Promise<void>;
}

/** It refuses to run as root. */
const unprivileged = (): { uid?: number } => (process.getuid?.() === 0 ? { uid: 65_534 } : {});

export async function startPgbouncer(serverPort: number, maxServers = 3): Promise<Pgbouncer> {
  const directory = await mkdtemp(join(tmpdir(), 'pgbouncer-'));
  await chmod(directory, 0o755);
  const port = await findFreePort();
  const file = join(directory, 'pgbouncer.ini');
  await writeFile(
    file,
    `[databases]
* = host=127.0.0.1 port=${serverPort} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = ${maxServers}
`,
  );
  const bouncer = spawn('pgbouncer', [file], { ...unprivileged(), stdio: ['ignore', 'ignore', 'pipe'] });
  const exited = once(bouncer, 'exit');
  const started = (async () => {
    for await (const line of createInterface(bouncer.stderr)) if (line.includes('process up')) return;
    throw new Error('PgBouncer did not start');
  })();
  await started;
  bouncer.stderr.resume();
  return {
    port,
    async close() {
      bouncer.kill('SIGTERM');
      await exited;
      await rm(directory, { recursive: true });
    },
  };
}
