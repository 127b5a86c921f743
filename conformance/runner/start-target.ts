/** Starts `touchstone start` as the target of a run. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Profile } from './check.ts';
import { createFreshDatabase } from './fresh-database.ts';
import { root } from './root.ts';

export interface StartedTarget {
  readonly variables: Record<string, string>;
  stop(): Promise<void>;
}

interface StartOptions {
  readonly profile?: Profile | undefined;
  /**
   * A PostgreSQL server, on which the world has a new database. Default: that of `TOUCHSTONE_DATABASE_URL`, or else the
   * embedded database.
   */
  readonly databaseUrl?: string | undefined;
  readonly timeoutMs?: number;
}

/** Starts `touchstone start` and waits for its ready line. */
export async function startTarget({
  profile = 'compat',
  databaseUrl = process.env['TOUCHSTONE_DATABASE_URL'],
  timeoutMs = 120_000,
}: StartOptions = {}): Promise<StartedTarget> {
  // Checks inject faults, whose errors would fill the log.
  const logLevel = process.env['TOUCHSTONE_LOG_LEVEL'] ?? 'silent';
  const options = ['--port', '0', '--json', '--consent', 'auto', '--profile', profile, '--log-level', logLevel];
  const launcher = fileURLToPath(new URL('bin/touchstone.mjs', root));
  const database = databaseUrl ? await createFreshDatabase(databaseUrl) : undefined;
  const env = { ...process.env, ...(database && { TOUCHSTONE_DATABASE_URL: database.url }) };
  const child = spawn(process.execPath, [launcher, 'start', ...options], { stdio: ['ignore', 'pipe', 'inherit'], env });
  const end = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    await ended;
  };
  const stop = async (): Promise<void> => {
    await end();
    await database?.drop();
  };
  const variables = new Promise<Record<string, string>>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ready line within ${timeoutMs} ms`)), timeoutMs);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`touchstone start ended with status ${code} before it was ready`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const event = parseEvent(line);
      if (event?.event !== 'ready') return;
      clearTimeout(timer);
      resolve(event.env);
    });
  });
  try {
    return { variables: await variables, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function parseEvent(line: string): { event: string; env: Record<string, string> } | undefined {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
