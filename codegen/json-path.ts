/** The part of JSONPath (RFC 9535) that overlay targets use: names, wildcards, indexes and filters. */
import { isObject, type Json, type JsonObject } from './json.ts';

/** A location in a document: `parent[key]`. For the root, `parent` is null. */
export interface Location {
  readonly parent: JsonObject | Json[] | null;
  readonly key: string | number;
  readonly value: Json;
}

type Selector = (value: Json) => (string | number)[];

const NAME = /^\.([\w-]+)/;
const WILDCARD = /^(?:\.\*|\[\*\])/;
const QUOTED = /^\['([^']+)'\]/;
const INDEX = /^\[(\d+)\]/;
const FILTER = /^\[\?@((?:\.[\w-]+|\['[^']+'\])+)(?:\s*==\s*'([^']*)')?\]/;

/** All locations that `path` selects. Throws on syntax outside the supported part. */
export function selectLocations(document: JsonObject, path: string): Location[] {
  let locations: Location[] = [{ parent: null, key: '$', value: document }];
  for (const select of parsePath(path)) {
    locations = locations.flatMap(({ value }) =>
      select(value).map((key) => ({
        parent: value as JsonObject | Json[],
        key,
        value: (value as JsonObject)[key] as Json,
      })),
    );
  }
  return locations;
}

function parsePath(path: string): Selector[] {
  if (!path.startsWith('$')) throw new Error(`a JSONPath starts with $: ${path}`);
  const selectors: Selector[] = [];
  let rest = path.slice(1);
  while (rest !== '') {
    const [text, selector] = parseSegment(rest) ?? [];
    if (text === undefined || selector === undefined) throw new Error(`unsupported JSONPath at "${rest}" in ${path}`);
    selectors.push(selector);
    rest = rest.slice(text.length);
  }
  return selectors;
}

function parseSegment(rest: string): [string, Selector] | undefined {
  const wildcard = WILDCARD.exec(rest);
  if (wildcard) return [wildcard[0], childKeys];
  const name = NAME.exec(rest) ?? QUOTED.exec(rest);
  if (name) return [name[0], (value) => (isObject(value) && Object.hasOwn(value, name[1]!) ? [name[1]!] : [])];
  const index = INDEX.exec(rest);
  if (index)
    return [index[0], (value) => (Array.isArray(value) && Number(index[1]) < value.length ? [Number(index[1])] : [])];
  const filter = FILTER.exec(rest);
  if (!filter) return undefined;
  return [
    filter[0],
    (value) => childKeys(value).filter((key) => matchesFilter((value as JsonObject)[key], filter[1]!, filter[2])),
  ];
}

function childKeys(value: Json): (string | number)[] {
  if (Array.isArray(value)) return [...value.keys()];
  return isObject(value) ? Object.keys(value) : [];
}

function matchesFilter(value: Json | undefined, relative: string, expected: string | undefined): boolean {
  if (!isObject(value) && !Array.isArray(value)) return false;
  const found = selectLocations({ root: value }, `$.root${relative}`);
  return expected === undefined ? found.length > 0 : found.some((location) => location.value === expected);
}
