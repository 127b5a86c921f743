/** Each exchange is told of once: as a line in the log, and to whoever counts (`metrics.ts`). */
import { channel } from 'node:diagnostics_channel';
import type { Logger } from 'pino';

export interface FinishedRequest {
  readonly server: string;
  readonly operationId: string;
  readonly status: number;
  /** From the end of the head of the request to when the reply is handed to the socket. */
  readonly milliseconds: number;
}

/** Where finished exchanges of this process are published. */
export const finishedRequests = channel('touchstone:exchange');

export function logRequest(log: Logger, exchange: FinishedRequest): void {
  const { operationId, status, milliseconds } = exchange;
  log.info({ operationId, status, ms: Math.round(milliseconds * 10) / 10 }, 'exchange');
  finishedRequests.publish(exchange);
}
