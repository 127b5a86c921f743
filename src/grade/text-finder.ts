/** Finds known texts in other texts, in time linear in their length, and hides them. */

export interface Occurrence<Value> {
  readonly value: Value;
  readonly start: number;
  readonly end: number;
}

export interface TextFinder<Value> {
  /** False if it was not added: too short, too many begin alike, or it is known. */
  add(text: string, value: Value): boolean;
  /** In the order of their beginnings. Occurrences may overlap. `longest`: only the longest of each beginning. */
  find(text: string, which?: 'longest'): Generator<Occurrence<Value>>;
}

/** Characters that are kept and compared: longer texts that begin with them are taken for the known one. */
const MAX_COMPARED = 64;
/** Texts with the same beginning, as a client could choose them. */
const MAX_ALIKE = 32;

const FACTOR = 0x01000193;

/** Rabin–Karp: a rolling hash of a window finds the texts whose first characters are in it. `window` is the least length. */
export function createTextFinder<Value>(window: number): TextFinder<Value> {
  const byHash = new Map<number, { readonly text: string; readonly length: number; readonly value: Value }[]>();
  /** Weight of the character that leaves the window. */
  const leaving = Array.from({ length: window }).reduce<number>((power) => Math.imul(power, FACTOR), 1);
  const push = (hash: number, text: string, at: number): number => (Math.imul(hash, FACTOR) + text.charCodeAt(at)) | 0;
  return {
    add(text, value) {
      if (text.length < window) return false;
      let hash = 0;
      for (let at = 0; at < window; at += 1) hash = push(hash, text, at);
      const alike = byHash.get(hash) ?? [];
      const kept = copyOf(text.slice(0, MAX_COMPARED));
      const isKnown = alike.some((other) => other.length === text.length && other.text === kept);
      if (isKnown || alike.length >= MAX_ALIKE) return false;
      alike.push({ text: kept, length: text.length, value });
      alike.sort((a, b) => b.length - a.length);
      byHash.set(hash, alike);
      return true;
    },
    *find(text, which) {
      let hash = 0;
      for (let end = 0; end < text.length; end += 1) {
        hash = push(hash, text, end);
        const start = end - window + 1;
        if (start < 0) continue;
        if (start > 0) hash = (hash - Math.imul(leaving, text.charCodeAt(start - 1))) | 0;
        for (const known of byHash.get(hash) ?? []) {
          if (!text.startsWith(known.text, start)) continue;
          yield { value: known.value, start, end: Math.min(start + known.length, text.length) };
          if (which === 'longest') break;
        }
      }
    },
  };
}

/** A slice would keep the text alive from which it was cut. */
const copyOf = (text: string): string => Buffer.from(text, 'utf16le').toString('utf16le');

export interface Region {
  readonly start: number;
  readonly end: number;
}

/** Replaces the regions, which may overlap. */
export function replaceRegions(text: string, regions: Iterable<Region>, replace: (part: string) => string): string {
  const pieces: string[] = [];
  let done = 0;
  let open: { start: number; end: number } | undefined;
  const close = (): void => {
    if (!open) return;
    pieces.push(text.slice(done, open.start), replace(text.slice(open.start, open.end)));
    done = open.end;
  };
  for (const { start, end } of regions) {
    if (open && start < open.end) open.end = Math.max(open.end, end);
    else {
      close();
      open = { start, end };
    }
  }
  close();
  return pieces.length === 0 ? text : pieces.join('') + text.slice(done);
}
