/** Reports the calls of a server to the request trace, once they are answered. */
import type { ServerResponse } from 'node:http';
import { steadyNow } from '../clock.ts';
import type { ServerRequest } from './received-request.ts';
import type { SentReply } from './reply.ts';
import type { FinishedCall, RequestNotes } from './request-trace.ts';
import type { ServerContext } from './server.ts';

/**
 * Reports the call once its answer was written to the connection, or that has ended. Not when it has left this process:
 * the client could have it before, above all over TLS, and ask for its verdict.
 */
export function traceWhenSent(
  context: Pick<ServerContext, 'trace'>,
  res: ServerResponse,
  notes: RequestNotes,
  call: Pick<FinishedCall, 'operation' | 'params' | 'reply'>,
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
  // An answer waits without a socket for those to earlier requests on its connection.
  if ((res.writableEnded && res.socket) || res.closed) report();
  else res.once('finish', report).once('close', report);
}

/** A request for none of the operations. */
export function traceUnknown(
  context: Pick<ServerContext, 'trace'>,
  res: ServerResponse,
  notes: RequestNotes,
  operation: 'unknown' | 'preflight',
  reply: SentReply | undefined,
): void {
  traceWhenSent(context, res, notes, { operation, params: secretsOfUnknownPath(targetOf(res)), reply });
}

/** The nonce of an interaction URL to which something was added, so that the trace does not show it. */
function secretsOfUnknownPath(target: string): Record<string, string> {
  const [, nonce] = /\/interact\/+[^/?]+\/+([^/?]+)/.exec(target) ?? [];
  return nonce === undefined ? {} : { nonce };
}

const targetOf = ({ req }: ServerResponse): string => (req as ServerRequest).originalUrl;

const describeCall = (res: ServerResponse) => ({
  method: res.req.method ?? 'GET',
  target: targetOf(res),
  httpVersion: res.req.httpVersion,
  status: res.headersSent ? res.statusCode : undefined,
});
