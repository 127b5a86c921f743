/**
 * `GET /metrics` on the control port, in the Prometheus text format: HTTP requests of this process, payments and packets
 * in the database, and the metrics of Node.js.
 */
import type { RequestHandler } from 'express';
import type { Registry } from 'prom-client';
import { sumHeld, summarizePending } from '../administration/outgoing-payments.ts';
import { wallNow } from '../clock.ts';
import { checkOperator } from '../control/operator.ts';
import { renderControlProblem } from '../control/problem.ts';
import type { Database, Queryable } from '../database/database.ts';
import { Problem } from '../errors.ts';
import { type FinishedRequest, finishedRequests } from '../http/request-log.ts';
import { requestedHost } from '../net/request-line.ts';
import { createStateCounter } from './count-by-state.ts';

export interface Metrics {
  /** The current values as text, with its media type. */
  read(): Promise<{ readonly type: string; readonly text: string }>;
  close(): void;
}

/** Seconds. Most requests take a few milliseconds; a payment's first packet or a slow peer takes longer. */
const buckets = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];

/** Requests that may wait to be counted. */
const MAX_UNCOUNTED = 1000;

/** Starts counting. Neither the start nor the first requests wait for the library, which the first reading loads. */
export function createMetrics(db: () => Promise<Database>): Metrics {
  let loading: ReturnType<typeof createRegistry> | undefined;
  const load = () => (loading ??= createRegistry(db));
  const uncounted: FinishedRequest[] = [];
  const countAll = async () => {
    const { registry, observe } = await load();
    for (const request of uncounted.splice(0)) observe(request);
    return registry;
  };
  const count = (message: unknown): void => {
    uncounted.push(message as FinishedRequest);
    if (uncounted.length === MAX_UNCOUNTED) void countAll();
  };
  finishedRequests.subscribe(count);
  return {
    async read() {
      const registry = await countAll();
      return { type: registry.contentType, text: await registry.metrics() };
    },
    close: () => void finishedRequests.unsubscribe(count),
  };
}

type Sample = readonly [labels: Readonly<Record<string, string | number>>, value: number];

interface StoredMetric {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  read(query: Queryable): Promise<readonly Sample[]>;
}

function countByState(table: Parameters<typeof createStateCounter>[0]): StoredMetric['read'] {
  const count = createStateCounter(table);
  return async (query) => (await count(query)).map(({ ase, state, count }) => [{ ase, state }, count]);
}

/** Read from the database, so they cover all processes and survive a restart. Ages are in wall time, like the attempts. */
const listStoredMetrics = (): readonly StoredMetric[] => [
  {
    name: 'touchstone_outgoing_payments',
    help: 'Outgoing payments by ASE and state',
    labelNames: ['ase', 'state'],
    read: countByState('outgoing_payment'),
  },
  {
    name: 'touchstone_outgoing_packets',
    help: 'ILP Prepare packets of payments by ASE and state',
    labelNames: ['ase', 'state'],
    read: countByState('outgoing_packet'),
  },
  {
    name: 'touchstone_webhook_events',
    help: 'Webhook events by ASE and state',
    labelNames: ['ase', 'state'],
    read: countByState('webhook_event'),
  },
  {
    name: 'touchstone_outgoing_payments_pending',
    help: 'Outgoing payments that have not ended, by ASE; 0 if there are none',
    labelNames: ['ase'],
    read: async (query) => (await summarizePending(query, wallNow())).map(({ ase, count }) => [{ ase }, count]),
  },
  {
    name: 'touchstone_outgoing_payments_oldest_pending_seconds',
    help: 'Age of the oldest outgoing payment that has not ended, by ASE; 0 if there is none',
    labelNames: ['ase'],
    async read(query) {
      const now = wallNow();
      const pending = await summarizePending(query, now);
      return pending.map(({ ase, oldest = now }) => [{ ase }, Math.max(0, now - oldest) / 1000]);
    },
  },
  {
    name: 'touchstone_outgoing_payments_due',
    help: 'Outgoing payments whose next attempt is due and that no process works on, by ASE; 0 if there are none',
    labelNames: ['ase'],
    async read(query) {
      const pending = await summarizePending(query, wallNow());
      return pending.map(({ ase, due }) => [{ ase }, due]);
    },
  },
  {
    name: 'touchstone_outgoing_payments_held',
    help: 'Money on hold for outgoing payments that have not ended, in minor units, by ASE and asset',
    labelNames: ['ase', 'asset', 'scale'],
    async read(query) {
      const held = await sumHeld(query);
      return held.map(({ ase, asset, value }) => [{ ase, asset: asset.code, scale: asset.scale }, Number(value)]);
    },
  },
];

async function createRegistry(
  db: () => Promise<Database>,
): Promise<{ registry: Registry; observe: (exchange: FinishedRequest) => void }> {
  const { default: prometheus } = await import('prom-client');
  const registry = new prometheus.Registry();
  const registers = [registry];
  // With the default of 10 ms, the samples would be most of what an idle process does.
  prometheus.collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 50 });
  const exchanges = new prometheus.Histogram({
    name: 'touchstone_exchange_duration_seconds',
    help: 'HTTP exchanges of this process by server, operation and status',
    labelNames: ['server', 'operation', 'status'],
    buckets,
    registers,
  });
  new prometheus.Gauge({
    name: 'touchstone_database_connections',
    help: 'Connections of this process to PostgreSQL that are in use and idle, and those that are awaited',
    labelNames: ['state'],
    registers,
    async collect() {
      const connections = (await db()).connections?.();
      for (const [state, count] of Object.entries(connections ?? {})) {
        this.set({ state: state === 'inUse' ? 'in-use' : state }, count);
      }
    },
  });
  new prometheus.Gauge({
    name: 'touchstone_database_replica_lag_seconds',
    help: 'Seconds by which the replica that this process reads may be behind; +Inf while it cannot be read',
    registers,
    async collect() {
      const state = (await db()).replica.state();
      this.remove({});
      if (state) this.set(state.isUsed ? state.lagMs! / 1000 : Number.POSITIVE_INFINITY);
    },
  });
  for (const { read, ...metric } of listStoredMetrics()) {
    new prometheus.Gauge({
      ...metric,
      registers,
      async collect() {
        const samples = await read((await db()).query);
        this.reset();
        for (const [labels, value] of samples) this.set(labels, value);
      },
    });
  }
  return {
    registry,
    observe: ({ server, operationId, status, milliseconds }) =>
      exchanges.observe({ server, operation: operationId, status }, milliseconds / 1000),
  };
}

/** Requires the operator's token. While there is none, passes the request on. Not part of the control document. */
export function serveMetrics(
  metrics: Metrics,
  operator: () => { readonly token: string; readonly hosts: readonly string[] } | undefined,
): RequestHandler {
  return async (req, res, next) => {
    const known = operator();
    if (!known) return next();
    try {
      const host = requestedHost({ url: req.originalUrl, headers: req.headers });
      checkOperator({ ...req.headers, host }, known.token, known.hosts);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const { status, body } = renderControlProblem(error, '');
      res.status(status).json(body);
      return;
    }
    const { type, text } = await metrics.read();
    res.setHeader('Content-Type', type).end(text);
  };
}
