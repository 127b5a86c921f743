/** The process group of a command. Its members are ended together, those that the command left behind as well. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 50;

export interface ProcessGroup {
  /** False if no process is left. */
  signal(name: NodeJS.Signals): boolean;
  /** SIGTERM, and SIGKILL to what is left after `graceMs`. */
  end(graceMs: number): Promise<void>;
}

/** The group that the process `pid` leads. */
export function createProcessGroup(pid: number): ProcessGroup {
  // Windows has no process groups, so that only the command itself is ended there.
  const target = process.platform === 'win32' ? pid : -pid;
  const send = (name: NodeJS.Signals | 0): boolean => {
    try {
      return process.kill(target, name);
    } catch {
      return false;
    }
  };
  async function isGoneWithin(milliseconds: number): Promise<boolean> {
    const deadline = performance.now() + milliseconds;
    while (send(0) && !areZombies(pid)) {
      if (performance.now() >= deadline) return false;
      await sleep(POLL_MS);
    }
    return true;
  }
  return {
    signal: send,
    async end(graceMs) {
      if (send('SIGTERM') && !(await isGoneWithin(graceMs))) send('SIGKILL');
    },
  };
}

/**
 * True if all processes of the group have ended, even if no parent has read their exit codes: the first process of many
 * containers does so late or never. Linux only (proc(5)): `pid (name) state parent group …`.
 */
function areZombies(group: number): boolean {
  if (process.platform !== 'linux') return false;
  const states = readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    const [, state, id] = /^\d+ \(.*\) (\S) \d+ (\d+)/s.exec(readStat(name)) ?? [];
    return Number(id) === group ? [state] : [];
  });
  return states.every((state) => state === 'Z' || state === 'X');
}

function readStat(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return '';
  }
}
