/**
 * Mutations of a valid value, derived from its schema: each breaks one keyword. A required member is missing, a type or
 * format is another one, a bound is exceeded, or there is a member that the schema forbids.
 */
import fc from 'fast-check';
import type { Json } from '../steps/signed-client.ts';
import { type RequestBody, resolve, type Schema, within } from './document.ts';
import { type Pins, validValues } from './valid-values.ts';

export interface Mutation {
  /** The keyword that is broken. */
  readonly keyword: string;
  /** Path to the place. */
  readonly at: string;
  readonly value: Json;
}

/** All mutations that the schema of the body refuses, each value once. */
function invalidBodies({ schema, validate }: RequestBody, valid: Json): Mutation[] {
  const found = new Map<string, Mutation>();
  for (const mutation of mutationsOf(schema, valid, '')) {
    const text = JSON.stringify(mutation.value);
    // Where several schemas are allowed, breaking one may satisfy another.
    if (!found.has(text) && !validate(mutation.value)) found.set(text, mutation);
  }
  return [...found.values()];
}

/**
 * One example of each broken keyword at each place, so that a run tries every one of them whatever its seed.
 * @param pins of the valid values that are mutated
 */
export function everyMutation(body: RequestBody, pins: Pins): Mutation[] {
  const found = new Map<string, Mutation>();
  for (const valid of fc.sample(validValues(body.schema, pins), { numRuns: 40, seed: 1 })) {
    for (const mutation of invalidBodies(body, valid)) {
      const { keyword, at } = mutation;
      const kind = `${keyword} ${at}`;
      if (!found.has(kind)) found.set(kind, mutation);
    }
  }
  return [...found.values()];
}

/** A random mutation of a random valid value. */
export const invalidValues = (body: RequestBody, pins: Pins): fc.Arbitrary<Mutation> =>
  fc
    .tuple(validValues(body.schema, pins), fc.nat())
    .map(([valid, choice]) => {
      const mutations = invalidBodies(body, valid);
      return mutations[choice % mutations.length]!;
    })
    .filter((mutation) => mutation !== undefined);

/** Also mutations that an alternative of the schema happens to accept. */
function* mutationsOf(schema: Schema, value: Json, path: string): Generator<Mutation> {
  const { node, document } = resolve(schema);
  for (const other of valuesOfOtherTypes(node, value)) {
    yield { keyword: `type ${kindOf(other)}`, at: path, value: other };
  }
  for (const part of [...(node.oneOf ?? []), ...(node.anyOf ?? []), ...(node.allOf ?? [])]) {
    yield* mutationsOf({ node: part, document }, value, path);
  }
  if (node.enum) yield { keyword: 'enum', at: path, value: 'unexpected' };
  if (typeof value === 'string') yield* textMutations(node, path);
  if (typeof value === 'number') yield* numberMutations(node, path);
  if (Array.isArray(value)) yield* arrayMutations({ node, document }, value, path);
  else if (typeof value === 'object' && value !== null) yield* objectMutations({ node, document }, value, path);
}

function valuesOfOtherTypes({ type, oneOf, anyOf }: Json, value: Json): Json[] {
  if (type === undefined && !oneOf && !anyOf) return [];
  return [null, 7, 'text', true, [], {}, [value]].filter((other) => typeOf(other) !== typeOf(value) || other === null);
}

/** Validators tend to fail for null and for arrays, which JavaScript takes for objects. */
const kindOf = (value: Json): string => (value === null ? 'null' : Array.isArray(value) ? 'array' : 'other');

const typeOf = (value: Json): string => (Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value);

function* textMutations({ format, pattern, minLength, maxLength }: Json, at: string): Generator<Mutation> {
  const wrong: Readonly<Record<string, readonly string[]>> = {
    uri: ['', 'nothing', '/relative', 'http//a', 'https://a b'],
    'date-time': ['', 'soon', '2030-02-03', '2030-13-01T00:00:00Z', '2030-01-01T00:00:00', '2030-01-01T25:00:00Z'],
    uint64: ['', '-1', '+1', '1.5', '1e3', '007', ' 1', '0x10', '18446744073709551616', '١'],
  };
  for (const value of wrong[format] ?? []) yield { keyword: 'format', at, value };
  if (pattern) for (const value of ['', '.', 'https://a.example/b']) yield { keyword: 'pattern', at, value };
  if (minLength > 0) yield { keyword: 'minLength', at, value: '' };
  const prefix = pattern?.includes('incoming-payments') ? 'https://a.example/incoming-payments/' : 'https://a.example/';
  if (maxLength) yield { keyword: 'maxLength', at, value: prefix.padEnd(maxLength + 1, 'a') };
}

function* numberMutations({ type, minimum, maximum }: Json, at: string): Generator<Mutation> {
  if (minimum !== undefined) yield { keyword: 'minimum', at, value: minimum - 1 };
  if (maximum !== undefined) yield { keyword: 'maximum', at, value: maximum + 1 };
  if (type === 'integer') yield { keyword: 'integer', at, value: (minimum ?? 0) + 0.5 };
}

function* arrayMutations(schema: Schema, value: Json[], at: string): Generator<Mutation> {
  const { items, minItems, maxItems, uniqueItems } = schema.node;
  if (minItems > 0) yield { keyword: 'minItems', at, value: [] };
  if (uniqueItems && value.length > 0) yield { keyword: 'uniqueItems', at, value: [...value, value[0]] };
  if (maxItems && value.length > 0) {
    yield {
      keyword: 'maxItems',
      at,
      value: Array.from({ length: maxItems + 1 }, (_, index) => value[index] ?? value[0]),
    };
  }
  if (!items) return;
  for (const [index, item] of value.entries()) {
    for (const mutation of mutationsOf(within(schema, items), item, `${at}/*`)) {
      yield { ...mutation, value: value.with(index, mutation.value) };
    }
  }
}

function* objectMutations(schema: Schema, value: Json, at: string): Generator<Mutation> {
  const { properties = {}, required = [], additionalProperties, unevaluatedProperties } = schema.node;
  for (const name of required.filter((each: string) => each in value)) {
    const { [name]: _, ...others } = value;
    yield { keyword: 'required', at: `${at}/${name}`, value: others };
  }
  if (additionalProperties === false || unevaluatedProperties === false) {
    yield { keyword: 'additionalProperties', at, value: { ...value, unexpected: 1 } };
  }
  for (const [name, node] of Object.entries<Json>(properties)) {
    const property = within(schema, node);
    if (name in value) {
      for (const mutation of mutationsOf(property, value[name], `${at}/${name}`)) {
        yield { ...mutation, value: { ...value, [name]: mutation.value } };
      }
    } else {
      // A member of another alternative, which this one forbids.
      const [other] = fc.sample(validValues(property), { numRuns: 1, seed: 1 });
      yield { keyword: 'additionalProperties', at: `${at}/${name}`, value: { ...value, [name]: other } };
    }
  }
}
