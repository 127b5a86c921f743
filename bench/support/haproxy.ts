/** HAProxy in front of equal processes, as docs/scale.md shows its configuration. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

export interface Route {
  readonly port: number;
  readonly servers: readonly number[];
}

/**
 * `/readyz` takes a process out that stops or cannot pay. A request that met a closed connection or a process about to
 * stop (503) goes to another process; nothing has been done for it there.
 */
const configuration = (routes: readonly Route[]): string => `
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  timeout check 5s
  option http-buffer-request
  option redispatch 1
  retries 10
  retry-on conn-failure empty-response 503
  default-server check inter 300ms fall 2 rise 1
${routes
  .map(
    ({ port, servers }, route) => `
frontend ase${route}
  bind 127.0.0.1:${port}
  default_backend processes${route}
backend processes${route}
  option httpchk GET /readyz
  http-check expect status 200
${servers.map((server, index) => `  server process${index} 127.0.0.1:${server}`).join('\n')}
`,
  )
  .join('')}`;

export async function startHaproxy(routes: readonly Route[]): Promise<AsyncDisposable> {
  const directory = await mkdtemp(join(tmpdir(), 'touchstone-haproxy-'));
  const file = join(directory, 'haproxy.cfg');
  await writeFile(file, configuration(routes));
  const child: ChildProcess = spawn('haproxy', ['-db', '-q', '-f', file], { stdio: ['ignore', 'inherit', 'inherit'] });
  const ended = once(child, 'exit');
  // Rejects if HAProxy is not installed.
  await Promise.race([once(child, 'spawn'), ended]);
  await untilReady(routes[0]!.port);
  return {
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await ended;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function untilReady(port: number): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const reply = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
    if (reply?.ok) return;
    await wait(100);
  }
  throw new Error('HAProxy has no process that is ready');
}
