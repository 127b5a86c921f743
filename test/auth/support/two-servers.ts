/**
 * Two processes of one ASE on one PostgreSQL, behind the same URLs as with a load balancer. Requests can be made to
 * meet at one grant, and mutants can be activated while the processes run.
 */
import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type IncomingHttpHeaders, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { signRequest } from '../../../src/http/signatures/sign.ts';
import { findFreePort } from '../../support/free-port.ts';
import { createTestDatabase } from '../../support/postgresql.ts';
import { type RunningProcess, readEnvironment, startProcess } from '../../support/process.ts';
import type { ClientEnvironment } from '../../support/world.ts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  // biome-ignore lint/suspicious/noExplicitAny: tests read what they expect
  readonly body: any;
}

export interface Parts {
  readonly method?: string;
  readonly url: string;
  readonly body?: unknown;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Signed with the client's key by default. */
  readonly signed?: false;
}

/** Index of a process. */
export type Which = 0 | 1;

export interface TwoServers {
  readonly environment: ClientEnvironment;
  readonly authServer: string;
  readonly resourceServer: string;
  readonly databaseUrl: string;
  /** Sends a request for a public URL, for which both processes answer. */
  send(which: Which, parts: Parts): Promise<Answer>;
  /** Decides through the back channel. */
  decide(which: Which, redirect: string, choice: 'accept' | 'reject'): Promise<Answer>;
  introspect(which: Which, token: string): Promise<Answer>;
  /** Calls both control APIs. */
  control(path: string, body: unknown): Promise<void>;
  /**
   * Locks the rows of a grant and its tokens. `blocked` resolves when each of the requests waits for a lock or is
   * answered; `release` lets all of them continue.
   */
  hold(continueUri: string): Promise<Hold>;
  /** Activates this mutant in both processes; '' deactivates all. */
  mutate(id: string): Promise<void>;
  close(): Promise<void>;
}

export interface Hold {
  blocked(requests: readonly Promise<unknown>[]): Promise<void>;
  release(): Promise<void>;
  /** Releases the lock after deleting the grant. */
  remove(): Promise<void>;
}

/** A statement waits for a lock within milliseconds, so this is a failure even on a busy machine. */
const TIMEOUT_MS = 60_000;

/** `switches` has the format of a world file. */
export async function startTwoServers(switches: Record<string, boolean> = {}): Promise<TwoServers> {
  const database = await createTestDatabase();
  const directory = await mkdtemp(join(tmpdir(), 'touchstone-'));
  const world = join(directory, 'world.yaml');
  await writeFile(world, JSON.stringify(describeWorld(switches)));
  const ports = [await findFreePort(), await findFreePort()] as const;
  const origin = `http://localhost:${ports[0]}`;
  const preload = join(import.meta.dirname, '..', '..', 'mutants', 'by-message.ts');
  const common = ['--world', world, '--consent', 'manual', '--database-url', database.url, '--public-url', origin];
  const start = (port: number): Promise<RunningProcess> =>
    startProcess([...common, '--port', String(port), '--control-port', '0'], preload);
  // One after the other, because the first one provisions the ASE.
  const processes = [await start(ports[0]), await start(ports[1])] as const;
  const [{ ready }] = processes;
  const environment = readEnvironment(ready);
  const privateKey = createPrivateKey(environment.privateKey);
  const { authServer, resourceServer } = ready.ases[0]!;
  const locker = new pg.Client({ connectionString: database.url });
  const observer = new pg.Client({ connectionString: database.url });
  await Promise.all([locker.connect(), observer.connect()]);

  const envOf = (which: Which, name: string): string => processes[which].ready.env[name]!;

  const send = ({ method = 'POST', url, body, token, headers = {}, signed }: Parts, port?: number): Promise<Answer> => {
    const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const unsigned = {
      ...(content && { 'content-type': 'application/json' }),
      ...(token !== undefined && { authorization: `GNAP ${token}` }),
      ...headers,
    };
    const message = { method, url, headers: unsigned, ...(content && { body: content }) };
    const complete =
      signed === false ? unsigned : signRequest(message, { keyid: environment.keyId, privateKey }, Date.now());
    return exchange(method, url, complete, content, port);
  };

  return {
    environment,
    authServer,
    resourceServer,
    databaseUrl: database.url,
    send: (which, parts) => send(parts, ports[which]),
    decide(which, redirect, choice) {
      const [, , , id, nonce] = new URL(redirect).pathname.split('/');
      const url = `${envOf(which, 'TOUCHSTONE_BACK_CHANNEL')}/grant/${id}/${nonce}/${choice}`;
      const headers = { 'x-idp-secret': envOf(which, 'TOUCHSTONE_BACK_CHANNEL_SECRET') };
      return send({ url, headers, signed: false });
    },
    introspect(which, token) {
      const headers = { authorization: `Bearer ${envOf(which, 'TOUCHSTONE_INTROSPECTION_SECRET')}` };
      return send({
        url: envOf(which, 'TOUCHSTONE_INTROSPECTION'),
        body: { access_token: token },
        headers,
        signed: false,
      });
    },
    async control(path, body) {
      // The last clock that is set counts: that of the first server, which issues the grants, must not fall back.
      for (const which of [1, 0] as const) {
        const headers = { authorization: `Bearer ${envOf(which, 'TOUCHSTONE_CONTROL_TOKEN')}` };
        const url = envOf(which, 'TOUCHSTONE_CONTROL') + path;
        assert.equal((await send({ url, body, headers, signed: false })).status, 200);
      }
    },
    async hold(continueUri) {
      const continueId = new URL(continueUri).pathname.split('/').at(-1);
      await locker.query('begin');
      const { rows } = await locker.query('select id from gnap_grant where continue_id = $1 for update', [continueId]);
      await locker.query('select id from access_token where grant_id = $1 for update', [rows[0].id]);
      return {
        async blocked(requests) {
          let answered = 0;
          for (const sent of requests) void sent.finally(() => answered++).catch(() => {});
          const since = performance.now();
          for (;;) {
            const waiting = await observer.query(
              `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
            );
            if (waiting.rows.length + answered >= requests.length) return;
            if (performance.now() - since > TIMEOUT_MS) throw new Error('a request neither waits nor is answered');
            await pause(5);
          }
        },
        release: async () => {
          await locker.query('rollback');
        },
        async remove() {
          await locker.query('delete from gnap_grant where id = $1', [rows[0].id]);
          await locker.query('commit');
        },
      };
    },
    async mutate(id) {
      for (const { child } of processes) {
        const found = new AbortController();
        const ended = once(child, 'exit', found).then(() => Promise.reject(new Error(`unknown mutant ${id}`)));
        child.send(id);
        await Promise.race([once(child, 'message'), ended]).finally(() => found.abort());
      }
    },
    async close() {
      await Promise.all([locker.end(), observer.end(), ...processes.map((one) => one.stop())]);
      await database.drop();
      await rm(directory, { recursive: true });
    },
  };
}

/** A world with one ASE, in which no payments are sent. */
const describeWorld = (switches: Record<string, boolean>) => ({
  ases: [
    {
      name: 'granite',
      wallets: [
        { path: '/alice', publicName: 'Alice', asset: 'USD/2', balance: 100_000 },
        { path: '/bob', publicName: 'Bob', asset: 'USD/2', balance: 100_000 },
        { path: '/client', publicName: 'The Shop', asset: 'USD/2' },
      ],
    },
  ],
  prices: { USD: 1 },
  sender: 'granite/alice',
  receiver: 'granite/alice',
  client: { wallet: 'granite/client', keyId: 'shop-1' },
  switches,
});

/** Sends a request to the host of the URL, or to another port that answers for it. */
async function exchange(
  method: string,
  url: string,
  headers: Record<string, string>,
  content: Buffer | undefined,
  port: number | undefined,
): Promise<Answer> {
  const { host, hostname, port: usual, pathname, search } = new URL(url);
  const path = pathname + search;
  const sent = request({ hostname, port: port ?? usual, method, path, headers: { ...headers, host } });
  sent.end(content);
  const [response] = await once(sent, 'response');
  const chunks = await response.toArray();
  const text = Buffer.concat(chunks).toString('utf8');
  const isJson = response.headers['content-type']?.startsWith('application/json');
  return { status: response.statusCode, headers: response.headers, body: isJson ? JSON.parse(text) : undefined };
}
