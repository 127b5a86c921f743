/** The program in a separate process, started as a user starts it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createFastestDatabase } from './postgresql.ts';
import type { ClientEnvironment } from './world.ts';

const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

export interface Ready {
  readonly startedInMs: number;
  readonly ases: readonly {
    readonly name: string;
    readonly origin: string;
    readonly authServer: string;
    readonly resourceServer: string;
    readonly walletAddresses: readonly { readonly url: string; readonly assetCode: string; readonly balance: string }[];
  }[];
  readonly env: Readonly<Record<string, string>>;
}

export interface RunningProcess {
  readonly ready: Ready;
  readonly child: ChildProcess;
  /** Resolves with the exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** Sends SIGTERM and waits for the end. */
  stop(): Promise<number | NodeJS.Signals>;
}

const noDatabase = { options: { kind: 'embedded' }, drop: async () => {} } as const;

/**
 * Runs `touchstone start --json …`, on the fastest database unless the options name one. Resolves when it is ready;
 * rejects with its stderr if it ends before. With `preload`, a module that is loaded first, the process can receive
 * messages.
 */
export async function startProcess(args: readonly string[], preload?: string): Promise<RunningProcess> {
  const before = preload === undefined ? [] : ['--import', preload];
  const isPlaced = args.includes('--data') || args.includes('--database-url');
  const { options, drop } = isPlaced ? noDatabase : await createFastestDatabase();
  const env = { ...process.env, ...(options.kind === 'postgresql' && { TOUCHSTONE_DATABASE_URL: options.url }) };
  const child = spawn(process.execPath, [...before, main, 'start', '--json', ...args], {
    stdio: ['ignore', 'pipe', 'pipe', ...(preload === undefined ? [] : ['ipc' as const])],
    env,
  });
  const ended = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once('exit', (code, signal) => resolve(signal ?? code ?? 0)).once('error', reject);
  });
  void ended.then(drop, drop);
  let errors = '';
  child.stderr!.on('data', (chunk) => {
    errors += chunk;
  });
  const line = await Promise.race([
    new Promise<string>((resolve) => createInterface(child.stdout!).once('line', resolve)),
    ended.then((how) => Promise.reject(new Error(`ended with ${how} before it was ready: ${errors}`))),
  ]);
  return {
    ready: JSON.parse(line),
    child,
    ended,
    stop() {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

export const readEnvironment = ({ env }: Pick<Ready, 'env'>): ClientEnvironment => ({
  walletAddress: env['TOUCHSTONE_WALLET_ADDRESS']!,
  receiver: env['TOUCHSTONE_RECEIVER']!,
  client: env['TOUCHSTONE_CLIENT']!,
  keyId: env['TOUCHSTONE_KEY_ID']!,
  privateKey: env['TOUCHSTONE_PRIVATE_KEY']!,
});
