/** Starts a program and waits for its JSON ready line. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Ready } from '../../support/process.ts';

export interface StartedCommand {
  readonly ready: Ready;
  /** Sends SIGTERM and resolves with the exit code. */
  stop(): Promise<number | null>;
}

export async function startCommand(
  file: string,
  args: readonly string[],
  options: SpawnOptions = {},
): Promise<StartedCommand> {
  const child: ChildProcess = spawn(file, args, { ...options, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const line = await Promise.race([
    new Promise<string>((resolve) => createInterface(child.stdout!).once('line', resolve)),
    ended.then((code) => Promise.reject(new Error(`ended with ${code} before it was ready`))),
  ]);
  return {
    ready: JSON.parse(line),
    stop() {
      child.kill('SIGTERM');
      return ended;
    },
  };
}
