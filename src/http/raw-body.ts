/** Reads the raw bytes of a request's content, before they are parsed (RFC 9110 §6.4, §8.4). */
import type { IncomingMessage } from 'node:http';

export type WireErrorCode = 'body_too_large' | 'body_timeout' | 'body_aborted' | 'content_encoding';

/** A request whose content could not be read. */
export class WireError extends Error {
  readonly code: WireErrorCode;
  constructor(code: WireErrorCode, message: string) {
    super(message);
    this.name = 'WireError';
    this.code = code;
  }
}

export interface RawBodyLimits {
  /** Maximum size in bytes. */
  readonly limitBytes: number;
  /** Milliseconds in which the whole body must arrive. */
  readonly timeoutMs: number;
}

/** Milliseconds in which a client that has its answer may go on sending. */
const DISCARD_MS = 2_000;

/**
 * After the answer, the connection is closed in our direction only, until the client has sent the rest. The reset that
 * unread bytes bring about would destroy the answer on its way (RFC 9112 §9.6).
 */
function discardRest(req: IncomingMessage): void {
  const { socket } = req;
  socket.destroySoon = () => {
    socket.end();
    const timer = setTimeout(() => socket.destroy(), DISCARD_MS).unref();
    socket.once('close', () => clearTimeout(timer));
    req.resume();
  };
}

/**
 * Reads the whole body. Throws WireError: `body_too_large`, `body_timeout`, `body_aborted` (the client went away) or
 * `content_encoding` (digest and signature are over the encoded bytes, so only identity is taken). After an error the
 * rest is discarded: answer with `Connection: close`.
 */
export async function readRawBody(req: IncomingMessage, { limitBytes, timeoutMs }: RawBodyLimits): Promise<Buffer> {
  const encoding = req.headers['content-encoding'];
  if (encoding !== undefined && encoding.trim().toLowerCase() !== 'identity') {
    discardRest(req);
    throw new WireError('content_encoding', 'content must be sent without a content coding');
  }
  const announced = req.headers['content-length'];
  if (announced !== undefined && Number(announced) > limitBytes) {
    discardRest(req);
    throw tooLarge(limitBytes);
  }
  if (req.headers['transfer-encoding'] === undefined && (announced === undefined || Number(announced) === 0)) {
    return Buffer.alloc(0);
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const settle = (error: WireError | undefined): void => {
      clearTimeout(timer);
      req.off('data', onData).off('end', onEnd).off('error', onAbort).off('close', onAbort);
      if (error === undefined) resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size));
      else {
        req.pause();
        discardRest(req);
        req.on('error', () => {}); // the connection may still break while the refusal is on its way
        reject(error);
      }
    };
    const timer = setTimeout(
      () => settle(new WireError('body_timeout', `no whole body in ${timeoutMs} ms`)),
      timeoutMs,
    );
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > limitBytes) settle(tooLarge(limitBytes));
      else chunks.push(chunk);
    };
    const onEnd = (): void => settle(undefined);
    const onAbort = (): void => settle(new WireError('body_aborted', 'the connection closed within the body'));
    req.on('data', onData).on('end', onEnd).on('error', onAbort).on('close', onAbort);
  });
}

function tooLarge(limitBytes: number): WireError {
  return new WireError('body_too_large', `the body is larger than ${limitBytes} bytes`);
}
