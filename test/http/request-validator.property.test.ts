/** The compiled validators accept only requests that express-openapi-validator accepts, with the same result. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import authDocument from '../../generated/auth-server/document.json' with { type: 'json' };
import { requests as authRequests } from '../../generated/auth-server/validators.js';
import controlDocument from '../../generated/control/document.json' with { type: 'json' };
import { requests as controlRequests } from '../../generated/control/validators.js';
import providerDocument from '../../generated/identity-provider/document.json' with { type: 'json' };
import { requests as providerRequests } from '../../generated/identity-provider/validators.js';
import resourceDocument from '../../generated/resource-server/document.json' with { type: 'json' };
import { requests as resourceRequests } from '../../generated/resource-server/validators.js';
import introspectionDocument from '../../generated/token-introspection/document.json' with { type: 'json' };
import { requests as introspectionRequests } from '../../generated/token-introspection/validators.js';
import walletDocument from '../../generated/wallet-address-server/document.json' with { type: 'json' };
import { requests as walletRequests } from '../../generated/wallet-address-server/validators.js';
import { acceptRequest, createRequestValidator, type ParsedRequest } from '../../src/http/request-validator.ts';
import fc from '../support/fast-check.ts';

// biome-ignore lint/suspicious/noExplicitAny: a schema is any JSON
type Schema = any;

const texts = [
  'a',
  '',
  '7',
  '007',
  '1e1',
  '-1',
  '101',
  '0',
  'USD',
  'http://wallet.example/a',
  '/a',
  'é',
  'a'.repeat(300),
];
const junk = fc.oneof(fc.constantFrom(...texts, null, true, 7, -1, 1.5, [], {}), fc.jsonValue({ maxDepth: 1 }));

const ofFormat: Record<string, string[]> = {
  uri: ['http://wallet.example/a', 'http://wallet.example/incoming-payments/1', 'nothing'],
  uuid: ['11111111-2222-4333-8444-555555555555', '1'],
  'date-time': ['2030-01-02T03:04:05Z', '2030-02-30T03:04:05Z', '2030-01-02'],
  uint64: ['100', '18446744073709551615', '18446744073709551616', '01'],
};

/** Mostly values that the schema allows. */
function anyOf(schema: Schema, document: Schema): fc.Arbitrary<unknown> {
  const resolve = (node: Schema): Schema => (node.$ref ? resolve(at(document, node.$ref)) : node);
  const { $ref: _, ...own } = schema;
  const full = schema.$ref ? { ...resolve(schema), ...own } : schema;
  const valid = (): fc.Arbitrary<unknown> => {
    if (full.enum) return fc.constantFrom(...full.enum);
    if ('const' in full) return fc.constant(full.const);
    const choices = full.oneOf ?? full.anyOf;
    if (choices) {
      return fc
        .tuple(fc.oneof(...choices.map((each: Schema) => anyOf(each, document))), objectOf(full, document))
        .map(([chosen, rest]) => (isRecord(chosen) && isRecord(rest) ? { ...rest, ...chosen } : chosen));
    }
    if (full.allOf) {
      return fc
        .tuple(objectOf(full, document), ...full.allOf.map((each: Schema) => anyOf(each, document)))
        .map((parts) => Object.assign({}, ...parts));
    }
    const type = Array.isArray(full.type) ? full.type[0] : full.type;
    if (type === 'object' || full.properties) return objectOf(full, document);
    if (type === 'array') return fc.array(anyOf(full.items ?? {}, document), { maxLength: 2 });
    if (type === 'integer' || type === 'number') return fc.constantFrom(0, 1, 2, 50);
    if (type === 'boolean') return fc.boolean();
    if (full.pattern)
      return fc.oneof(
        fc.constant(ofFormat['uri']![1]!),
        fc.stringMatching(new RegExp(full.pattern, 'u')),
        fc.constantFrom(...texts),
      );
    if (type === 'string') return fc.constantFrom(...(ofFormat[full.format] ?? ['http://wallet.example/a', ...texts]));
    return junk;
  };
  return fc.oneof({ weight: 30, arbitrary: valid() }, { weight: 1, arbitrary: junk });
}

const isRecord = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function objectOf(schema: Schema, document: Schema): fc.Arbitrary<object> {
  const properties: Record<string, Schema> = schema.properties ?? {};
  const fields = Object.fromEntries(Object.entries(properties).map(([name, each]) => [name, anyOf(each, document)]));
  const requiredKeys = (schema.required ?? []).filter((name: string) => Object.hasOwn(fields, name));
  const declared = fc.record(fields, { requiredKeys, noNullPrototype: true });
  return fc
    .tuple(declared, fc.oneof({ weight: 9, arbitrary: fc.constant({}) }, fc.record({ unknown: junk })))
    .map(([object, extra]) => ({ ...object, ...extra }));
}

const at = (document: Schema, pointer: string): Schema =>
  pointer
    .slice(2)
    .split('/')
    .reduce((node, token) => node[decodeURIComponent(token).replaceAll('~1', '/').replaceAll('~0', '~')], document);

/** Requests of one operation, mostly valid ones. */
function requestOf(document: Schema, path: string, method: string): fc.Arbitrary<ParsedRequest> {
  const operation = document.paths[path][method];
  const resolve = (node: Schema): Schema => (node.$ref ? at(document, node.$ref) : node);
  const parameters: Schema[] = [...(document.paths[path].parameters ?? []), ...(operation.parameters ?? [])].map(
    resolve,
  );
  const named = (place: string, spare: fc.Arbitrary<unknown>): fc.Arbitrary<Record<string, unknown>> => {
    const listed = parameters.filter((each) => each.in === place);
    const values = Object.fromEntries(
      listed.map(({ name, schema }) => [
        place === 'header' ? name.toLowerCase() : name,
        fc.oneof({ weight: 9, arbitrary: anyOf(schema, document).map((value) => String(value)) }, spare),
      ]),
    );
    const always = fc.record(values, { noNullPrototype: true });
    return place === 'path' ? always : fc.oneof(always, fc.record(values, { requiredKeys: [], noNullPrototype: true }));
  };
  const text = fc.constantFrom(...texts);
  const content = operation.requestBody && resolve(operation.requestBody).content;
  const [mediaType] = Object.keys(content ?? {});
  const contentType = fc.constantFrom(mediaType, mediaType, `${mediaType}; charset=utf-8`, 'text/plain', undefined);
  const body = mediaType === undefined ? fc.constant(undefined) : anyOf(content[mediaType].schema, document);
  return fc
    .record({
      params: named('path', text).filter((params) => Object.values(params).every((each) => each !== '')),
      query: fc
        .tuple(
          named('query', fc.oneof(text, fc.array(text, { maxLength: 3 }))),
          fc.oneof({ weight: 9, arbitrary: fc.constant({}) }, fc.record({ unknown: text })),
        )
        .map(([known, extra]) => ({ ...known, ...extra })),
      header: named('header', text),
      contentType,
      body: fc.oneof({ weight: 9, arbitrary: body }, fc.constant(undefined)),
    })
    .map(({ params, query, header, contentType: type, body: sent }) => ({
      operationId: operation.operationId,
      method: method.toUpperCase(),
      path,
      params: params as Record<string, string>,
      query,
      headers: { ...header, ...(type !== undefined && { 'content-type': type }) },
      body: sent,
    }));
}

const documents = [
  { document: authDocument, requests: authRequests, unknownParameters: 'list' },
  { document: resourceDocument, requests: resourceRequests, unknownParameters: 'list' },
  { document: walletDocument, requests: walletRequests, unknownParameters: 'list' },
  { document: providerDocument, requests: providerRequests, unknownParameters: 'ignore' },
  { document: introspectionDocument, requests: introspectionRequests, unknownParameters: 'refuse' },
  { document: controlDocument, requests: controlRequests, unknownParameters: 'refuse' },
] as const;

for (const { document, requests, unknownParameters } of documents) {
  describe(document.info.title, () => {
    const shapes: Parameters<typeof createRequestValidator>[0]['requests'] = requests;
    /** Accepts nothing by itself, so the other validator judges everything. */
    const reluctant = Object.fromEntries(
      Object.entries(shapes).map(([id, shape]) => [id, { ...shape, parameters: () => false }]),
    );
    const judge = createRequestValidator({ document, requests: reluctant, unknownParameters });
    for (const [path, item] of Object.entries(document.paths) as [string, Record<string, Schema>][]) {
      for (const method of ['get', 'post', 'put', 'patch', 'delete'].filter((each) => item[each])) {
        const id: string = item[method].operationId;
        test(id, async () => {
          let accepted = 0;
          await fc.assert(
            fc.asyncProperty(requestOf(document, path, method), async (request) => {
              const result = acceptRequest(request, shapes[id]!, { unknownParameters });
              if (!result) return;
              accepted += 1;
              const { params, query, unknownParameters: unknown, body } = await judge(request);
              assert.deepEqual(result, {
                params: { ...params },
                query: { ...query },
                unknownParameters: unknown,
                body,
              });
            }),
            { numRuns: 150 },
          );
          // Random values seldom meet some of the patterns of the control API.
          assert.ok(accepted > 0 || document.info.title === controlDocument.info.title, 'no request was accepted');
        });
      }
    }
  });
}
