/** Reports each served request once: as a log line, and to the metrics (`world/metrics.ts`). */
import { channel } from 'node:diagnostics_channel';
import type { Logger } from 'pino';

export interface FinishedRequest {
  readonly server: string;
  readonly operationId: string;
  readonly status: number;
  /** From the end of the request's header until the reply is handed to the socket. */
  readonly milliseconds: number;
}

/** Publishes the finished requests of this process. */
export const finishedRequests = channel('touchstone:exchange');

export function logRequest(log: Logger, exchange: FinishedRequest): void {
  const { operationId, status, milliseconds } = exchange;
  log.info({ operationId, status, ms: Math.round(milliseconds * 10) / 10 }, 'exchange');
  finishedRequests.publish(exchange);
}
