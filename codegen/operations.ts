/** The operations of an OpenAPI 3.1 document with their JSON bodies, in document order. */
import { isObject, type JsonObject, readPointer, resolveReference, writePointer } from './json.ts';

export interface Operation {
  readonly id: string;
  /** Pointer to the schema of the request body, if the operation takes one. */
  readonly request: string | null;
  /** Media type of the request body; only the first one that the program reads. */
  readonly contentType: string | null;
  readonly bodyRequired: boolean;
  readonly parameters: readonly Parameter[];
  /** Status → pointer to the schema of the JSON body, or null for a response without a body. */
  readonly responses: ReadonlyMap<number, string | null>;
}

export interface Parameter {
  readonly in: 'path' | 'query' | 'header';
  readonly name: string;
  readonly required: boolean;
  /** Pointer to its schema. */
  readonly schema: string;
  readonly isInteger: boolean;
}

const mediaTypes = ['application/json', 'application/x-www-form-urlencoded'];

export const METHODS = ['get', 'put', 'post', 'delete', 'patch', 'options'];

/** Lists the operations. Throws on an operation without an operationId and on a response status that is not a number. */
export function listOperations(document: JsonObject): Operation[] {
  const operations: Operation[] = [];
  for (const [path, item] of Object.entries(document['paths'] as JsonObject)) {
    for (const method of METHODS) {
      const operation = (item as JsonObject)[method];
      if (!isObject(operation)) continue;
      const at = ['paths', path, method];
      if (typeof operation['operationId'] !== 'string') throw new Error(`${method} ${path} lacks an operationId`);
      const body = isObject(operation['requestBody']) ? resolveReference(document, operation['requestBody']) : {};
      operations.push({
        id: operation['operationId'],
        request: findSchema(document, [...at, 'requestBody'], mediaTypes),
        contentType: mediaTypes.find((type) => isObject(body['content']) && type in body['content']) ?? null,
        bodyRequired: body['required'] === true,
        parameters: [at.slice(0, -1), at].flatMap((node) => listParameters(document, [...node, 'parameters'])),
        responses: new Map(
          Object.keys(operation['responses'] as JsonObject).map((status) => {
            if (!/^\d{3}$/.test(status)) throw new Error(`${operation['operationId']} declares the status ${status}`);
            return [Number(status), findSchema(document, [...at, 'responses', status], ['application/json'])];
          }),
        ),
      });
    }
  }
  return operations;
}

function listParameters(document: JsonObject, at: string[]): Parameter[] {
  const listed = (readPointer(document, writePointer(at)) ?? []) as JsonObject[];
  return listed.map((_, index) => {
    const pointer = followReferences(document, writePointer([...at, `${index}`]));
    const { in: place, name, required = false } = readPointer(document, pointer) as JsonObject;
    const schema = followReferences(document, `${pointer}/schema`);
    const { type } = readPointer(document, schema) as JsonObject;
    return { in: place, name, required, schema, isInteger: type === 'integer' } as Parameter;
  });
}

function findSchema(document: JsonObject, at: string[], mediaTypes: string[]): string | null {
  const body = followReferences(document, writePointer(at));
  const schemas = mediaTypes.map((type) => `${body}/${writePointer(['content', type, 'schema']).slice(2)}`);
  const found = schemas.find((schema) => readPointer(document, schema) !== undefined);
  return found === undefined ? null : followReferences(document, found);
}

/** Follows a chain of bare references. A reference with sibling keywords is a separate schema, so the chain ends there. */
function followReferences(document: JsonObject, pointer: string): string {
  const node = readPointer(document, pointer);
  const bare = isObject(node) && typeof node['$ref'] === 'string' && Object.keys(node).length === 1;
  return bare ? followReferences(document, node['$ref'] as string) : pointer;
}
