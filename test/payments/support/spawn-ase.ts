/** Starts and ends `ase-process.ts`, and tells what it printed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { AseProcessSetting } from './ase-process.ts';

export interface AseProcess {
  readonly port: number;
  readonly origin: string;
  /** Resolves when the process has printed this event. */
  event(name: 'job-done'): Promise<void>;
  /** Resolves with the signal that ended it. */
  readonly ended: Promise<NodeJS.Signals | null>;
  kill(): Promise<void>;
}

export async function spawnAse(setting: AseProcessSetting): Promise<AseProcess> {
  const script = join(import.meta.dirname, 'ase-process.ts');
  const child: ChildProcess = spawn(process.execPath, [script, JSON.stringify(setting)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit').then(([, signal]) => signal as NodeJS.Signals | null);
  const events = new Map<string, PromiseWithResolvers<{ port?: number }>>();
  const eventOf = (name: string) => {
    const known = events.get(name) ?? Promise.withResolvers<{ port?: number }>();
    events.set(name, known);
    return known;
  };
  createInterface(child.stdout!).on('line', (line) => {
    const printed = JSON.parse(line) as { event: string; port?: number };
    eventOf(printed.event).resolve(printed);
  });
  const ready = await Promise.race([eventOf('ready').promise, ended]);
  if (ready === null || typeof ready === 'string') throw new Error(`the ASE ended before it was ready: ${ready}`);
  const endedEarly = ended.then((signal) => {
    throw new Error(`the ASE ended: ${signal}`);
  });
  endedEarly.catch(() => {});
  return {
    port: ready.port!,
    origin: `http://127.0.0.1:${ready.port}`,
    ended,
    event: async (name) => {
      await Promise.race([eventOf(name).promise, endedEarly]);
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
