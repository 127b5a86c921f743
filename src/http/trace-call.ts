/** Reports the calls of a server to the request trace, once they are answered. */
import type { Response } from 'express';
import { steadyNow } from '../clock.ts';
import type { SentReply } from './reply.ts';
import type { FinishedCall, RequestNotes } from './request-trace.ts';
import type { ServerContext } from './server.ts';

/** Reports the call once its answer was sent, or its connection has ended. */
export function traceWhenSent(
  context: Pick<ServerContext, 'trace'>,
  res: Response,
  notes: RequestNotes,
  call: Pick<FinishedCall, 'operation' | 'params'>,
): void {
  if (!context.trace) return;
  let isReported = false;
  const report = (): void => {
    if (isReported) return;
    isReported = true;
    const answeredAt = steadyNow();
    const milliseconds = answeredAt - notes.receivedAt;
    context.trace!({ ...notes, ...describeCall(res), ...call, answeredAt, milliseconds });
  };
  if (res.closed) report();
  else res.once('finish', report).once('close', report);
}

/** A request for none of the operations. */
export function traceUnknown(
  context: Pick<ServerContext, 'trace'>,
  res: Response,
  notes: RequestNotes,
  operation: 'unknown' | 'preflight',
): void {
  traceWhenSent(context, res, notes, { operation, params: secretsOfUnknownPath(res.req.originalUrl) });
}

/** The nonce of an interaction URL to which something was added, so that the trace does not show it. */
function secretsOfUnknownPath(target: string): Record<string, string> {
  const [, nonce] = /\/interact\/+[^/?]+\/+([^/?]+)/.exec(target) ?? [];
  return nonce === undefined ? {} : { nonce };
}

const describeCall = (res: Response) => ({
  method: res.req.method,
  target: res.req.originalUrl,
  httpVersion: res.req.httpVersion,
  status: res.headersSent ? res.statusCode : undefined,
  reply: res.locals['reply'] as SentReply | undefined,
});
