/** The requests of an operation as its document declares them: the schema of the body, and the compiled validator. */
import type { Validate } from '../runner/validation.ts';
import type { Json } from '../steps/signed-client.ts';

/** A schema and the document that its references point into. */
export interface Schema {
  readonly node: Json;
  readonly document: Json;
}

export interface RequestBody {
  readonly schema: Schema;
  readonly validate: Validate;
}

type Server = 'auth-server' | 'resource-server' | 'wallet-address-server';

/** The JSON body of an operation. */
export async function loadRequestBody(server: Server, operationId: string): Promise<RequestBody> {
  const { document, operation, shape } = await loadOperation(server, operationId);
  const node = operation.requestBody?.content?.['application/json']?.schema;
  if (!node || !shape.body) throw new Error(`${operationId} has no JSON body`);
  return { schema: { node, document }, validate: shape.body };
}

/** The schemas of the query parameters of an operation, by name. */
export async function loadQuery(server: Server, operationId: string): Promise<ReadonlyMap<string, Schema>> {
  const { document, operation } = await loadOperation(server, operationId);
  const parameters = (operation.parameters ?? []).map((node: Json) => resolve({ node, document }));
  return new Map(
    parameters
      .filter(({ node }: Schema) => node.in === 'query')
      .map(({ node }: Schema) => [node.name, { node: node.schema, document }]),
  );
}

async function loadOperation(server: Server, operationId: string) {
  const locate = (file: string): string => new URL(`../../generated/${server}/${file}`, import.meta.url).href;
  const { default: document } = await import(locate('document.json'), { with: { type: 'json' } });
  const { requests } = (await import(locate('validators.js'))) as {
    requests: Readonly<Record<string, { body: Validate | null }>>;
  };
  const operation = Object.values<Json>(document.paths)
    .flatMap((path) => Object.values<Json>(path))
    .find((each) => each?.operationId === operationId);
  const shape = requests[operationId];
  if (!operation || !shape) throw new Error(`${server} has no operation ${operationId}`);
  return { document: document as Json, operation, shape };
}

/** The schema with the reference at its top, if any, replaced. Keywords beside `$ref` hold as well. */
export function resolve({ node, document }: Schema): Schema {
  const { $ref, ...beside } = node;
  if ($ref === undefined) return { node, document };
  const target = ($ref as string)
    .split('/')
    .slice(1)
    .reduce((value: Json, key) => value[key], document);
  return resolve({ node: { ...target, ...beside }, document });
}

/** A part of the schema. */
export const within = ({ document }: Schema, node: Json): Schema => ({ node, document });
