/**
 * Event streams for the live pages of a world (server-sent events, WHATWG HTML §9.2). A message only says that
 * something has happened; the page then reads itself anew. So whatever a browser missed is one message, and none is
 * kept for it.
 */
import type { ServerResponse } from 'node:http';

/** The part of a response that a stream uses. */
export type StreamResponse = Pick<
  ServerResponse,
  'writeHead' | 'write' | 'end' | 'destroy' | 'once' | 'socket' | 'writableNeedDrain'
>;

export interface LiveStreams {
  /**
   * Answers with a stream, which ends with the world, or at the next message after `isAllowed` has turned false.
   * Returns false, and does nothing, if too many are open or the world is closed.
   */
  open(res: StreamResponse, isAllowed: () => boolean): boolean;
  /** Something has happened. Without streams, it does nothing. */
  announce(): void;
  /** Number of open streams. */
  count(): number;
  /** Ends all streams. */
  close(): void;
}

export interface LiveOptions {
  /** Calls the listener whenever something happens. Returns a function that ends this. */
  readonly subscribe: (listener: () => void) => () => void;
}

/** A browser has up to six connections to an origin, and hidden pages do not listen. */
export const MAX_STREAMS = 32;
/** Between two messages; what happens meanwhile is announced by the second one. */
const PAUSE_MS = 500;
/** Between two comments, which find connections that are gone, and sessions that have ended. */
const BEAT_MS = 15_000;
/** Time after which a browser connects again. */
const RETRY_MS = 2_000;

const headers = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  // Some proxies would collect messages.
  'X-Accel-Buffering': 'no',
};

export function createLiveStreams({ subscribe }: LiveOptions): LiveStreams {
  const streams = new Map<StreamResponse, () => boolean>();
  let unsubscribe = () => {};
  let pause: NodeJS.Timeout | undefined;
  let beat: NodeJS.Timeout | undefined;
  let isStale = false;
  let isClosed = false;

  function write(text: string): void {
    for (const [res, isAllowed] of streams) {
      if (!isAllowed()) res.end();
      // It does not read what it gets. A browser that still wants the stream connects again.
      else if (res.writableNeedDrain) res.destroy();
      else res.write(text);
    }
  }

  function announce(): void {
    if (streams.size === 0) return;
    isStale = true;
    if (pause === undefined) sendChange();
  }

  function sendChange(): void {
    isStale = false;
    write('data: change\n\n');
    pause = setTimeout(() => {
      pause = undefined;
      if (isStale) announce();
    }, PAUSE_MS).unref();
  }

  function forget(res: StreamResponse): void {
    streams.delete(res);
    if (streams.size > 0) return;
    unsubscribe();
    clearInterval(beat);
  }

  return {
    open(res, isAllowed) {
      if (isClosed || streams.size >= MAX_STREAMS) return false;
      if (streams.size === 0) {
        unsubscribe = subscribe(announce);
        beat = setInterval(() => write(': beat\n\n'), BEAT_MS).unref();
      }
      streams.set(res, isAllowed);
      res.once('close', () => forget(res));
      // An open page must not keep a process alive that has nothing else to do.
      res.socket?.unref();
      res.writeHead(200, headers);
      res.write(`retry: ${RETRY_MS}\n\n`);
      return true;
    },
    announce,
    count: () => streams.size,
    close() {
      isClosed = true;
      clearTimeout(pause);
      for (const res of streams.keys()) res.end();
    },
  };
}
