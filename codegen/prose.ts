/**
 * Strips the prose from an OpenAPI 3.1 document, so that upstream text is never copied into the repository.
 * It tracks what kind of object it is in, so that a schema property *named* `description` or `title` is kept.
 */
import { isObject, type Json, type JsonObject } from './json.ts';

/** `x` is one object, `x[]` a list and `x{}` a map of them. Keys that are not listed are data and kept unchanged. */
type Position = string;

const SUBSCHEMAS = [
  ['schema{}', 'properties', 'patternProperties', 'dependentSchemas', '$defs'],
  ['schema[]', 'allOf', 'anyOf', 'oneOf', 'prefixItems'],
  ['schema', 'items', 'contains', 'additionalProperties', 'unevaluatedProperties', 'unevaluatedItems'],
  ['schema', 'propertyNames', 'not', 'if', 'then', 'else'],
];

const PARTS: Record<string, Record<string, Position>> = {
  document: {
    info: 'info',
    servers: 'gone',
    tags: 'tag[]',
    paths: 'path{}',
    webhooks: 'path{}',
    components: 'components',
  },
  info: { contact: 'gone', license: 'gone', termsOfService: 'gone' },
  tag: {},
  components: {
    schemas: 'schema{}',
    responses: 'response{}',
    parameters: 'parameter{}',
    headers: 'parameter{}',
    requestBodies: 'requestBody{}',
    securitySchemes: 'securityScheme{}',
    pathItems: 'path{}',
    examples: 'gone',
    links: 'gone',
  },
  securityScheme: {},
  path: {
    parameters: 'parameter[]',
    servers: 'gone',
    get: 'operation',
    put: 'operation',
    post: 'operation',
    delete: 'operation',
    patch: 'operation',
    head: 'operation',
    options: 'operation',
  },
  operation: { parameters: 'parameter[]', requestBody: 'requestBody', responses: 'response{}', servers: 'gone' },
  parameter: { schema: 'schema', content: 'mediaType{}' },
  requestBody: { content: 'mediaType{}' },
  response: { content: 'mediaType{}', headers: 'parameter{}', links: 'gone' },
  mediaType: { schema: 'schema' },
  schema: Object.fromEntries(SUBSCHEMAS.flatMap(([part, ...keys]) => keys.map((key) => [key, part!]))),
};

const PROSE = new Set(['title', 'summary', 'description', 'example', 'examples', 'externalDocs', '$comment']);

/** The document without prose. `info.title` becomes `name`; a response keeps the empty description that OpenAPI demands. */
export function stripProse(document: JsonObject, name: string): JsonObject {
  const stripped = stripObject(document, 'document');
  return { ...stripped, info: { ...(stripped['info'] as JsonObject), title: name } };
}

function stripObject(node: JsonObject, position: string): JsonObject {
  const parts = PARTS[position];
  if (parts === undefined) throw new Error(`unknown OpenAPI object ${position}`);
  const result: JsonObject = {};
  for (const [key, value] of Object.entries(node)) {
    const part = Object.hasOwn(parts, key) ? parts[key] : undefined;
    if (PROSE.has(key) || part === 'gone') continue;
    result[key] = part === undefined ? value : stripPart(value, part);
  }
  if (position === 'response' && result['$ref'] === undefined) result['description'] = '';
  return result;
}

function stripPart(value: Json, part: Position): Json {
  if (part.endsWith('[]'))
    return Array.isArray(value) ? value.map((item) => stripPart(item, part.slice(0, -2))) : value;
  if (!isObject(value)) return value;
  if (!part.endsWith('{}')) return stripObject(value, part);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, stripPart(item, part.slice(0, -2))]));
}
