/** Output of a command as it passes through: the first and the last mebibyte of each stream are kept. */
import type { Readable, Writable } from 'node:stream';

const MEBIBYTE = 1024 * 1024;

/** Passes a stream on, and returns the function that reads what was kept of it. */
export function passOutput(from: Readable, to: Writable, maxBytes = MEBIBYTE): () => string {
  const kept = createKeptBytes(maxBytes);
  from.on('data', kept.add);
  from.pipe(to, { end: false });
  // The reader may have gone, as `head` does. The command goes on, and its output is kept.
  to.once('error', () => from.unpipe(to).resume());
  return kept.read;
}

/** Keeps the first `maxBytes` bytes and the last ones. */
export function createKeptBytes(maxBytes: number) {
  const first: Buffer[] = [];
  let last: Buffer[] = [];
  let firstBytes = 0;
  let lastBytes = 0;
  let total = 0;
  return {
    add(chunk: Buffer): void {
      total += chunk.length;
      const start = chunk.subarray(0, maxBytes - firstBytes);
      const rest = chunk.subarray(start.length);
      if (start.length > 0) first.push(start);
      firstBytes += start.length;
      if (rest.length === 0) return;
      last.push(rest);
      lastBytes += rest.length;
      while (lastBytes - last[0]!.length >= maxBytes) lastBytes -= last.shift()!.length;
    },
    read(): string {
      const end = Buffer.concat(last).subarray(-maxBytes);
      last = [end];
      lastBytes = end.length;
      const left = total - firstBytes - end.length;
      const gap = left > 0 ? [Buffer.from(`\n(${left} bytes left out)\n`)] : [];
      return Buffer.concat([...first, ...gap, end]).toString();
    },
  };
}
