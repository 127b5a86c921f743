/** Reads parsed JSON of unknown form: never throws, and bounds the work for hostile input. */

export type JsonObject = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The object, or an empty one in place of any other value. */
export const asObject = (value: unknown): JsonObject => (isObject(value) ? value : {});

/** The array, or an empty one in place of any other value. */
export const asArray = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

export const asString = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** Names and values of an object that its sender wrote, `__proto__` included. */
export const membersOf = (value: unknown): [name: string, value: unknown][] =>
  isObject(value) ? Object.entries(value) : [];

/** RFC 6901 §3. */
export const pointerTo = (...names: readonly (string | number)[]): string =>
  names.map((name) => `/${`${name}`.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

const MAX_STRINGS = 2000;
const MAX_DEPTH = 32;

/** Strings in a value with their JSON pointers, at most 2000 and at most 32 levels deep; `metadata` is left out. */
export function* listStrings(root: unknown): Generator<{ readonly pointer: string; readonly text: string }> {
  const pending = [{ value: root, pointer: '', depth: 0 }];
  for (let visited = 0; visited < MAX_STRINGS; visited += 1) {
    const next = pending.pop();
    if (next === undefined) return;
    const { value, pointer, depth } = next;
    if (typeof value === 'string') yield { pointer, text: value };
    if (typeof value !== 'object' || value === null || depth >= MAX_DEPTH) continue;
    for (const [name, member] of Object.entries(value).slice(0, MAX_STRINGS)) {
      if (name !== 'metadata') pending.push({ value: member, pointer: pointer + pointerTo(name), depth: depth + 1 });
    }
  }
}

/** The text, or its beginning. */
export const clip = (text: string, length = 200): string => (text.length > length ? `${text.slice(0, length)}…` : text);

/** A value as JSON for display, shortened. */
export const show = (value: unknown): string => (value === undefined ? 'nothing' : clip(stringify(value)));

function stringify(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(clip(value));
  if (typeof value !== 'object' || value === null) return `${value}`;
  return Array.isArray(value) ? `an array of ${value.length} items` : 'an object';
}
