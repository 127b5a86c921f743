/** CPU profiles of a running server, over the Chrome DevTools Protocol. */
import { once } from 'node:events';
import { sep } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { ServerProcess } from './processes.ts';

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
}

export interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame }[];
  readonly samples: readonly number[];
  /** Microseconds since the sample before. */
  readonly timeDeltas: readonly number[];
}

export interface Profiler {
  start(): Promise<void>;
  stop(): Promise<CpuProfile>;
  close(): void;
}

async function openInspector({ pid, inspectPort }: ServerProcess): Promise<string> {
  process.kill(pid, 'SIGUSR1');
  for (let attempts = 1; ; attempts += 1) {
    try {
      const response = await fetch(`http://127.0.0.1:${inspectPort}/json/list`);
      const [{ webSocketDebuggerUrl }] = (await response.json()) as [{ webSocketDebuggerUrl: string }];
      return webSocketDebuggerUrl;
    } catch (error) {
      if (attempts === 50) throw error;
      await wait(100);
    }
  }
}

export async function connectProfiler(server: ServerProcess): Promise<Profiler> {
  const socket = new WebSocket(await openInspector(server));
  await once(socket, 'open');
  const waiting = new Map<number, (result: unknown) => void>();
  socket.addEventListener('message', ({ data }) => {
    const { id, result } = JSON.parse(data);
    waiting.get(id)?.(result);
    waiting.delete(id);
  });
  let lastId = 0;
  const call = (method: string): Promise<unknown> =>
    new Promise((resolve) => {
      lastId += 1;
      waiting.set(lastId, resolve);
      socket.send(JSON.stringify({ id: lastId, method }));
    });
  await call('Profiler.enable');
  return {
    start: async () => void (await call('Profiler.start')),
    stop: async () => ((await call('Profiler.stop')) as { profile: CpuProfile }).profile,
    close: () => socket.close(),
  };
}

/** A folder of the sources, a package, a module of Node.js, or what V8 does itself. */
function placeOf({ functionName, url }: CallFrame): string {
  const packages = url.lastIndexOf(`node_modules${sep}`);
  if (packages >= 0) {
    const [scope = '', name = ''] = url.slice(packages + 13).split(sep);
    return scope.startsWith('@') ? `${scope}/${name}` : scope;
  }
  const own = /\/(src|generated|bench)\/([\w-]+)/.exec(url);
  if (own) return `${own[1]}/${own[2]}`;
  if (url.startsWith('node:')) return url.split('/', 2).join('/');
  if (functionName === '(garbage collector)') return 'garbage collection';
  return 'native code and system calls';
}

/** Milliseconds by place, without the time in which the server waited. */
export function timeByPlace({ nodes, samples, timeDeltas }: CpuProfile): Map<string, number> {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const times = new Map<string, number>();
  for (const [index, sample] of samples.entries()) {
    const frame = frames.get(sample)!;
    if (frame.functionName === '(idle)') continue;
    const place = placeOf(frame);
    times.set(place, (times.get(place) ?? 0) + timeDeltas[index]! / 1000);
  }
  return times;
}
