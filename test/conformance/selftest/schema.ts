/**
 * The JSON Schemas of a document, read along a value: which of them describe a member, what they demand of it, and a
 * valid value for a member that is not there.
 */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { isObject, type Json, type JsonObject, readPointer } from '../../../codegen/json.ts';
import { UINT64 } from '../../../codegen/validators.ts';

export const types = ['null', 'boolean', 'number', 'string', 'array', 'object'] as const;
export type Type = (typeof types)[number];

/** Pointers to all schemas that describe one value. */
export type Pointers = readonly string[];

export function typeOf(value: Json | undefined): Type {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value as Type;
}

export class Schemas {
  readonly #document: JsonObject;
  readonly #ajv = new Ajv2020({ strict: false, inlineRefs: false });
  readonly #validators = new Map<string, ValidateFunction>();

  constructor(document: JsonObject) {
    this.#document = document;
    (formats.default ?? formats)(this.#ajv);
    this.#ajv.addFormat('uint64', UINT64);
    this.#ajv.addSchema({ $id: 'document', paths: document['paths'], components: document['components'] });
  }

  at(pointer: string): JsonObject {
    const schema = readPointer(this.#document, pointer);
    return isObject(schema) ? schema : {};
  }

  accepts(pointer: string, value: Json): boolean {
    let validate = this.#validators.get(pointer);
    if (!validate) {
      validate = this.#ajv.compile({ $ref: `document${pointer}` });
      this.#validators.set(pointer, validate);
    }
    return validate(value);
  }

  /** These schemas with those to which they refer, and of alternatives the ones that accept the value. */
  describing(pointers: Pointers, value: Json): Pointers {
    return pointers.flatMap((pointer) => {
      const { $ref, allOf, oneOf, anyOf } = this.at(pointer);
      const parts = (list: Json | undefined, keyword: string) =>
        (Array.isArray(list) ? list : []).map((_, index) => `${pointer}/${keyword}/${index}`);
      const alternatives = [...parts(oneOf, 'oneOf'), ...parts(anyOf, 'anyOf')];
      return [
        pointer,
        ...this.describing(
          [
            ...(typeof $ref === 'string' ? [$ref] : []),
            ...parts(allOf, 'allOf'),
            ...alternatives.filter((alternative) => this.accepts(alternative, value)),
          ],
          value,
        ),
      ];
    });
  }

  /** The schemas of a member of an object, by its name. */
  members(pointers: Pointers): Map<string, string[]> {
    const found = new Map<string, string[]>();
    for (const pointer of pointers) {
      const { properties } = this.at(pointer);
      for (const name of Object.keys(isObject(properties) ? properties : {})) {
        const escaped = name.replaceAll('~', '~0').replaceAll('/', '~1');
        found.set(name, [...(found.get(name) ?? []), `${pointer}/properties/${escaped}`]);
      }
    }
    return found;
  }

  items(pointers: Pointers): string[] {
    return pointers.filter((pointer) => isObject(this.at(pointer)['items'])).map((pointer) => `${pointer}/items`);
  }

  /** The alternatives of a schema, through its references; the schema itself if it has none. */
  alternatives(pointer: string): string[] {
    const { $ref, oneOf, anyOf } = this.at(pointer);
    const lists = Object.entries({ oneOf, anyOf }).flatMap(([keyword, list]) =>
      (Array.isArray(list) ? list : []).map((_, index) => `${pointer}/${keyword}/${index}`),
    );
    if (lists.length > 0) return lists.flatMap((alternative) => this.alternatives(alternative));
    return typeof $ref === 'string' && Object.keys(this.at(pointer)).length === 1 ? this.alternatives($ref) : [pointer];
  }

  /** All values of a keyword. */
  keyword(pointers: Pointers, name: string): Json[] {
    return pointers.flatMap((pointer) => this.at(pointer)[name] ?? []);
  }

  /** A valid value. */
  sample(pointer: string): Json {
    const schema = this.at(pointer);
    const { $ref, const: constant, enum: listed, oneOf, anyOf, allOf, format, properties, required, items } = schema;
    if (constant !== undefined) return constant;
    if (Array.isArray(listed)) return listed[0]!;
    const parts: Json[] = [
      ...(typeof $ref === 'string' ? [this.sample($ref)] : []),
      ...(Array.isArray(allOf) ? allOf.map((_, index) => this.sample(`${pointer}/allOf/${index}`)) : []),
      ...(Array.isArray(oneOf) ? [this.sample(`${pointer}/oneOf/0`)] : []),
      ...(Array.isArray(anyOf) ? [this.sample(`${pointer}/anyOf/0`)] : []),
    ];
    const type = Array.isArray(schema['type']) ? schema['type'][0] : schema['type'];
    if (type === 'object' || isObject(properties)) {
      const names = Array.isArray(required) ? required.map(String) : [];
      const known = names.filter((name) => isObject(properties) && name in properties);
      const members = known.map((name) => [name, this.sample(`${pointer}/properties/${name}`)]);
      return Object.assign({}, ...parts.filter(isObject), Object.fromEntries(members));
    }
    if (type === 'array') return isObject(items) ? [this.sample(`${pointer}/items`)] : [];
    if (parts.length > 0) return parts[0]!;
    if (type === 'boolean') return true;
    if (type === 'integer' || type === 'number') return Number(schema['minimum'] ?? 1);
    if (format === 'uri') return 'https://sample.example/a';
    if (format === 'date-time') return '2026-01-02T03:04:05Z';
    if (format === 'uint64') return '1';
    return 'sample';
  }
}
