/** Sends an answer: whole, or as a fault wants it. */
import type { ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { type Answer, type NoReply, type SentReply, serializeBody } from './reply.ts';

/** Pieces of a slow answer. */
const PIECES = 10;

/**
 * Writes the answer. Resolves when the last byte was handed to the socket, and at once for a usual one: with what was
 * sent, undefined if nothing was.
 */
export async function sendReply(
  res: ServerResponse,
  reply: Answer,
  headers: Readonly<Record<string, string>>,
): Promise<SentReply | undefined> {
  if (res.headersSent) return undefined;
  if (typeof reply === 'string') return void endWithoutReply(res, reply);
  const isPage = typeof reply.body === 'string';
  const content = reply.body === undefined ? undefined : isPage ? (reply.body as string) : serializeBody(reply.body);
  const length = Buffer.byteLength(content ?? '');
  const sent: SentReply = {
    headers: {
      ...headers,
      ...(content !== undefined && { 'Content-Type': 'application/json' }),
      ...((content !== undefined || reply.status !== 204) && { 'Content-Length': `${length}` }),
      ...reply.headers,
    },
    content,
  };
  if (reply.onSent) res.once('close', () => reply.onSent!(res.writableFinished));
  res.writeHead(reply.status, sent.headers);
  if (reply.delivery === undefined) {
    res.end(content);
    return sent;
  }
  const bytes = Buffer.from(content ?? '');
  if (reply.delivery === 'cut') {
    res.write(bytes.subarray(0, bytes.length / 2), () => resetConnection(res));
    return sent;
  }
  const size = Math.ceil(bytes.length / PIECES) || 1;
  res.flushHeaders();
  // Nothing comes after the last piece, so that the call is recorded before the client has it.
  for (let from = 0; from < bytes.length; from += size) {
    await wait(reply.delivery.slowMs / PIECES);
    res.write(bytes.subarray(from, from + size));
  }
  res.end();
  return sent;
}

function endWithoutReply(res: ServerResponse, end: NoReply): void {
  if (end === 'close') res.destroy();
  else if (end === 'reset') resetConnection(res);
}

/** Ends the connection by a TCP reset; one with TLS by its end, where the client sees a truncation. */
function resetConnection(res: ServerResponse): void {
  const { socket } = res;
  if (socket && 'resetAndDestroy' in socket && !('encrypted' in socket)) socket.resetAndDestroy();
  else res.destroy();
}
