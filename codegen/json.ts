/** JSON values (RFC 8259), references and pointers (RFC 6901). */
import { createHash } from 'node:crypto';

export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

/** True for a JSON object: neither an array nor null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Follows a local reference (`#/components/…`, RFC 6901) and returns the object it names. Throws if the target is missing. */
export function resolveReference(document: JsonObject, node: JsonObject): JsonObject {
  const reference = node['$ref'];
  if (typeof reference !== 'string') return node;
  const target = readPointer(document, reference);
  if (!isObject(target)) throw new Error(`reference ${reference} points to nothing`);
  return resolveReference(document, target);
}

/** Reads the value at `#/a/b` (RFC 6901), or undefined. */
export function readPointer(document: JsonObject, pointer: string): Json | undefined {
  let node: Json | undefined = document;
  for (const token of pointer.replace(/^#?\/?/, '').split('/')) {
    if (node === undefined || node === null || typeof node !== 'object') return undefined;
    node = (node as JsonObject)[decodeURIComponent(token).replaceAll('~1', '/').replaceAll('~0', '~')];
  }
  return node;
}

/** Writes a JSON pointer fragment (`#/a/b`) that is also a valid URI fragment. */
export function writePointer(tokens: readonly string[]): string {
  return ['#', ...tokens.map((token) => encodeURIComponent(token.replaceAll('~', '~0').replaceAll('/', '~1')))].join(
    '/',
  );
}

/** SHA-256 of the bytes, in hex. */
export function sha256(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
