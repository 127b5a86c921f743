/** CPU time of processes, from the files of Linux in `/proc`. */
import { readdirSync, readFileSync } from 'node:fs';

/** Kernel ticks in a second, which Linux fixes for user space. */
const TICKS_PER_SECOND = 100;

const read = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // The process or thread has ended.
    return undefined;
  }
};

/** The fields of `/proc/PID/stat` after the name, which may contain spaces; the state is number 0. */
const statOf = (pid: number): string[] => {
  const stat = read(`/proc/${pid}/stat`) ?? '';
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
};

const readTasks = (pid: number): string[] => {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
};

/** Milliseconds that some threads of a process have run, to the nanosecond where the kernel counts it; else undefined. */
function cpuOfTasks(pid: number, tasks: readonly string[]): number | undefined {
  const runs = tasks.map((task) => read(`/proc/${pid}/task/${task}/schedstat`)?.split(' ')[0]);
  if (runs.every((run) => run === undefined)) return undefined;
  return runs.reduce((sum, run) => sum + Number(run ?? 0), 0) / 1e6;
}

/** Milliseconds that all threads of a process have run; in ticks where the kernel counts nothing better. */
export function cpuOfProcess(pid: number): number {
  const stat = statOf(pid);
  return cpuOfTasks(pid, readTasks(pid)) ?? ((Number(stat[11] ?? 0) + Number(stat[12] ?? 0)) * 1000) / TICKS_PER_SECOND;
}

/** Milliseconds of the threads beside the main one. Those of Node.js optimize code and collect garbage. */
export function cpuBesideMain(pid: number): number {
  const tasks = readTasks(pid).filter((task) => task !== String(pid));
  return cpuOfTasks(pid, tasks) ?? 0;
}

/** The children of a process, such as the backends of a PostgreSQL server. */
function listChildren(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => Number(statOf(pid)[1]) === parent);
}

/**
 * CPU time of a PostgreSQL server by process, in milliseconds: the postmaster, the writers, and the backends, except
 * those of databases other than this one.
 */
export function cpuOfPostgresql(postmaster: number, database: string): Map<number, number> {
  const isForeign = (pid: number): boolean => {
    const [, user, name] = /^postgres: (\S+) (\S+) \S+\(\d+\)/.exec(read(`/proc/${pid}/cmdline`) ?? '') ?? [];
    return user !== undefined && name !== database;
  };
  const pids = [postmaster, ...listChildren(postmaster).filter((pid) => !isForeign(pid))];
  return new Map(pids.map((pid) => [pid, cpuOfProcess(pid)]));
}

/** Milliseconds from one reading to another. A process that started in between counts from its start. */
export function cpuBetween(before: ReadonlyMap<number, number>, after: ReadonlyMap<number, number>): number {
  return [...after].reduce((sum, [pid, cpu]) => sum + cpu - (before.get(pid) ?? 0), 0);
}
