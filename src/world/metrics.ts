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
import type { Database } from '../database/database.ts';
import { Problem } from '../errors.ts';
import { type FinishedRequest, finishedRequests } from '../http/request-log.ts';
import { requestedHost } from '../net/request-line.ts';

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

async function createRegistry(
  db: () => Promise<Database>,
): Promise<{ registry: Registry; observe: (exchange: FinishedRequest) => void }> {
  const { default: prometheus } = await import('prom-client');
  const registry = new prometheus.Registry();
  const registers = [registry];
  prometheus.collectDefaultMetrics({ register: registry });
  const exchanges = new prometheus.Histogram({
    name: 'touchstone_exchange_duration_seconds',
    help: 'HTTP exchanges of this process by server, operation and status',
    labelNames: ['server', 'operation', 'status'],
    buckets,
    registers,
  });
  // Counted in the database, so the numbers cover all processes and survive a restart.
  const stored = (table: 'outgoing_payment' | 'outgoing_packet' | 'webhook_event', name: string, help: string) =>
    new prometheus.Gauge({
      name,
      help,
      labelNames: ['ase', 'state'],
      registers,
      async collect() {
        const rows = await (await db()).query
          .selectFrom(table)
          .select(({ fn }) => ['ase', 'state', fn.countAll<string>().as('rows')])
          .groupBy(['ase', 'state'])
          .execute();
        this.reset();
        for (const { ase, state, rows: number } of rows) this.set({ ase, state }, Number(number));
      },
    });
  stored('outgoing_payment', 'touchstone_outgoing_payments', 'Outgoing payments by ASE and state');
  stored('outgoing_packet', 'touchstone_outgoing_packets', 'ILP Prepare packets of payments by ASE and state');
  stored('webhook_event', 'touchstone_webhook_events', 'Webhook events by ASE and state');
  gaugePendingPayments(prometheus, registers, db);
  return {
    registry,
    observe: ({ server, operationId, status, milliseconds }) =>
      exchanges.observe({ server, operation: operationId, status }, milliseconds / 1000),
  };
}

/** Metrics by which an operator notices payments that are stuck. Ages are in wall time, like the attempts. */
function gaugePendingPayments(
  { Gauge }: typeof import('prom-client'),
  registers: Registry[],
  db: () => Promise<Database>,
): void {
  new Gauge({
    name: 'touchstone_outgoing_payments_pending',
    help: 'Outgoing payments that have not ended, by ASE; 0 if there are none',
    labelNames: ['ase'],
    registers,
    async collect() {
      const rows = await summarizePending((await db()).query);
      this.reset();
      for (const { ase, count } of rows) this.set({ ase }, count);
    },
  });
  new Gauge({
    name: 'touchstone_outgoing_payments_oldest_pending_seconds',
    help: 'Age of the oldest outgoing payment that has not ended, by ASE; 0 if there is none',
    labelNames: ['ase'],
    registers,
    async collect() {
      const rows = await summarizePending((await db()).query);
      this.reset();
      for (const { ase, oldest = wallNow() } of rows) this.set({ ase }, Math.max(0, wallNow() - oldest) / 1000);
    },
  });
  new Gauge({
    name: 'touchstone_outgoing_payments_held',
    help: 'Money on hold for outgoing payments that have not ended, in minor units, by ASE and asset',
    labelNames: ['ase', 'asset', 'scale'],
    registers,
    async collect() {
      const rows = await sumHeld((await db()).query);
      this.reset();
      for (const { ase, asset, value } of rows) {
        this.set({ ase, asset: asset.code, scale: asset.scale }, Number(value));
      }
    },
  });
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
