/** Mutations of a JSON body, derived from its schema: each breaks one demand of the schema at one place. */
import { isObject, type Json, type JsonObject } from '../../../codegen/json.ts';
import { type Pointers, type Schemas, type Type, typeOf, types } from './schema.ts';

export type BodyKind =
  | 'member dropped'
  | 'member added'
  | 'type changed'
  | 'format broken'
  | 'value not listed'
  | 'bound broken';

type Path = readonly (string | number)[];

export interface BodyMutation {
  readonly kind: BodyKind;
  /** Pointer to the changed member, and for some kinds what it becomes. */
  readonly place: string;
  /** Changes a body of the same form. */
  readonly change: (body: Json) => Json;
}

const wrongTypes: Readonly<Record<Type, Json>> = {
  ...{ null: null, boolean: true, number: 1.5, string: 'text', array: [], object: {} },
};

/** Values that a format refuses. */
const wrongFormats: Readonly<Record<string, readonly Json[]>> = {
  uri: ['', 'no uri', '/relative', 'http://a b.example/'],
  uint64: ['', '-1', '1.5', '01', '18446744073709551616', 'ten'],
  'date-time': ['', 'soon', '2026-01-02', '2026-01-02T03:04:05', '2026-13-02T03:04:05Z'],
};

const ADDED = 'memberThatNoDocumentHas';

function editAt(body: Json, path: Path, edit: (parent: JsonObject | Json[], key: string | number) => void): Json {
  const root: JsonObject = { body: structuredClone(body) };
  const full = ['body', ...path];
  let parent: Json = root;
  for (const key of full.slice(0, -1)) parent = (parent as JsonObject)[key]!;
  edit(parent as JsonObject, full.at(-1)!);
  return root['body'] as Json;
}

const replaceAt = (body: Json, path: Path, value: Json): Json =>
  editAt(body, path, (parent, key) => {
    (parent as JsonObject)[key] = structuredClone(value);
  });

const placeOf = (path: Path): string => `/${path.join('/')}`;

/**
 * The body with every optional member that its schema allows, and with an item of each kind in its lists, so that
 * mutations reach all of them.
 */
export function complete(schemas: Schemas, root: string, body: Json): Json {
  let result = body;
  const offer = (path: Path, value: Json): boolean => {
    const candidate = replaceAt(result, path, value);
    if (!schemas.accepts(root, candidate)) return false;
    result = candidate;
    return true;
  };
  const visit = (pointers: Pointers, path: Path): void => {
    const read = (): Json => path.reduce<Json>((node, key) => (node as JsonObject)[key]!, result);
    const all = schemas.describing(pointers, read());
    if (isObject(read())) {
      for (const [name, members] of schemas.members(all)) {
        const isThere = name in (read() as JsonObject) || offer([...path, name], schemas.sample(members[0]!));
        if (isThere) visit(members, [...path, name]);
      }
    } else if (Array.isArray(read())) {
      const items = schemas.items(all);
      const kinds = items.flatMap((item) => schemas.alternatives(item));
      for (const kind of kinds) {
        const list = read() as Json[];
        if (!list.some((item) => schemas.accepts(kind, item))) offer([...path, list.length], schemas.sample(kind));
      }
      for (const index of (read() as Json[]).keys()) visit(items, [...path, index]);
    }
  };
  visit([root], []);
  return result;
}

/** All mutations of a body that its schema accepts. */
export function listBodyMutations(schemas: Schemas, root: string, body: Json): BodyMutation[] {
  const found: BodyMutation[] = [];
  const visit = (pointers: Pointers, path: Path, value: Json): void => {
    const all = schemas.describing(pointers, value);
    const replace = (kind: BodyKind, by: Json): void => {
      const place = `${placeOf(path)} → ${JSON.stringify(by)?.slice(0, 40)}`;
      found.push({ kind, place, change: (current) => replaceAt(current, path, by) });
    };
    for (const [kind, by] of wrongValues(schemas, all, value)) {
      // Another alternative of the schema may have this type.
      if (kind !== 'type changed' || !pointers.every((pointer) => schemas.accepts(pointer, by))) replace(kind, by);
    }
    if (isObject(value)) {
      for (const name of new Set(schemas.keyword(all, 'required').flat() as string[])) {
        const change = (current: Json) =>
          editAt(current, [...path, name], (parent, key) => delete (parent as JsonObject)[key]);
        found.push({ kind: 'member dropped', place: placeOf([...path, name]), change });
      }
      const closed = [
        ...schemas.keyword(all, 'additionalProperties'),
        ...schemas.keyword(all, 'unevaluatedProperties'),
      ];
      if (closed.includes(false)) {
        const place = placeOf([...path, ADDED]);
        found.push({ kind: 'member added', place, change: (current) => replaceAt(current, [...path, ADDED], 1) });
      }
      for (const [name, members] of schemas.members(all)) {
        if (name in value) visit(members, [...path, name], value[name]!);
      }
    } else if (Array.isArray(value)) {
      const items = schemas.items(all);
      for (const [index, item] of value.entries()) visit(items, [...path, index], item);
    }
  };
  visit([root], [], body);
  return found;
}

/** Values that one keyword of the schemas refuses. */
function wrongValues(schemas: Schemas, pointers: Pointers, value: Json): [BodyKind, Json][] {
  const keyword = (name: string): Json[] => schemas.keyword(pointers, name);
  const listed = (name: string): string[] => keyword(name).flat() as string[];
  const allowed = new Set<string>([typeOf(value), ...listed('type').map((type) => (type === 'integer' ? '' : type))]);
  const hasType = listed('type').length > 0 || keyword('properties').length > 0;
  const others = types.filter((type) => !allowed.has(type));
  const wrong: [BodyKind, Json][] = hasType ? others.map((type) => ['type changed', wrongTypes[type]]) : [];
  if (listed('type').includes('integer')) wrong.push(['type changed', 1.5]);
  for (const format of listed('format')) {
    for (const broken of wrongFormats[format] ?? fail(`no value is known that the format ${format} refuses`)) {
      wrong.push(['format broken', broken]);
    }
  }
  if (keyword('enum').length > 0 || keyword('const').length > 0) wrong.push(['value not listed', 'not-listed']);
  if (keyword('pattern').length > 0) wrong.push(['bound broken', '\u0000']);
  for (const bound of keyword('minimum')) wrong.push(['bound broken', Number(bound) - 1]);
  for (const bound of keyword('maximum')) wrong.push(['bound broken', Number(bound) + 1]);
  for (const bound of keyword('minLength')) wrong.push(['bound broken', 'x'.repeat(Number(bound) - 1)]);
  for (const bound of keyword('maxLength')) wrong.push(['bound broken', `${value}${'x'.repeat(Number(bound))}`]);
  if (!Array.isArray(value)) return wrong;
  for (const bound of keyword('minItems'))
    if (Number(bound) > 0) wrong.push(['bound broken', value.slice(0, Number(bound) - 1)]);
  if (keyword('uniqueItems').includes(true) && value.length > 0) wrong.push(['bound broken', [value[0]!, value[0]!]]);
  for (const bound of keyword('maxItems')) {
    const items = Array.from({ length: Number(bound) + 1 }, (_, index) => value[index % value.length] ?? null);
    wrong.push(['bound broken', items]);
  }
  return wrong;
}

function fail(message: string): never {
  throw new Error(message);
}
