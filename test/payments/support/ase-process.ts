/**
 * An ASE as a process that tests can kill: connector, ILP over HTTP and outgoing-payment worker on PostgreSQL, and
 * `GET /receivers/{id}` in place of Open Payments. Takes its settings as JSON in the only argument;
 * prints `{"event":"ready","port":…}`, and `{"event":"job-done"}` for each payment that ends.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { KyselyPlugin } from 'kysely';
import { WorldClock } from '../../../src/clock.ts';
import { type Database, openDatabase } from '../../../src/database/database.ts';
import { Problem } from '../../../src/errors.ts';
import { createConnector } from '../../../src/payments/ilp/connector.ts';
import { createIlpOverHttpHandler, createIlpOverHttpLink } from '../../../src/payments/ilp/ilp-over-http.ts';
import { killAt, noFailpoint, parseFailpoint } from '../../../src/payments/outgoing/failpoint.ts';
import { createOutgoingPaymentWorker } from '../../../src/payments/outgoing/worker.ts';
import type { Receiver } from '../../../src/payments/receiver.ts';
import { EUR, prefixOf, secretOf, showReceiver } from './payment-rows.ts';

export interface AseProcessSetting {
  readonly ase: string;
  readonly databaseUrl: string;
  /** 0 for any. */
  readonly port: number;
  readonly peer: { readonly name: string; readonly origin: string };
  readonly maxPacketAmount: string;
  readonly failpoint?: string;
  /** Wrong on purpose: row locks are left out of every query. */
  readonly withoutRowLocks?: boolean;
}

interface WireReceiver extends Omit<Receiver, 'incomingAmount' | 'receivedAmount' | 'ilp'> {
  readonly incomingAmount?: string;
  readonly receivedAmount: string;
  readonly ilp: { readonly address: string; readonly sharedSecret: string };
}

function withoutRowLocks(db: Database): Database {
  const plugin: KyselyPlugin = {
    transformQuery: ({ node }) =>
      node.kind === 'SelectQueryNode' ? Object.freeze({ ...node, endModifiers: [] }) : node,
    transformResult: async ({ result }) => result,
  };
  return {
    ...db,
    query: db.query.withPlugin(plugin),
    transaction: (work) => db.transaction((tx) => work(tx.withPlugin(plugin) as typeof tx)),
  };
}

async function run(setting: AseProcessSetting): Promise<void> {
  const { ase, peer } = setting;
  const database = await openDatabase({ kind: 'postgresql', url: setting.databaseUrl, poolSize: 20 });
  const db = setting.withoutRowLocks ? withoutRowLocks(database) : database;
  const clock = new WorldClock();
  const point = setting.failpoint === undefined ? undefined : parseFailpoint(setting.failpoint);
  const kill = point ? killAt(point.name, point.n) : noFailpoint;
  const failpoint = (name: Parameters<typeof kill>[0]) => {
    kill(name);
    if (name === 'job-done') console.log(JSON.stringify({ event: 'job-done' }));
  };
  const connector = createConnector({
    ase,
    db,
    clock,
    prefix: prefixOf(ase),
    secrets: () => [secretOf(ase)],
    peers: () => [
      {
        name: peer.name,
        prefix: prefixOf(peer.name),
        maxPacketAmount: BigInt(setting.maxPacketAmount),
        link: createIlpOverHttpLink({ origin: peer.origin, token: `token-of-${ase}`, timeoutMs: 2_000 }),
      },
    ],
    failpoint,
  });
  const worker = createOutgoingPaymentWorker({
    ase,
    db,
    clock,
    connector,
    failpoint,
    leaseMs: 300,
    async readReceiver(url) {
      const id = url.split('/').at(-1)!;
      const response = await fetch(`${peer.origin}/receivers/${id}`).catch((cause) => {
        throw new Problem('receiver_unreachable', { cause });
      });
      const { incomingAmount, receivedAmount, ilp, ...receiver } = (await response.json()) as WireReceiver;
      return {
        ...receiver,
        ...(incomingAmount !== undefined && { incomingAmount: BigInt(incomingAmount) }),
        receivedAmount: BigInt(receivedAmount),
        ilp: { ...ilp, sharedSecret: Buffer.from(ilp.sharedSecret, 'base64url') },
      };
    },
  });
  const ilpOverHttp = createIlpOverHttpHandler({
    identify: (token) => (token === `token-of-${peer.name}` ? peer.name : undefined),
    receive: connector.receive,
  });
  const server = createServer(async (req, res) => {
    const id = /^\/receivers\/(.+)$/.exec(req.url!)?.[1];
    if (id === undefined) return ilpOverHttp(req, res);
    const receiver = await showReceiver({ ase, db, asset: EUR }, id);
    const ilp = { ...receiver.ilp, sharedSecret: receiver.ilp!.sharedSecret.toString('base64url') };
    const asText = (_key: string, value: unknown) => (typeof value === 'bigint' ? `${value}` : value);
    res.end(JSON.stringify({ ...receiver, ilp }, asText));
  });
  server.listen(setting.port, '127.0.0.1');
  await once(server, 'listening');
  console.log(JSON.stringify({ event: 'ready', port: (server.address() as AddressInfo).port }));
  worker.wake();
  setInterval(worker.wake, 50);
}

await run(JSON.parse(process.argv[2]!) as AseProcessSetting);
