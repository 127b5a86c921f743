/** Members of answers that their schema allows, forbids or does not require, found by trying. */
import { responseBody as auth } from '../../../generated/auth-server/validators.js';
import { responseBody as resource } from '../../../generated/resource-server/validators.js';
import { responseBody as walletAddress } from '../../../generated/wallet-address-server/validators.js';
import { isObject, type Json } from './wire.ts';

type Validator = (body: unknown) => boolean;

const validators: Readonly<Record<string, Readonly<Record<number, unknown>>>> = {
  ...auth,
  ...resource,
  ...walletAddress,
};

function validatorOf(operation: string, status: number): Validator | undefined {
  const found = validators[operation]?.[status];
  return typeof found === 'function' ? (found as Validator) : undefined;
}

const added: Json = { 'x-extension': { version: 1 }, 'x-nothing': null };

/** Replaces each object of a value, inner ones first. `put` gives the whole value with another object in this place. */
function mapObjects(value: unknown, change: (object: Json, put: (object: Json) => unknown) => Json): unknown {
  const walk = (inner: unknown, put: (inner: unknown) => unknown): unknown => {
    if (Array.isArray(inner)) {
      const items = [...inner];
      for (const index of items.keys()) items[index] = walk(items[index], (item) => put(items.with(index, item)));
      return items;
    }
    if (!isObject(inner)) return inner;
    let object: Json = inner;
    for (const name of Object.keys(inner)) {
      object = { ...object, [name]: walk(object[name], (each) => put({ ...object, [name]: each })) };
    }
    return change(object, put);
  };
  return walk(value, (whole) => whole);
}

/** Adds two members to each object whose schema is open, or to each whose schema is closed. */
export function addMembers(operation: string, status: number, body: unknown, where: 'open' | 'closed'): unknown {
  const isValid = validatorOf(operation, status);
  if (!isValid?.(body)) return body;
  // Found out before anything is added, because an addition to a closed object makes the whole invalid.
  const open: boolean[] = [];
  mapObjects(body, (object, put) => {
    open.push(isValid(put({ ...object, ...added })));
    return object;
  });
  return mapObjects(body, (object) => (open.shift() === (where === 'open') ? { ...object, ...added } : object));
}

/** Members without which there is nothing to go on with. */
const NEEDED: ReadonlySet<string> = new Set([
  'access_token',
  'interact',
  'finish',
  'subject',
  'startCursor',
  'endCursor',
]);

/** Leaves out every member that the schema does not require. */
export function cutToRequired(operation: string, status: number, body: unknown): unknown {
  const isValid = validatorOf(operation, status);
  if (!isValid?.(body)) return body;
  return mapObjects(body, (object, put) => {
    let cut = object;
    for (const name of Object.keys(object)) {
      if (NEEDED.has(name)) continue;
      const { [name]: _, ...rest } = cut;
      if (isValid(put(rest))) cut = rest;
    }
    return cut;
  });
}
