/**
 * Documents for Dredd, whose parser reads OpenAPI 3.0 only and drops most of a schema: a skeleton with one transaction
 * for each operation and status, and beside it the schemas of the answers as JSON Schema draft-07, which Dredd's
 * validator reads. Hooks put the two together.
 */
import { isObject, type Json, type JsonObject, readPointer, resolveReference } from './json.ts';
import { listOperations } from './operations.ts';

/** The servers that Open Payments documents. */
export const dreddDocuments = ['wallet-address-server', 'auth-server', 'resource-server'];

/** An OpenAPI 3.0 document whose summaries are operationIds, so that transactions are named after them. */
export function printSkeleton(document: JsonObject): string {
  const paths: JsonObject = {};
  for (const [path, item] of Object.entries(document['paths'] as JsonObject)) {
    for (const [method, operation] of Object.entries(item as JsonObject)) {
      if (!isObject(operation) || !isObject(operation['responses'])) continue;
      const parameters = [...path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => ({
        ...{ name: name!, in: 'path', required: true, example: 'id' },
        schema: { type: 'string' },
      }));
      const responses = Object.entries(operation['responses']).map(([status, response]) => {
        const { content, headers } = resolveReference(document, response as JsonObject);
        const isJson = isObject(content) && 'application/json' in content;
        const names = Object.keys(isObject(headers) ? headers : {});
        const declared = names.map((name) => [name, { schema: { type: 'string' } }] as const);
        return [
          status,
          {
            description: status,
            ...(declared.length > 0 && { headers: Object.fromEntries(declared) }),
            ...(isJson && { content: { 'application/json': {} } }),
          },
        ] as const;
      });
      const entry = { summary: operation['operationId']!, parameters, responses: Object.fromEntries(responses) };
      paths[path] = { ...(paths[path] as JsonObject | undefined), [method]: entry };
    }
  }
  const { title, version } = document['info'] as JsonObject;
  return `${JSON.stringify({ openapi: '3.0.3', info: { title, version }, paths }, null, 2)}\n`;
}

/**
 * The schemas of a document in draft-07: `definitions`, and by operationId and status the schema of the body, or null
 * for an answer without one.
 */
export function printDraft7Schemas(document: JsonObject): string {
  const components = (document['components'] as JsonObject | undefined)?.['schemas'] as JsonObject | undefined;
  const convert = (schema: Json) => toDraft7(document, schema);
  const answers = listOperations(document).map(({ id, responses }) => {
    const schemas = [...responses].map(([status, pointer]) => [
      status,
      pointer === null ? null : convert(readPointer(document, pointer)!),
    ]);
    return [id, Object.fromEntries(schemas)];
  });
  const definitions = Object.entries(components ?? {}).map(([name, schema]) => [name, convert(schema)]);
  const schemas = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    definitions: Object.fromEntries(definitions),
    answers: Object.fromEntries(answers),
  };
  return `${JSON.stringify(schemas, null, 2)}\n`;
}

const notAssertions = ['description', 'title', 'example', 'examples', 'readOnly', 'writeOnly', 'deprecated', 'default'];

/**
 * JSON Schema 2020-12, as far as the documents use it, as draft-07. Siblings of a reference move into `allOf`, where
 * draft-07 does not ignore them, and `unevaluatedProperties: false` becomes a list of all members.
 */
function toDraft7(document: JsonObject, schema: Json): Json {
  if (!isObject(schema)) return schema;
  const { $ref, unevaluatedProperties, format, oneOf, ...rest } = schema;
  const converted: JsonObject = {};
  for (const [keyword, value] of Object.entries(rest)) {
    if (!notAssertions.includes(keyword)) converted[keyword] = convertKeyword(document, keyword, value);
  }
  if (format === 'uint64') converted['pattern'] ??= '^(0|[1-9][0-9]{0,19})$';
  else if (format !== undefined) converted['format'] = format;
  const parts: Json[] = [];
  if (typeof $ref === 'string') parts.push({ $ref: $ref.replace('#/components/schemas/', '#/definitions/') });
  const members = membersOf(document, { ...schema, oneOf: [], anyOf: [] });
  const isClosed = unevaluatedProperties === false;
  if (Array.isArray(oneOf)) {
    converted['oneOf'] = oneOf.map((branch) => {
      const known = [...members, ...membersOf(document, branch)];
      const open = toDraft7(document, branch);
      return isClosed ? { allOf: [open, onlyMembers(known)] } : open;
    });
  } else if (isClosed) {
    parts.push(onlyMembers(membersOf(document, schema)));
  }
  return parts.length === 0
    ? converted
    : { ...converted, allOf: [...parts, ...((converted['allOf'] ?? []) as Json[])] };
}

function convertKeyword(document: JsonObject, keyword: string, value: Json): Json {
  if (keyword === 'properties') {
    const entries = Object.entries(value as JsonObject).map(([name, member]) => [name, toDraft7(document, member)]);
    return Object.fromEntries(entries);
  }
  if (keyword === 'enum' || keyword === 'required' || keyword === 'type') return value;
  return Array.isArray(value) ? value.map((part) => toDraft7(document, part)) : toDraft7(document, value);
}

const onlyMembers = (names: readonly string[]): JsonObject => ({
  properties: Object.fromEntries(names.map((name) => [name, true])),
  additionalProperties: false,
});

/** Names of all members that the schema, its references and its parts describe. */
function membersOf(document: JsonObject, schema: Json): string[] {
  if (!isObject(schema)) return [];
  const { $ref, properties, allOf, anyOf, oneOf } = schema;
  const parts = [allOf, anyOf, oneOf].flatMap((list) => (Array.isArray(list) ? list : []));
  const names = [
    ...(typeof $ref === 'string' ? membersOf(document, readPointer(document, $ref)!) : []),
    ...Object.keys(isObject(properties) ? properties : {}),
    ...parts.flatMap((part) => membersOf(document, part)),
  ];
  return [...new Set(names)];
}
