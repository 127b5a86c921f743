/** Sends an answer: whole, or as a fault wants it. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Response } from 'express';
import { type Answer, type SentReply, serializeBody } from './reply.ts';

/** Pieces of a slow answer. */
const PIECES = 10;

/** Writes the answer. Resolves when the last byte was handed to the socket, and at once for a usual one. */
export async function sendReply(
  res: Response,
  reply: Answer,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  if (res.headersSent) return;
  if (reply === 'silence') return;
  if (reply === 'close') return void res.destroy();
  if (reply === 'reset') return void resetConnection(res);
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
  res.locals['reply'] = sent;
  if (reply.onSent) res.once('close', () => reply.onSent!(res.writableFinished));
  res.writeHead(reply.status, sent.headers);
  if (reply.delivery === undefined) return void res.end(content);
  const bytes = Buffer.from(content ?? '');
  if (reply.delivery === 'cut') return void res.write(bytes.subarray(0, bytes.length / 2), () => resetConnection(res));
  const size = Math.ceil(bytes.length / PIECES) || 1;
  for (let from = 0; from < bytes.length; from += size) {
    res.write(bytes.subarray(from, from + size));
    await wait(reply.delivery.slowMs / PIECES);
  }
  res.end();
}

/** Ends the connection by a TCP reset; one with TLS by its end, where the client sees a truncation. */
function resetConnection(res: Response): void {
  const { socket } = res;
  if (socket && 'resetAndDestroy' in socket && !('encrypted' in socket)) socket.resetAndDestroy();
  else res.destroy();
}
